// One slide at a time: arrows, space, Page keys, Home and End; the number stands in the address.
(function () {
  "use strict";
  const slides = [...document.querySelectorAll("section")], where = document.getElementById("where");
  const chapter = document.getElementById("chapter");
  const at = () => Math.min(slides.length, Math.max(1, Number(location.hash.slice(1)) || 1));
  const steps = { ArrowRight: 1, ArrowDown: 1, PageDown: 1, " ": 1, ArrowLeft: -1, ArrowUp: -1, PageUp: -1,
    Home: -Infinity, End: Infinity };

  function go(by) { location.hash = String(Math.min(slides.length, Math.max(1, at() + by))); }

  function show() {
    slides.forEach((slide, index) => { slide.hidden = index !== at() - 1; });
    const firsts = [...chapter.options].filter((option) => Number(option.value) <= at());
    chapter.selectedIndex = firsts.length - 1;
    where.textContent = `${at()} / ${slides.length}`;
    scrollTo(0, 0);
  }

  document.addEventListener("keydown", (event) => {
    if (!(event.key in steps) || event.target.closest("select, a, button") || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    go(steps[event.key]);
  });
  document.getElementById("back").onclick = () => go(-1);
  document.getElementById("forth").onclick = () => go(1);
  chapter.onchange = (event) => { location.hash = event.target.value; };
  addEventListener("hashchange", show);
  show();
})();
