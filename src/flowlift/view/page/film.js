// The video behind the 2D. Where the browser can show it, it is the clock: what is drawn follows the picture.

// What the page holds of a video: its bytes, or where it lies (beside the page).
function filmSource(video, embedded) {
  if (!embedded) return video.address;
  return URL.createObjectURL(new Blob([decodeBase64(embedded)], { type: video.type }));
}

function filmClock(film, result, state, changed) {
  const [start, step] = [result.start - result.video.start, frameStep(result)];
  const end = start + timeOf(result, result.frames - 1) + step;
  const near = Math.min(0.002, step / 4); // times of pictures and of frames agree but for rounding
  const show = (time) => {
    const frame = frameAt(result, time - start + near);
    if (frame !== state.frame) changed(frame);
  };
  // The middle of the time for which a frame is shown: no rounding brings in its neighbour.
  const middle = (frame) => {
    const next = frame + 1 < result.frames ? timeOf(result, frame + 1) : timeOf(result, frame) + step;
    return start + (timeOf(result, frame) + next) / 2;
  };
  // While one picture is sought others are asked for: only the last of them counts.
  let [sought, wanted] = [null, null];
  const seek = (frame) => {
    wanted = frame;
    if (sought !== null) return;
    sought = frame;
    film.currentTime = middle(frame);
  };
  film.addEventListener('seeked', () => {
    const next = wanted === sought ? null : wanted;
    [sought, wanted] = [null, null];
    if (next !== null) seek(next);
  });
  const again = () => {
    seek(0);
    film.play().catch(() => {});
  };
  film.addEventListener('ended', () => { if (state.playing) again(); });
  const follow = (time) => {
    if (!state.playing || state.clock !== clock) return;
    if (time >= end) again();
    else if (sought === null) show(time);
    watch();
  };
  const watch = () => {
    if (film.requestVideoFrameCallback) film.requestVideoFrameCallback((_, about) => follow(about.mediaTime));
    else requestAnimationFrame(() => follow(film.currentTime));
  };
  const clock = {
    play() {
      film.playbackRate = state.speed;
      seek(state.frame);
      film.play().catch(() => {});
      watch();
    },
    pause() {
      film.pause();
      seek(state.frame);
    },
    seek,
    speed() { film.playbackRate = state.speed; },
  };
  return clock;
}

function placeFilm(film, result, canvas) {
  const at = imagePlace(result, canvas.clientWidth, canvas.clientHeight);
  Object.assign(film.style, { left: `${at.left}px`, top: `${at.upper}px`, width: `${at.width}px`, height: `${at.height}px` });
}
