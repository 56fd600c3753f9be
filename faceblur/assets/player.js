// Plays two videos as one: the right one leads (it has the sound), the left one follows.
(function (root) {
  const [before, after] = root.querySelectorAll("video");
  const play = root.querySelector(".fb-play"), seek = root.querySelector(".fb-seek");
  const mode = root.querySelector(".fb-mode"), cut = root.querySelector(".fb-cut");
  const pair = root.querySelector(".fb-pair"), clock = root.querySelector("output");
  const text = (s) => Math.floor(s / 60) + ":" + (s % 60).toFixed(1).padStart(4, "0");
  before.muted = true;

  function show() {
    const length = after.duration || 0;
    if (length) seek.value = 1000 * after.currentTime / length;
    clock.textContent = text(after.currentTime) + " / " + text(length);
    follow(after.currentTime - before.currentTime);
    if (!after.paused && !after.ended) requestAnimationFrame(show);
  }
  // A seek takes longer than a frame: on a busy machine it would never arrive. So the left one hurries or waits.
  function follow(late) {
    const plays = !after.paused && !after.ended;
    if (before.seeking) return;
    if (Math.abs(late) > (plays ? 0.4 : 0.02)) before.currentTime = after.currentTime;
    before.playbackRate = plays ? Math.min(2, Math.max(0.5, 1 + 2 * late)) : 1;
  }
  play.addEventListener("click", () => {
    if (after.paused || after.ended) {
      Promise.all([before.play().catch(() => 0), after.play()]).then(show);
    } else {
      after.pause();
    }
  });
  after.addEventListener("play", () => { play.textContent = "Pause"; });
  for (const event of ["pause", "ended"]) {
    after.addEventListener(event, () => { play.textContent = "Play"; before.pause(); show(); });
  }
  for (const event of ["loadedmetadata", "seeked"]) after.addEventListener(event, show);
  seek.addEventListener("input", () => {
    if (after.duration) after.currentTime = before.currentTime = after.duration * seek.value / 1000;
  });
  cut.addEventListener("input", () => pair.style.setProperty("--cut", cut.value + "%"));
  mode.addEventListener("click", () => {
    mode.textContent = pair.classList.toggle("fb-wipe") ? "Side by side" : "One over the other";
  });
  before.addEventListener("error", () => {
    const note = root.querySelector(".fb-note");
    note.hidden = false;
    note.textContent = "This browser cannot play the original's format; the blurred video is H.264 in MP4.";
  }, true);
  show();
})(document.getElementById("PLAYER_ID"));
