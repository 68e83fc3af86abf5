// The strip under the timeline: how sure each frame is, and where the result is weak.

const WEAK = 1.25; // times the clip's median deviation

// The largest deviation of a person in frames start <= i < stop, metres; NaN where the person is not seen.
function largestDeviation(result, person, start, stop) {
  let largest = NaN;
  for (let frame = start; frame < stop; frame++) {
    const value = result.arrays.deviation.at(frame * result.people + person);
    if (!(value <= largest)) largest = Number.isNaN(value) ? largest : value;
  }
  return largest;
}

// Stretches [first, last] of frames in which the chosen people are unsure, or nobody is seen.
function weakPlaces(result, people) {
  const known = [];
  for (let i = 0; i < result.frames * result.people; i++) {
    const value = result.arrays.deviation.at(i);
    if (!Number.isNaN(value)) known.push(value);
  }
  known.sort((a, b) => a - b);
  const limit = WEAK * known[known.length >> 1];
  const places = [];
  for (let frame = 0; frame < result.frames; frame++) {
    const values = people.map((person) => result.arrays.deviation.at(frame * result.people + person));
    if (values.some((v) => v <= limit) && !values.some((v) => v > limit)) continue;
    const last = places[places.length - 1];
    if (last && last[1] === frame - 1) last[1] = frame;
    else places.push([frame, frame]);
  }
  return places;
}

// Whether any of these people's joints is carried over a gap in frames start <= i < stop.
function anyBridged(result, people, start, stop) {
  for (let frame = start; frame < stop; frame++) {
    if (people.some((person) => bridged(result, frame, person).some(Boolean))) return true;
  }
  return false;
}

// A row for each person: bars whose height and colour are the deviation, nothing where the person is not seen. The
// line along the bottom marks weak places; it is grey where joints were carried over a gap.
function drawStrip(canvas, result, state) {
  const { context, width, height } = freshCanvas(canvas);
  context.fillStyle = theme.frame;
  context.fillRect(0, 0, width, height);
  const people = state.person === null ? peopleOf(result).slice(0, 8) : [state.person];
  if (!people.length) return;
  const [mark, row] = [3, (height - 4) / people.length];
  const columns = Math.min(Math.max(1, Math.floor(width)), result.frames);
  for (let column = 0; column < columns; column++) {
    const start = Math.floor((column * result.frames) / columns);
    const stop = Math.max(start + 1, Math.floor(((column + 1) * result.frames) / columns));
    const [left, right] = [Math.floor((column * width) / columns), Math.ceil(((column + 1) * width) / columns)];
    people.forEach((person, place) => {
      const deviation = largestDeviation(result, person, start, stop);
      if (Number.isNaN(deviation)) return;
      const tall = Math.max(Math.min(deviation / result.large, 1) * (row - 1), 1);
      context.fillStyle = `rgb(${heat(deviation, result.large)})`;
      context.fillRect(left, (place + 1) * row - tall, right - left, tall);
    });
    if (result.arrays.bridged && anyBridged(result, people, start, stop)) {
      context.fillStyle = theme.centre;
      context.fillRect(left, height - mark, right - left, mark);
    }
  }
  context.fillStyle = theme.ink;
  for (const [first, last] of state.weak) {
    const left = (first * width) / result.frames;
    context.fillRect(left, height - mark, Math.max(((last + 1 - first) * width) / result.frames, 2), mark);
  }
}
