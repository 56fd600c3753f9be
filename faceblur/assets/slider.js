// Shows one of the frames; Play steps through them four times a second.
(function (root) {
  const frames = root.querySelectorAll(".fb-frame");
  const seek = root.querySelector("input"), play = root.querySelector("button");
  let timer = 0;
  function show() { frames.forEach((frame, index) => { frame.hidden = index !== Number(seek.value); }); }
  function stop() { clearInterval(timer); timer = 0; play.textContent = "Play"; }
  seek.addEventListener("input", show);
  play.addEventListener("click", () => {
    if (timer) { stop(); return; }
    play.textContent = "Pause";
    timer = setInterval(() => {
      seek.value = (Number(seek.value) + 1) % frames.length;
      show();
    }, 250);
  });
})(document.getElementById("SLIDER_ID"));
