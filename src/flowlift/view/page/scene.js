// The right pane: people, uncertainty, ground and camera in 3D.

// From the scene to the pane: `eye(p)` in the viewer's axes (z: distance ahead), `flat(e)` in pixels.
function projection(view, width, height) {
  const axes = eyeAxes(view);
  const focal = FOCAL * Math.min(width, height);
  const centre = add(view.target, view.moved);
  const eye = (p) => {
    const q = turn(axes, [p[0] - centre[0], p[1] - centre[1], p[2] - centre[2]]);
    return [q[0], q[1], view.distance - q[2]];
  };
  const flat = (e) => [width / 2 + (focal * e[0]) / e[2], height / 2 - (focal * e[1]) / e[2]];
  return { axes, focal, eye, flat, near: view.near };
}

function drawScene(canvas, result, state, view) {
  const { context, width, height } = freshCanvas(canvas);
  if (width < 2 || height < 2) return;
  if (view.distance === null) view.distance = fittingDistance(view, width, height);
  if (state.show.follow) follow(result, state, view);
  const see = projection(view, width, height);
  drawGround(context, result, see);
  drawFrustum(context, result, see, view.distance);
  const people = [];
  for (let person = 0; person < result.people; person++) {
    const body = bodyOf(result, state.frame, person, see);
    if (body) people.push(body);
  }
  if (!people.length) label(context, 'nobody seen', [width / 2, height / 2], theme.soft);
  for (const body of people) drawShadow(context, result, body, see);
  const chosen = people.filter((body) => isChosen(state, body.person));
  if (state.show.hypotheses) for (const body of chosen) drawHypotheses(context, result, state.frame, body, see);
  drawBones(context, result, state, people, see);
  if (state.show.uncertainty) for (const body of chosen) drawUncertainty(context, result, state.frame, body, see);
  if (result.people > 1) {
    for (const body of people) {
      const head = topmost(body.flat);
      if (head) label(context, String(body.person), [head[0], head[1] - 12], personColour(body.person));
    }
  }
}

// The middle of a person's places within half a second: steady, whatever order frames are drawn in.
function follow(result, state, view) {
  const around = Math.round((result.fps || 30) / 2);
  const [first, last] = [Math.max(state.frame - around, 0), Math.min(state.frame + around, result.frames - 1)];
  for (const person of state.person === null ? peopleOf(result) : [state.person]) {
    let [x, z, count] = [0, 0, 0];
    for (let frame = first; frame <= last; frame++) {
      const root = rootOf(result, frame, person);
      if (!root) continue;
      const place = turn(result.scene.rotation, root);
      [x, z, count] = [x + place[0], z + place[2], count + 1];
    }
    if (!count) continue;
    [view.target[0], view.target[2]] = [x / count, z / count];
    return;
  }
}

function bodyOf(result, frame, person, see) {
  const scene = joints3D(result, frame, person).map((p) => p && turn(result.scene.rotation, p));
  const [large, carried] = [deviations(result, frame, person), bridged(result, frame, person)];
  const eye = scene.map((p) => p && see.eye(p)).map((e) => (e && e[2] > see.near ? e : null));
  return eye.some(Boolean) ? { person, scene, large, carried, eye, flat: eye.map((e) => e && see.flat(e)) } : null;
}

// A segment between two points of the viewer's axes, cut where it comes too near.
function segment(context, see, a, b, colour, width) {
  if (a[2] < see.near && b[2] < see.near) return;
  const cut = (p, q) => {
    if (p[2] >= see.near) return p;
    const part = (see.near - p[2]) / (q[2] - p[2]);
    return p.map((v, i) => v + part * (q[i] - v));
  };
  line(context, see.flat(cut(a, b)), see.flat(cut(b, a)), colour, width);
}

function drawGround(context, result, see) {
  const { low, high, ground, size } = result.scene;
  const cell = result.cell;
  const from = (axis) => Math.floor((low[axis] - size * 0.6) / cell);
  const to = (axis) => Math.ceil((high[axis] + size * 0.6) / cell);
  const every = Math.ceil(Math.max(to(0) - from(0), to(2) - from(2)) / 60);
  const edge = (x, z) => see.eye([x * cell, ground, z * cell]);
  for (let x = from(0); x <= to(0); x += every) segment(context, see, edge(x, from(2)), edge(x, to(2)), theme.grid, 1);
  for (let z = from(2); z <= to(2); z += every) segment(context, see, edge(from(0), z), edge(to(0), z), theme.grid, 1);
}

function drawFrustum(context, result, see, distance) {
  if (!result.frustum) return;
  const length = result.scene.size * 0.25;
  const place = (p) => see.eye(turn(result.scene.rotation, p.map((v) => v * length)));
  const apex = place([0, 0, 0]);
  const ahead = apex[2] / distance; // so near that it would stand before what it saw: left out
  context.globalAlpha = Math.min(Math.max((ahead - 0.3) * 5, 0), 1);
  const corners = result.frustum.map(place);
  corners.forEach((corner, i) => {
    segment(context, see, apex, corner, theme.accent, 1.3);
    segment(context, see, corner, corners[(i + 1) % 4], theme.accent, i === 0 ? 3 : 1.3); // the image's top edge
  });
  context.globalAlpha = 1;
}

