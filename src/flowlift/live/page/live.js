// The live page: the newest frames of the stream, as a clip that the viewer's panes draw the end of.

const KEPT = 0.5; // seconds of frames, for what looks at more than one
const AGAIN = 2000; // ms until a lost connection is tried again

// The lower factor L (l11 l21 l22 l31 l32 l33) of a covariance (xx xy xz yy yz zz), L L^T.
function factorOf([xx, xy, xz, yy, yz, zz]) {
  const over = (value, pivot) => (pivot > 0 ? value / pivot : 0);
  const root = (value) => Math.sqrt(Math.max(value, 0));
  const l11 = root(xx);
  const [l21, l31] = [over(xy, l11), over(xz, l11)];
  const l22 = root(yy - l21 * l21);
  const l32 = over(yz - l31 * l21, l22);
  return [l11, l21, l22, l31, l32, root(zz - l31 * l31 - l32 * l32)];
}

// One person of a message, as the rows of the arrays that the viewer reads.
function rowsOf(person) {
  const seen = person.keypoints || [];
  return {
    xyz: person.xyz.flat(),
    factor: person.cov.flatMap(factorOf),
    root: person.root || [NaN, NaN, NaN],
    bridged: person.xyz.map(() => Number(person.bridged)),
    keypoints: seen.flatMap((p) => (p ? [p[0], p[1]] : [NaN, NaN])),
    score: seen.map((p) => (p && p[2] !== null ? p[2] : NaN)),
  };
}

// What was streamed last, as a result of the viewer's; `take` adds a frame to it.
function openStream(hello) {
  const joints = hello.skeleton.joints.length;
  const seen = hello.seen ? hello.seen.joints.length : 0;
  const rows = { xyz: 3 * joints, factor: 6 * joints, root: 3, bridged: joints, keypoints: 2 * seen, score: seen };
  const recent = [];
  const places = new Map(); // of people by their number: a place is theirs for as long as they are in view
  const result = { ...hello, frames: 0, people: 0, arrays: {} };
  for (const [name, row] of Object.entries(rows)) {
    const at = (i) => {
      const cell = Math.floor(i / row);
      const person = recent[Math.floor(cell / result.people)].shown.get(cell % result.people);
      return person ? person[name][i % row] : NaN;
    };
    result.arrays[name] = { row, at };
  }
  result.take = (frame) => {
    for (const who of places.keys()) if (!frame.people.some(({ person }) => person === who)) places.delete(who);
    const shown = new Map();
    for (const person of frame.people) {
      if (!places.has(person.person)) {
        const taken = new Set(places.values());
        places.set(person.person, [...taken, taken.size].map((_, i) => i).find((i) => !taken.has(i)));
      }
      shown.set(places.get(person.person), rowsOf(person));
    }
    recent.push({ time: frame.time, shown });
    while (frame.time - recent[0].time > KEPT) recent.shift();
    const { scene, large, cell } = frame;
    for (const { root } of shown.values()) reach(scene, root);
    Object.assign(result, { scene, large, cell, frames: recent.length, people: Math.max(-1, ...places.values()) + 1 });
  };
  return result;
}

// The ground goes on below who has walked beyond it.
function reach(scene, root) {
  if (root.some(Number.isNaN)) return;
  const place = turn(scene.rotation, root);
  for (const axis of [0, 2]) {
    scene.low[axis] = Math.min(scene.low[axis], place[axis]);
    scene.high[axis] = Math.max(scene.high[axis], place[axis]);
  }
}

function start() {
  setTheme(matchMedia('(prefers-color-scheme: dark)').matches);
  const page = { result: null, view: null, newest: null, latencies: [] };
  const state = { frame: 0, person: null, filmed: false, show: { reprojection: true, uncertainty: true, hypotheses: false, follow: true } };
  let waiting = false;
  page.changed = () => {
    if (waiting || !page.result) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      state.frame = Math.max(page.result.frames - 1, 0);
      drawImage(element('image'), page.result, state);
      drawScene(element('scene'), page.result, state, page.view);
      if (page.newest) showAge(page);
    });
  };
  page.reset = () => {
    Object.assign(page.view, restingView(page.result, true));
    page.changed();
  };
  listen(page);
  connect(page, state);
}

function listen(page) {
  const socket = new WebSocket(`${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/poses`);
  let ended = false;
  socket.addEventListener('message', ({ data }) => {
    const said = JSON.parse(data);
    if (said.type === 'hello') begin(page, said);
    else if (said.type === 'frame') {
      const first = !page.result.people && said.people.length;
      page.result.take(said);
      page.newest = said;
      if (first) legendsOf(page.result); // how large people are is known now
      page.view.target[1] = restingView(page.result, true).target[1];
      page.changed();
    } else if (said.type === 'end') {
      ended = true;
      tell('ended', 'The stream has ended.');
    }
  });
  socket.addEventListener('close', () => {
    if (ended) return;
    tell('lost', 'No connection; trying again.');
    setTimeout(() => listen(page), AGAIN);
  });
}

function begin(page, hello) {
  page.result = openStream(hello);
  const view = restingView(page.result, true);
  if (page.view) Object.assign(page.view, view);
  else {
    page.view = view;
    orbitControls(element('scene'), view, page.changed, page.reset);
  }
  element('title').textContent = `${hello.source} · ${hello.made_by.model}`;
  element('image-pane').hidden = !hello.image;
  legendsOf(page.result);
  tell('live', 'live');
  page.changed();
}

function legendsOf(result) {
  for (const id of ['image-legend', 'scene-legend']) element(id).replaceChildren();
  legends(result);
}

// What is going on, in words and for who looks at the page from outside.
function tell(state, text) {
  document.documentElement.dataset.state = state;
  element('state').textContent = text;
}

// Once for each frame that was drawn: how old it is.
function showAge(page) {
  const { frame, captured, dropped } = page.newest;
  const age = Date.now() - 1000 * captured;
  page.newest = null;
  page.latencies.push(age);
  if (page.latencies.length > 30) page.latencies.shift();
  document.documentElement.dataset.drawn = frame;
  document.documentElement.dataset.age = age.toFixed(1);
  const usual = [...page.latencies].sort((a, b) => a - b)[page.latencies.length >> 1];
  element('clock').textContent = `frame ${frame + 1} · drawn ${Math.round(usual)} ms after it came in · ${dropped} dropped`;
}

function connect(page, state) {
  for (const button of document.querySelectorAll('[data-toggle]')) {
    button.addEventListener('click', () => {
      const name = button.dataset.toggle;
      state.show[name] = !state.show[name];
      button.setAttribute('aria-pressed', state.show[name]);
      page.changed();
    });
  }
  for (const button of document.querySelectorAll('[data-view]')) {
    button.addEventListener('click', () => {
      if (!page.view) return;
      if (button.dataset.view === 'overview') {
        state.show.follow = false;
        toggleButton('follow').setAttribute('aria-pressed', false);
        Object.assign(page.view, overview(page.result));
      } else namedView(page.view, button.dataset.view);
      page.changed();
    });
  }
  element('theme-button').addEventListener('click', () => {
    setTheme(document.documentElement.dataset.theme !== 'dark');
    page.changed();
  });
  const resized = new ResizeObserver(page.changed);
  for (const id of ['image', 'scene']) resized.observe(element(id));
}

start();
