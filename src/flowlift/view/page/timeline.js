// Time: frames and their times, and the clock that plays where no video does.

// The last frame that begins at or before `time`.
function frameAt(result, time) {
  let [low, high] = [0, result.frames - 1];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (timeOf(result, middle) <= time + 1e-6) low = middle;
    else high = middle - 1;
  }
  return low;
}

// The time of a place between frames, such as 2.5.
function timeAt(result, place) {
  const before = Math.floor(place);
  const [from, to] = [before, Math.min(before + 1, result.frames - 1)].map((frame) => timeOf(result, frame));
  return from + (place - before) * (to - from);
}

// The mean time from one frame to the next, seconds.
function frameStep(result) {
  return result.frames > 1 ? timeOf(result, result.frames - 1) / (result.frames - 1) : 0;
}

// Playing runs over time, at 30 frames a second where no rate is known; at the end it starts again.
function timerClock(result, state, changed) {
  const rate = isTimed(result) ? 1 : 30;
  const length = timeOf(result, result.frames - 1) + frameStep(result);
  let [time, before, run] = [0, null, 0];
  const tick = (now, mine) => {
    if (mine !== run) return;
    if (before !== null) time += (Math.min(now - before, 250) / 1000) * state.speed * rate;
    before = now;
    if (time >= length) time = 0;
    const frame = frameAt(result, time);
    if (frame !== state.frame) changed(frame);
    requestAnimationFrame((next) => tick(next, mine));
  };
  return {
    play() {
      [time, before] = [timeOf(result, state.frame), null];
      const mine = ++run;
      requestAnimationFrame((now) => tick(now, mine));
    },
    pause() { run++; },
    seek(frame) { time = timeOf(result, frame); },
  };
}

function clockText(result, frame) {
  const place = `frame ${frame + 1} of ${result.frames}`;
  return isTimed(result) ? `${timeText(result.start + timeOf(result, frame))} · ${place}` : place;
}

// 83.4 is 1:23.40.
function timeText(time, digits = 2) {
  const rounded = Math.abs(Number(time.toFixed(digits)));
  const sign = Number(time.toFixed(digits)) < 0 ? '-' : '';
  return `${sign}${Math.floor(rounded / 60)}:${(rounded % 60).toFixed(digits).padStart(digits ? 3 + digits : 2, '0')}`;
}