// One stroke for the whole body, so that crossing shadows do not darken each other.
function drawShadow(context, result, body, see) {
  const fallen = body.scene.map((p) => p && see.eye([p[0], result.scene.ground, p[2]]));
  const flat = fallen.map((e, i) => (e && e[2] > see.near && body.eye[i] ? see.flat(e) : null));
  context.strokeStyle = theme.shadow;
  context.lineWidth = boneWidth(result, Math.max(...fallen.filter(Boolean).map((e) => e[2])), see) * 1.2;
  context.beginPath();
  for (const [from, to] of result.skeleton.bones) {
    if (!flat[from] || !flat[to]) continue;
    context.moveTo(...flat[from]);
    context.lineTo(...flat[to]);
  }
  context.stroke();
}

function boneWidth(result, depth, see) {
  return Math.min(Math.max((see.focal * result.scene.size * 0.017) / depth, 1.5), 24);
}

// What is far first; a rim in the paper's colour keeps crossing limbs apart. Bones have their sides' colours (of several
// people those of the person, with the side inside where it can be seen, until one is picked), joints that of their
// uncertainty; those that were carried over a gap are hollow.
function drawBones(context, result, state, people, see) {
  const parts = [];
  for (const body of people) {
    for (const [from, to, side] of result.skeleton.bones) {
      const [a, b] = [body.eye[from], body.eye[to]];
      if (a && b) parts.push({ body, from, to, colour: theme[side], depth: (a[2] + b[2]) / 2 });
    }
    body.eye.forEach((e, joint) => {
      const reach = 0.02 * result.scene.size; // a joint covers the ends of its own bones
      if (e) parts.push({ body, to: joint, colour: jointColour(result, body.large[joint]), depth: e[2] - reach });
    });
  }
  parts.sort((p, q) => q.depth - p.depth);
  for (const { body, from, to, colour, depth } of parts) {
    const [a, b] = [body.flat[from], body.flat[to]];
    const width = boneWidth(result, depth, see);
    context.globalAlpha = isChosen(state, body.person) ? 1 : 0.25;
    if (!a) {
      disc(context, b, width * 0.9 + 1, theme.paper);
      disc(context, b, width * 0.9, colour);
      if (body.carried[to]) disc(context, b, width * 0.5, theme.paper);
      continue;
    }
    rim(context, a, b, width + 2.5);
    const several = result.people > 1 && state.person !== body.person;
    if (several) line(context, a, b, personColour(body.person), width);
    if (!several || width > 5) line(context, a, b, colour, several ? width * 0.45 : width);
  }
  context.globalAlpha = 1;
}

function jointColour(result, deviation) {
  return Number.isNaN(deviation) ? theme.centre : `rgb(${heat(deviation, result.large)})`;
}

function rim(context, a, b, width) {
  const between = (part) => [a[0] + part * (b[0] - a[0]), a[1] + part * (b[1] - a[1])];
  context.lineCap = 'butt';
  line(context, between(0.15), between(0.85), theme.paper, width);
  context.lineCap = 'round';
}

// The covariance's factor, brought into the pane by the projection's derivative at the joint.
function drawUncertainty(context, result, frame, body, see) {
  const factors = vectors(result, 'factor', frame, body.person, 6);
  body.eye.forEach((e, joint) => {
    const f = factors[joint];
    if (!e || !f) return;
    const columns = [[f[0], f[1], f[3]], [0, f[2], f[4]], [0, 0, f[5]]];
    const shape = ellipseOf(columns.map((column) => {
      const [x, y, back] = turn(see.axes, turn(result.scene.rotation, column));
      const k = see.focal / e[2];
      return [k * (x + (e[0] / e[2]) * back), -k * (y + (e[1] / e[2]) * back)];
    }));
    if (shape.long > 0.5) ellipse(context, body.flat[joint], shape, heat(body.large[joint], result.large));
  });
}

function drawHypotheses(context, result, frame, body, see) {
  if (!result.hypotheses) return;
  const all = hypotheses3D(result, frame, body.person)
    .map((p) => p && see.eye(turn(result.scene.rotation, p)))
    .map((e) => (e && e[2] > see.near ? see.flat(e) : null));
  const joints = result.skeleton.joints.length;
  context.globalAlpha = 0.3;
  context.lineWidth = 1;
  for (const [from, to, side] of result.skeleton.bones) {
    context.strokeStyle = theme[side];
    context.beginPath();
    for (let start = 0; start < all.length; start += joints) {
      const [a, b] = [all[start + from], all[start + to]];
      if (!a || !b) continue;
      context.moveTo(a[0], a[1]);
      context.lineTo(b[0], b[1]);
    }
    context.stroke();
  }
  context.globalAlpha = 1;
}
