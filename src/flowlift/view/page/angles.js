// The plot of joint angles over time; its cursor is the frame that is shown.

const LEFT_EDGE = 44; // px, for the numbers of degrees
const BOTTOM_EDGE = 18; // px, for those of time

// The times [start, stop] that the plot shows, from the first frame: the whole clip, or `state.window` about the cursor.
function plotWindow(result, state) {
  const [wanted, all] = [state.window, timeOf(result, result.frames - 1)];
  if (!wanted || wanted >= all) return [0, all];
  const start = Math.min(Math.max(timeOf(result, state.frame) - wanted / 2, 0), all - wanted);
  return [start, start + wanted];
}

// From the last frame before a window to the first one after it: its curves begin and end at its edges.
function framesOf(result, [start, stop]) {
  return [frameAt(result, start), Math.min(frameAt(result, stop) + 1, result.frames - 1)];
}

function angleAt(result, frame, person, angle, name = 'angles') {
  return result.arrays[name].at((frame * result.people + person) * result.angles.length + angle);
}

// A round step that cuts `range` into at most `most` parts.
function roundStep(range, most) {
  const power = 10 ** Math.floor(Math.log10(range / most));
  return [1, 2, 5, 10].map((digit) => digit * power).find((step) => range / step <= most);
}

// Lowest and highest value in each of the plot's columns, and how far one standard deviation reaches beyond them; no
// more columns than frames.
function envelope(result, person, angle, [first, last], columns) {
  const count = Math.min(columns, last - first + 1);
  return Array.from({ length: count }, (_, column) => {
    const start = first + Math.floor((column * (last - first + 1)) / count);
    const stop = first + Math.floor(((column + 1) * (last - first + 1)) / count);
    const found = { frame: (start + stop - 1) / 2, low: Infinity, high: -Infinity, lower: Infinity, upper: -Infinity };
    for (let frame = start; frame < stop && frame < result.frames; frame++) {
      const value = angleAt(result, frame, person, angle);
      if (Number.isNaN(value)) continue;
      const deviation = angleAt(result, frame, person, angle, 'angle deviations') || 0;
      [found.low, found.high] = [Math.min(found.low, value), Math.max(found.high, value)];
      [found.lower, found.upper] = [Math.min(found.lower, value - deviation), Math.max(found.upper, value + deviation)];
    }
    return found.low <= found.high ? found : null;
  });
}

// The chosen angles' columns, kept for as long as they stay the same: a long clip has many frames behind them.
function curves(result, state, person, frames, columns) {
  const key = [person, state.angles, frames, columns].join();
  if (state.curves?.key !== key) {
    const lines = state.angles.map((angle) => envelope(result, person, angle, frames, columns));
    state.curves = { key, lines };
  }
  return state.curves.lines;
}

function drawAngles(canvas, result, state) {
  const { context, width, height } = freshCanvas(canvas);
  const person = state.person ?? 0;
  const shown = state.angles;
  const window = plotWindow(result, state);
  const [start, stop] = window;
  const lines = curves(result, state, person, framesOf(result, window), Math.floor(width - LEFT_EDGE));
  const known = lines.flat().filter(Boolean);
  const [low, high] = degreesAxis(known);
  const across = (time) => LEFT_EDGE + ((time - start) / (stop - start || 1)) * (width - LEFT_EDGE - 8);
  const x = (frame) => across(timeAt(result, frame));
  const y = (value) => height - BOTTOM_EDGE - ((value - low) / (high - low)) * (height - BOTTOM_EDGE - 8);
  drawAxes(context, result, window, [low, high], across, y, width, height);
  context.save();
  context.beginPath();
  context.rect(LEFT_EDGE - 1, 0, width - LEFT_EDGE - 6, height);
  context.clip();
  lines.forEach((line, i) => drawBand(context, line, x, y, theme[result.angles[shown[i]].side]));
  lines.forEach((line, i) => drawCurve(context, line, x, y, theme[result.angles[shown[i]].side]));
  context.restore();
  context.strokeStyle = theme.ink;
  context.lineWidth = 1.5;
  context.beginPath();
  context.moveTo(x(state.frame), 4);
  context.lineTo(x(state.frame), height - BOTTOM_EDGE);
  context.stroke();
  for (const angle of shown) {
    const value = angleAt(result, state.frame, person, angle);
    if (!Number.isNaN(value)) disc(context, [x(state.frame), y(value)], 3.5, theme[result.angles[angle].side]);
  }
}

