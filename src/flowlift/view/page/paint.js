// Drawing that the panes share: the theme's colours, sharp canvases, lines, ellipses.

const theme = {};

function readTheme() {
  const style = getComputedStyle(document.documentElement);
  const names = ['page', 'paper', 'ink', 'soft', 'line', 'grid', 'shadow', 'accent', 'frame', 'left', 'right', 'centre'];
  for (const name of names) theme[name] = style.getPropertyValue(`--${name}`).trim();
  theme.people = [];
  for (let i = 0, value; (value = style.getPropertyValue(`--person-${i}`).trim()); i++) theme.people.push(value);
  theme.heat = [0, 1, 2].map((i) => style.getPropertyValue(`--heat-${i}`).match(/\d+/g).map(Number));
}

function setTheme(dark) {
  document.documentElement.dataset.theme = dark ? 'dark' : 'light';
  readTheme();
}

function peopleOf(result) {
  return Array.from({ length: result.people }, (_, person) => person);
}

// Whether a person is the one that was picked; everybody is, where nobody was.
function isChosen(state, person) {
  return state.person === null || state.person === person;
}

function personColour(person) {
  return theme.people[person % theme.people.length];
}

function heat(deviation, large) {
  const place = 2 * Math.min(Math.max(deviation / large, 0), 1);
  const [low, high] = place < 1 ? [theme.heat[0], theme.heat[1]] : [theme.heat[1], theme.heat[2]];
  const part = place < 1 ? place : place - 1;
  return low.map((a, i) => Math.round(a + (high[i] - a) * part)).join(' ');
}

// The canvas at the screen's own resolution, cleared; drawing is in CSS pixels.
function freshCanvas(canvas) {
  const { clientWidth: width, clientHeight: height } = canvas;
  const ratio = window.devicePixelRatio || 1;
  const [across, down] = [Math.max(1, Math.round(width * ratio)), Math.max(1, Math.round(height * ratio))];
  if (canvas.width !== across || canvas.height !== down) [canvas.width, canvas.height] = [across, down];
  const context = canvas.getContext('2d');
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  context.lineCap = context.lineJoin = 'round';
  return { context, width, height };
}

function line(context, a, b, colour, width) {
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.beginPath();
  context.moveTo(a[0], a[1]);
  context.lineTo(b[0], b[1]);
  context.stroke();
}

function disc(context, p, radius, colour) {
  context.fillStyle = colour;
  context.beginPath();
  context.arc(p[0], p[1], radius, 0, 2 * Math.PI);
  context.fill();
}

// The ellipse of a covariance given as rows [x, y] of a factor M: the covariance is M^T M in the drawing's plane.
function ellipseOf(columns) {
  let [xx, xy, yy] = [0, 0, 0];
  for (const [x, y] of columns) {
    xx += x * x;
    xy += x * y;
    yy += y * y;
  }
  const middle = (xx + yy) / 2;
  const spread = Math.hypot((xx - yy) / 2, xy);
  return {
    long: Math.sqrt(middle + spread),
    short: Math.sqrt(Math.max(middle - spread, 0)),
    angle: 0.5 * Math.atan2(2 * xy, xx - yy),
  };
}

function ellipse(context, centre, shape, colour) {
  context.beginPath();
  context.ellipse(centre[0], centre[1], shape.long, shape.short, shape.angle, 0, 2 * Math.PI);
  context.fillStyle = `rgb(${colour} / 0.16)`;
  context.fill();
  context.strokeStyle = `rgb(${colour} / 0.75)`;
  context.lineWidth = 1;
  context.stroke();
}

function label(context, text, p, colour) {
  context.font = '600 12px system-ui, sans-serif';
  context.textAlign = 'center';
  context.lineWidth = 3;
  context.strokeStyle = theme.paper;
  context.strokeText(text, p[0], p[1]);
  context.fillStyle = colour;
  context.fillText(text, p[0], p[1]);
}

function topmost(points) {
  return points.reduce((best, p) => (p && (!best || p[1] < best[1]) ? p : best), null);
}
