// The page of `faceblur review`: shows the state that the server holds, and sends every choice there at once.
(function () {
  "use strict";
  const COLOURS = ["#00b4d8", "#ff9f1c", "#7bd389", "#ef476f", "#b388eb", "#ffd166", "#3a86ff", "#f78c6b"];
  const AREA = "#ffffff", MOST_LINES = 8, PEOPLE = 24, MOST_LOST = 3, STRETCHES = 200;
  const $ = (id) => document.getElementById(id);
  const stage = $("stage"), time = $("time"), area = $("area").elements, style = $("style").elements;
  let state = null, listed = [], shown = null, wanted = null, isLoading = false, isEnded = false;

  const colour = (track) => (track < 0 ? AREA : COLOURS[track % COLOURS.length]);
  const clock = (ms) => `${Math.floor(ms / 60000)}:${((ms % 60000) / 1000).toFixed(2).padStart(5, "0")}`;
  const percent = (ratio) => Number((100 * ratio).toFixed(2));

  function make(tag, properties = {}, ...children) {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  }

  async function answer(response) {
    const content = await response.json().catch(() => ({ problem: response.statusText }));
    if (!response.ok) throw new Error(content.problem);
    return content;
  }

  async function ask(request) {
    try {
      const content = await request().then(answer);
      $("problem").hidden = true;
      return content;
    } catch (problem) {
      const gone = problem instanceof TypeError;
      $("problem").textContent = gone ? "faceblur review has ended: start it again" : problem.message;
      $("problem").hidden = isEnded;
      return null;
    }
  }

  const post = (what, wish = {}) => ask(() => fetch(what, {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(wish),
  }));

  async function change(what, wish) {
    const next = await post(what, wish);
    if (next) state = next;
    show();
    if (next) load();
    return next !== null;
  }

  // One request at a time; of those that come meanwhile only the last one counts.
  async function load() {
    wanted = Number(time.value);
    if (isLoading) return;
    isLoading = true;
    while (wanted !== null) {
      const ms = wanted;
      wanted = null;
      const busy = setTimeout(() => stage.classList.add("busy"), 150);
      const frame = await ask(() => fetch(`frame?ms=${ms}`));
      clearTimeout(busy);
      stage.classList.remove("busy");
      if (!frame) continue;
      shown = frame;
      $("frame").src = `data:image/jpeg;base64,${frame.jpeg}`;
      showMarks();
    }
    isLoading = false;
  }

  function goTo(ms) {
    time.value = Math.min(Math.max(0, ms), Number(time.max));
    showClock();
    load();
  }

  function showClock() {
    $("clock").textContent = clock(Number(time.value));
    time.setAttribute("aria-valuetext", $("clock").textContent);
  }

  function showMarks() {
    const svg = $("marks"), labels = $("labels");
    svg.replaceChildren();
    labels.replaceChildren();
    if (!shown || !$("outlines").checked) return;
    const all = [...shown.covered.map((mark) => [mark, ""]), ...shown.visible.map((mark) => [mark, "visible"])];
    for (const [[track, left, top, width, height], kind] of all) {
      const rect = document.createElementNS("http://www.w3.org/2000/svg", "rect");
      Object.entries({ x: left, y: top, width, height, stroke: colour(track), class: kind })
        .forEach(([name, value]) => rect.setAttribute(name, value));
      svg.append(rect);
      const words = track < 0 ? "area" : `${track}${kind ? " stays visible" : ""}`;
      const label = make("span", { textContent: words, className: top < 0.04 ? "under" : "" });
      label.style.cssText += `left:${100 * Math.max(0, left)}%;top:${100 * Math.max(0, top)}%;background:${colour(track)}`;
      labels.append(label);
    }
  }

  function person(track) {
    const picture = make("img", { src: `thumbnail/${track.track}`, alt: "", loading: "lazy" });
    const face = make("button", { className: "face", type: "button", onclick: () => lookAt(track.track) }, picture);
    face.style.borderColor = colour(track.track);
    face.setAttribute("aria-label", `show person ${track.track}`);
    const tick = make("input", { type: "checkbox", id: `visible-${track.track}` });
    tick.onchange = () => change("visible", { track: track.track, visible: tick.checked });
    const words = make("div", { className: "words" }, make("b", { textContent: `Person ${track.track}` }),
      make("small", { textContent: `${clock(track.start_ms)} – ${clock(track.end_ms)}` }),
      make("label", {}, tick, "stays visible"));
    const lost = track.needs_review.map(([start]) => make("button", { className: "lost", type: "button",
      textContent: `lost at ${clock(start)}: look`, title: "the face was lost for longer than it is covered for",
      onclick: () => goTo(start) }));
    words.append(...lost.splice(0, MOST_LOST));
    if (lost.length) {
      words.append(make("button", { className: "lost", type: "button", textContent: `lost ${lost.length} times more: show`,
        onclick: (event) => event.target.replaceWith(...lost) }));
    }
    return make("li", { id: `person-${track.track}` }, face, words);
  }

  // Where the person is seen well: the server looks for it.
  async function lookAt(track) {
    const seen = await ask(() => fetch(`seen/${track}`));
    if (seen) goTo(seen.time_ms);
  }

  // Those who are there longest of who is not in the list yet: a film may have a thousand.
  function addPeople(wanted) {
    const left = state.tracks.filter((track) => !$(`person-${track.track}`));
    const length = (track) => track.end_ms - track.start_ms;
    const added = wanted ?? [...left].sort((a, b) => length(b) - length(a)).slice(0, PEOPLE);
    listed = [...listed, ...added].sort((a, b) => state.tracks.indexOf(a) - state.tracks.indexOf(b));
    $("people").replaceChildren(...listed.map((track) => $(`person-${track.track}`) ?? person(track)));
    const more = left.length - added.length;
    $("more").hidden = $("find").hidden = !more;
    $("more").textContent = `Show ${Math.min(PEOPLE, more)} more of ${more} who are seen for less time`;
    show();
  }

  function find(event) {
    event.preventDefault();
    const track = state.tracks.find((one) => one.track === Number($("find").elements.number.value));
    $("find").elements.number.setCustomValidity(track ? "" : "there is no person with this number");
    if (!$("find").reportValidity()) return;
    if (!$(`person-${track.track}`)) addPeople([track]);
    $(`person-${track.track}`).scrollIntoView({ block: "nearest" });
    $(`visible-${track.track}`).focus();
    lookAt(track.track);
  }

  function build() {
    document.title = `Review: ${state.video}`;
    $("video").textContent = `${state.video} → ${state.out}`;
    const last = Math.max(0, state.duration_ms - state.frame_ms);
    time.step = "any";
    time.max = last;
    const [wide, high] = state.size;
    stage.style.aspectRatio = `${wide} / ${high}`;
    stage.style.maxWidth = `min(100%, calc(66vh * ${wide / high}))`;
    area.end.value = (state.duration_ms / 1000).toFixed(2);
    $("count").textContent = state.tracks.length ? `(${state.tracks.length})` : "";
    const nobody = make("li", { className: "hint", textContent: "No face was found." });
    if (state.tracks.length) addPeople(); else $("people").replaceChildren(nobody);
    style.name.replaceChildren(...state.styles.map((name) => make("option", { textContent: name })));
    style.shape.replaceChildren(...state.shapes.map((name) => make("option", { textContent: name })));
    showIntervals(Math.max(last, 1));
  }

  // Who is there when: tracks that follow each other share a line; of many the longest, and how many others at a time.
  function showIntervals(length) {
    const ends = [], lines = [], others = [];
    const byLength = [...state.tracks].sort((a, b) => (b.end_ms - b.start_ms) - (a.end_ms - a.start_ms));
    const longest = new Set(byLength.slice(0, 10 * MOST_LINES));
    for (const track of [...state.tracks].sort((a, b) => a.start_ms - b.start_ms)) {
      let row = ends.findIndex((end) => end < track.start_ms);
      if (row < 0) row = ends.length;
      if (row >= MOST_LINES || !longest.has(track)) { others.push(track); continue; }
      ends[row] = track.end_ms;
      const line = make("i", { id: `interval-${track.track}` });
      const left = (100 * track.start_ms) / length, right = (100 * Math.min(length, track.end_ms)) / length;
      line.style.cssText = `top:${row * 6}px;left:${left}%;width:${right - left}%;background:${colour(track.track)}`;
      lines.push(line);
    }
    lines.push(...density(others, length, ends.length * 6));
    $("intervals").style.height = `${(ends.length + (others.length > 0)) * 6}px`;
    $("intervals").title = others.length ? `lowest line: how many of ${others.length} others are there` : "";
    $("intervals").replaceChildren(...lines);
  }

  function density(tracks, length, top) {
    const counts = new Array(STRETCHES).fill(0), step = length / STRETCHES;
    for (const track of tracks) {
      const last = Math.min(STRETCHES - 1, Math.floor(track.end_ms / step));
      for (let index = Math.floor(track.start_ms / step); index <= last; index += 1) counts[index] += 1;
    }
    const most = Math.max(1, ...counts);
    return counts.map((count, index) => {
      const piece = make("i", { className: "many" });
      piece.style.cssText = `top:${top}px;left:${(100 * index) / STRETCHES}%;width:${100 / STRETCHES}%;opacity:${count / most}`;
      return piece;
    }).filter((_, index) => counts[index]);
  }

  function show() {
    for (const track of state.tracks) {
      const tick = $(`visible-${track.track}`);
      if (tick) tick.checked = track.visible;
      tick?.closest("li").classList.toggle("visible", track.visible);
      $(`interval-${track.track}`)?.classList.toggle("visible", track.visible);
    }
    style.name.value = state.style.name;
    style.shape.value = state.style.shape;
    style.strength.value = state.style.strength ?? "";
    style.strength.disabled = state.style.name === "solid";
    style.margin.value = percent(state.style.margin_ratio);
    $("saved").textContent = state.saved ? (state.is_written ? "Saved" : "Nothing changed") : "Not saved yet";
    $("areas").replaceChildren(...state.areas.map((one, index) => {
      const place = [one.left, one.top, one.width, one.height].map((n) => `${percent(n)} %`).join(", ");
      const end = one.end_ms === null ? "the end" : clock(one.end_ms);
      return make("li", {}, make("span", { textContent: `${place}; from ${clock(one.start_ms)} to ${end}` }),
        make("button", { type: "button", textContent: "Show", onclick: () => goTo(one.start_ms) }),
        make("button", { type: "button", textContent: "Remove", onclick: () => change("remove", { area: index }) }));
    }));
  }

  function showDrawn() {
    const [left, top, width, height] = ["left", "top", "width", "height"].map((side) => Number(area[side].value));
    $("drawn").hidden = $("cover").disabled = !(width > 0 && height > 0);
    $("drawn").style.cssText = `left:${left}%;top:${top}%;width:${width}%;height:${height}%`;
  }

  let corner = null;
  const point = (event) => {
    const box = stage.getBoundingClientRect();
    const within = (n) => Math.min(1, Math.max(0, n));
    return [within((event.clientX - box.left) / box.width), within((event.clientY - box.top) / box.height)];
  };
  stage.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    corner = point(event);
    stage.setPointerCapture(event.pointerId);
  });
  stage.addEventListener("pointermove", (event) => {
    if (!corner) return;
    const [x, y] = point(event), [x0, y0] = corner;
    area.left.value = percent(Math.min(x, x0));
    area.top.value = percent(Math.min(y, y0));
    area.width.value = percent(Math.abs(x - x0));
    area.height.value = percent(Math.abs(y - y0));
    showDrawn();
  });
  stage.addEventListener("pointerup", () => { corner = null; });
  stage.addEventListener("pointercancel", () => { corner = null; });

  $("area").addEventListener("input", (event) => { if (!["start", "end"].includes(event.target.name)) showDrawn(); });
  $("area").addEventListener("submit", async (event) => {
    event.preventDefault();
    const ratio = (side) => Number(area[side].value) / 100, end = area.end.value;
    const isCovered = await change("add", {
      left: ratio("left"), top: ratio("top"), width: ratio("width"), height: ratio("height"),
      start_ms: 1000 * Number(area.start.value),
      end_ms: end === "" || 1000 * Number(end) >= Math.floor(state.duration_ms) - 10 ? null : 1000 * Number(end),
    });
    if (isCovered) $("drawn").hidden = $("cover").disabled = true;
  });
  $("from-here").onclick = () => { area.start.value = ((shown?.time_ms ?? 0) / 1000).toFixed(3); };
  $("to-here").onclick = () => { area.end.value = ((shown?.time_ms ?? 0) / 1000).toFixed(3); };

  style.name.onchange = () => change("style", { name: style.name.value });
  style.shape.onchange = () => change("style", { shape: style.shape.value });
  style.margin.onchange = () => change("style", { margin_ratio: Number(style.margin.value) / 100 });
  style.strength.onchange = () => {
    change("style", { strength: style.strength.value === "" ? null : Number(style.strength.value) });
  };
  $("style").onsubmit = (event) => event.preventDefault();

  time.addEventListener("input", () => { showClock(); load(); });
  time.addEventListener("keydown", (event) => {
    const frames = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -25, PageUp: 25 }[event.key];
    if (!frames) return;
    event.preventDefault();
    goTo(Number(time.value) + frames * state.frame_ms);
  });
  $("back").onclick = () => goTo(Number(time.value) - state.frame_ms);
  $("forth").onclick = () => goTo(Number(time.value) + state.frame_ms);
  $("outlines").onchange = showMarks;

  $("more").onclick = () => addPeople();
  $("find").onsubmit = find;
  $("find").elements.number.oninput = (event) => event.target.setCustomValidity("");
  $("save").onclick = () => change("save");
  $("done").onclick = async () => {
    if (!state.saved && !confirm("End without saving your last choices?")) return;
    isEnded = true;
    if (!(await post("done"))) { isEnded = false; return; }
    document.querySelector("main").hidden = document.querySelector("header").hidden = true;
    $("end-words").textContent = (state.is_written ? `The plan is in ${state.out}. ` : "Nothing was written. ")
      + (state.saved ? "" : "Your last choices were not saved.");
    $("command").textContent = state.command;
    $("command").parentElement.hidden = !state.is_written;
    $("end").hidden = false;
    $("end").focus();
  };
  addEventListener("beforeunload", (event) => { if (state && !state.saved && !isEnded) event.preventDefault(); });

  ask(() => fetch("state")).then((first) => {
    if (!first) return;
    state = first;
    build();
    show();
    if (state.tracks.length) lookAt(listed[0].track); else goTo(0);
  });
})();