function degreesAxis(known) {
  if (!known.length) return [0, 90];
  const [low, high] = [Math.min(...known.map((v) => v.lower)), Math.max(...known.map((v) => v.upper))];
  const step = roundStep(Math.max(high - low, 10), 4);
  return [Math.floor(low / step) * step, Math.max(Math.ceil(high / step), Math.floor(low / step) + 1) * step];
}

function drawAxes(context, result, window, [low, high], across, y, width, height) {
  context.font = '11px system-ui, sans-serif';
  context.fillStyle = theme.soft;
  context.strokeStyle = theme.grid;
  context.lineWidth = 1;
  const tick = (from, to) => {
    context.beginPath();
    context.moveTo(...from);
    context.lineTo(...to);
    context.stroke();
  };
  context.textAlign = 'right';
  context.textBaseline = 'middle';
  const step = roundStep(high - low, 4);
  for (let value = low; value <= high + 1e-9; value += step) {
    tick([LEFT_EDGE, y(value)], [width - 8, y(value)]);
    context.fillText(`${Math.round(value)}°`, LEFT_EDGE - 6, y(value));
  }
  context.textAlign = 'center';
  context.textBaseline = 'alphabetic';
  for (const [time, text] of timeTicks(result, window, Math.max(width / 90, 2))) {
    const at = across(time);
    if (at > width - 16) continue;
    tick([at, height - BOTTOM_EDGE], [at, height - BOTTOM_EDGE + 4]);
    context.fillText(text, at, height - 3);
  }
}

// Where the axis of time has round numbers, `most` of them or few more, and what they are: the clip's times with as many
// digits as tell them apart, or numbers of frames.
function timeTicks(result, [start, stop], most) {
  const timed = isTimed(result);
  const origin = timed ? result.start : 1;
  const step = roundStep(stop - start || 1, most);
  const apart = timed ? step : Math.max(step, 1);
  const digits = Math.max(Math.ceil(-Math.log10(apart) - 1e-9), 0);
  const [first, last] = [Math.ceil((origin + start) / apart - 1e-6), Math.floor((origin + stop) / apart + 1e-6)];
  return Array.from({ length: Math.max(last - first + 1, 0) }, (_, i) => {
    const value = (first + i) * apart;
    return [value - origin, timed ? timeText(value, digits) : String(value)];
  });
}

// Through the columns' lowest and highest values: a line, where each column is a frame; broken where nobody is seen.
function drawCurve(context, columns, x, y, colour) {
  context.strokeStyle = colour;
  context.lineWidth = 1.6;
  context.beginPath();
  let before = null;
  for (const column of columns) {
    if (column) {
      const at = x(column.frame);
      if (before) context.lineTo(at, y(column.low));
      else context.moveTo(at, y(column.low));
      if (column.high > column.low) context.lineTo(at, y(column.high));
    }
    before = column;
  }
  context.stroke();
}

// One standard deviation to each side, in stretches without a gap.
function drawBand(context, columns, x, y, colour) {
  context.fillStyle = colour;
  context.globalAlpha = 0.18;
  for (let start = 0; start < columns.length; start++) {
    if (!columns[start]) continue;
    let stop = start;
    while (columns[stop]) stop++;
    const stretch = columns.slice(start, stop);
    context.beginPath();
    for (const column of stretch) context.lineTo(x(column.frame), y(column.upper));
    for (const column of stretch.reverse()) context.lineTo(x(column.frame), y(column.lower));
    context.fill();
    start = stop;
  }
  context.globalAlpha = 1;
}

// The frame under a place of the plot, px from its left.
function plotFrame(result, state, canvas, place) {
  const [start, stop] = plotWindow(result, state);
  const part = (place - LEFT_EDGE) / (canvas.clientWidth - LEFT_EDGE - 8);
  const time = start + Math.min(Math.max(part, 0), 1) * (stop - start);
  const before = frameAt(result, time);
  const after = Math.min(before + 1, result.frames - 1);
  return time - timeOf(result, before) <= timeOf(result, after) - time ? before : after;
}
