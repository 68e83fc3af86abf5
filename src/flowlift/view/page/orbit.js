// The viewer's place around the scene (x right, y up, z towards the viewer at yaw 0), and how pointers move it.

const FOCAL = 1.25; // focal length over the shorter side of the pane

function restingView(result, following) {
  const { low, high, size } = result.scene;
  const target = low.map((v, i) => (v + high[i]) / 2);
  const half = low.map((v, i) => (following ? size * 0.55 : Math.max((high[i] - v) / 2, size * 0.4)));
  const reach = Math.hypot(...low.map((v, i) => high[i] - v));
  const near = size * 0.03; // before the eye, where lines are cut
  return { yaw: 0, pitch: 0.16, target, moved: [0, 0, 0], half, distance: null, near, limits: [size / 4, 15 * Math.max(size, reach)] };
}

// One person who walks about is kept in the middle; otherwise the whole of the place is in view.
function worthFollowing(result) {
  const { low, high, size } = result.scene;
  return result.people === 1 && Boolean(result.arrays.root) && Math.max(high[0] - low[0], high[2] - low[2]) > 1.5 * size;
}

// The distance from which everything is seen; found when the pane's shape is known.
function fittingDistance(view, width, height) {
  const across = Math.max(view.half[0], view.half[2]);
  const focal = FOCAL * Math.min(width, height);
  return Math.max((across * focal) / (width / 2), (view.half[1] * focal) / (height / 2)) * 1.1 + across;
}

function namedView(view, name) {
  const angles = { camera: [0, 0.16], side: [Math.PI / 2, 0.16], above: [0, 1.5] };
  [view.yaw, view.pitch] = angles[name];
}

// From aside and above, so that the camera is in view as well as all that it saw.
function overview(result) {
  const view = restingView(result, false);
  const { low, high } = result.scene;
  const [from, to] = [low.map((v) => Math.min(v, 0)), high.map((v) => Math.max(v, 0))]; // the camera is at the origin
  const half = from.map((v, i) => (to[i] - v) / 2);
  return { ...view, yaw: 1.1, pitch: 0.35, target: from.map((v, i) => v + half[i]), half };
}

// The viewer's right, up and backward axes in the scene.
function eyeAxes(view) {
  const [sy, cy, sp, cp] = [Math.sin(view.yaw), Math.cos(view.yaw), Math.sin(view.pitch), Math.cos(view.pitch)];
  return [[cy, 0, -sy], [-sy * sp, cp, -cy * sp], [sy * cp, sp, cy * cp]];
}

function turnView(view, across, down) {
  view.yaw -= across;
  view.pitch = Math.min(Math.max(view.pitch + down, -1.5), 1.5);
}

function zoomView(view, factor) {
  view.distance = Math.min(Math.max(view.distance * factor, view.limits[0]), view.limits[1]);
}

function moveView(view, dx, dy, shorter) {
  const [right, up] = eyeAxes(view);
  const step = view.distance / (FOCAL * shorter);
  view.moved = view.moved.map((v, i) => v - step * dx * right[i] + step * dy * up[i]);
}

// One pointer turns, Shift or another button moves, two pinch and move.
function orbitControls(canvas, view, changed, reset) {
  const pointers = new Map();
  const middle = () => {
    const [a, b] = [...pointers.values()];
    return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2, apart: Math.hypot(a.x - b.x, a.y - b.y) };
  };
  const shorter = () => Math.min(canvas.clientWidth, canvas.clientHeight);
  canvas.addEventListener('pointerdown', (event) => {
    canvas.setPointerCapture(event.pointerId);
    pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
  });
  canvas.addEventListener('pointermove', (event) => {
    const last = pointers.get(event.pointerId);
    if (!last || pointers.size > 2) return;
    const before = pointers.size === 2 && middle();
    const [dx, dy] = [event.clientX - last.x, event.clientY - last.y];
    [last.x, last.y] = [event.clientX, event.clientY];
    if (before) {
      const after = middle();
      moveView(view, after.x - before.x, after.y - before.y, shorter());
      if (after.apart > 0) zoomView(view, before.apart / after.apart);
    } else if (event.shiftKey || event.buttons > 1) moveView(view, dx, dy, shorter());
    else turnView(view, dx * 0.008, dy * 0.008);
    changed();
  });
  for (const name of ['pointerup', 'pointercancel']) {
    canvas.addEventListener(name, (event) => pointers.delete(event.pointerId));
  }
  canvas.addEventListener('contextmenu', (event) => event.preventDefault());
  canvas.addEventListener('dblclick', reset);
  canvas.addEventListener('wheel', (event) => {
    event.preventDefault();
    zoomView(view, Math.exp(Math.max(-60, Math.min(60, event.deltaY)) * (event.deltaMode ? 0.05 : 0.0025)));
    changed();
  }, { passive: false });
}
