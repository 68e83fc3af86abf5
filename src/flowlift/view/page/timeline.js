// Time: the clock that plays, and the strip that shows how sure each frame is.

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

// Playing runs over time, at 30 frames a second where no rate is known; at the end it starts again.
function player(result, state, changed) {
  const rate = result.arrays.times || result.fps ? 1 : 30;
  const last = timeOf(result, result.frames - 1);
  const tail = result.frames > 1 ? last / (result.frames - 1) : 0;
  let [time, before] = [0, null];
  const tick = (now) => {
    if (!state.playing) return;
    if (before !== null) time += (Math.min(now - before, 250) / 1000) * state.speed * rate;
    before = now;
    if (time >= last + tail) time = 0;
    const frame = frameAt(result, time);
    if (frame !== state.frame) changed(frame);
    requestAnimationFrame(tick);
  };
  return (playing) => {
    const starts = playing && !state.playing;
    state.playing = playing && result.frames > 1;
    if (!starts || !state.playing) return;
    [time, before] = [timeOf(result, state.frame), null];
    requestAnimationFrame(tick);
  };
}

// A row for each person; a column shows its largest deviation, and stays empty where nobody was seen.
function drawStrip(canvas, result) {
  const { context, width, height } = freshCanvas(canvas);
  context.fillStyle = theme.frame;
  context.fillRect(0, 0, width, height);
  if (!result.people) return;
  const rows = Math.min(result.people, 8);
  const columns = Math.min(Math.max(1, Math.floor(width)), result.frames);
  for (let column = 0; column < columns; column++) {
    const start = Math.floor((column * result.frames) / columns);
    const stop = Math.max(start + 1, Math.floor(((column + 1) * result.frames) / columns));
    for (let person = 0; person < rows; person++) {
      const deviation = largestDeviation(result, person, start, stop);
      if (Number.isNaN(deviation)) continue;
      context.fillStyle = `rgb(${heat(deviation, result.large)})`;
      const [left, right] = [Math.floor((column * width) / columns), Math.ceil(((column + 1) * width) / columns)];
      context.fillRect(left, (person * height) / rows, right - left, height / rows - (rows > 1 ? 1 : 0));
    }
  }
}

function largestDeviation(result, person, start, stop) {
  let largest = NaN;
  for (let frame = start; frame < stop; frame++) {
    const value = result.arrays.deviation.at(frame * result.people + person);
    if (!(value <= largest)) largest = Number.isNaN(value) ? largest : value;
  }
  return largest;
}

function clockText(result, frame) {
  const place = `frame ${frame + 1} of ${result.frames}`;
  if (!result.arrays.times && !result.fps) return place;
  const time = timeOf(result, frame);
  return `${Math.floor(time / 60)}:${(time % 60).toFixed(2).padStart(5, '0')} · ${place}`;
}
