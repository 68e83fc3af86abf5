// The page: one state, the panes that draw it, and the controls that change it.

const PLAY = 'M4 2.5v11L13 8z';
const PAUSE = 'M4 3h3v10H4zM9 3h3v10H9z';
const element = (id) => document.getElementById(id);

function start() {
  readTheme();
  const header = JSON.parse(element('header').textContent);
  const result = openResult(header, decodeBase64(element('data').textContent));
  const state = {
    frame: 0,
    playing: false,
    speed: 1,
    show: { reprojection: true, uncertainty: true, hypotheses: false, follow: worthFollowing(result) },
  };
  const view = restingView(result, state.show.follow);
  const page = { result, state, view };
  prepare(result);

  let waiting = false;
  page.changed = () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      if (result.image) drawImage(element('image'), result, state);
      drawScene(element('scene'), result, state, view);
    });
  };
  page.goTo = (frame) => {
    state.frame = Math.min(Math.max(frame, 0), result.frames - 1);
    showTime(result, state.frame);
    page.changed();
  };
  page.reset = () => {
    Object.assign(view, restingView(result, state.show.follow));
    page.changed();
  };
  const run = player(result, state, page.goTo);
  page.play = (playing) => {
    run(playing);
    element('play-icon').setAttribute('d', state.playing ? PAUSE : PLAY);
    element('play').setAttribute('aria-label', state.playing ? 'Pause' : 'Play');
  };
  page.seek = (frame) => {
    page.play(false);
    page.goTo(frame);
  };
  toggleButton('follow').setAttribute('aria-pressed', state.show.follow);
  connect(page);
  opening(page);
}

// What does not change: names, numbers, which controls make sense.
function prepare(result) {
  for (const [name, text] of result.facts) {
    element('facts').append(withText('dt', name), withText('dd', text));
  }
  element('slider').max = result.frames - 1;
  for (const id of ['previous', 'play', 'next', 'speed', 'slider']) element(id).disabled = result.frames < 2;
  element('image-pane').hidden = !result.image || !(result.seen || result.arrays.reprojected);
  toggleButton('hypotheses').hidden = !result.hypotheses;
  toggleButton('reprojection').hidden = !result.arrays.reprojected;
  toggleButton('follow').hidden = !result.arrays.root;
  if (result.hypotheses) {
    const { shown, drawn } = result.hypotheses;
    toggleButton('hypotheses').title += shown < drawn ? `: ${shown} of ${drawn} are in this page` : `: ${drawn}`;
  }
  legends(result);
}

function legends(result) {
  const mark = (text, colour, style) => {
    const item = document.createElement('span');
    const sample = document.createElement('i');
    if (style) sample.className = style;
    if (colour) sample.style.borderColor = colour;
    item.append(sample, text);
    return item;
  };
  const sides = () => [mark('left', 'var(--left)'), mark('right', 'var(--right)')];
  if (result.seen) element('image-legend').append('seen:', ...sides());
  if (result.arrays.reprojected) element('image-legend').append(mark('3D, projected', 'var(--ink)', 'dashed'));
  const millimetres = Math.round(result.large * 1000);
  element('scene-legend').append(...sides(), mark(`sd 0 to ${millimetres} mm`, null, 'heat'), `grid ${result.cell} m`);
}

function withText(tag, text) {
  const made = document.createElement(tag);
  made.textContent = text;
  return made;
}

function toggleButton(name) {
  return document.querySelector(`[data-toggle="${name}"]`);
}

function showTime(result, frame) {
  const text = clockText(result, frame);
  element('clock').textContent = text;
  element('slider').value = frame;
  element('slider').setAttribute('aria-valuetext', text);
  element('playhead').style.left = `${result.frames > 1 ? (100 * frame) / (result.frames - 1) : 0}%`;
}

function connect(page) {
  const { result, state, view } = page;
  const on = (id, name, action) => element(id).addEventListener(name, action);
  page.toggle = (name) => {
    if (toggleButton(name).hidden) return;
    state.show[name] = !state.show[name];
    toggleButton(name).setAttribute('aria-pressed', state.show[name]);
    if (name === 'follow') {
      const { target, half } = restingView(result, state.show.follow);
      Object.assign(view, { target, half, moved: [0, 0, 0], distance: null });
    }
    page.changed();
  };
  page.lookFrom = (name) => {
    namedView(view, name);
    page.changed();
  };
  page.info = (shown) => {
    element('info').hidden = !shown;
    element('info-button').setAttribute('aria-expanded', shown);
  };
  for (const button of document.querySelectorAll('[data-toggle]')) {
    button.addEventListener('click', () => page.toggle(button.dataset.toggle));
  }
  for (const button of document.querySelectorAll('[data-view]')) {
    button.addEventListener('click', () => page.lookFrom(button.dataset.view));
  }
  on('play', 'click', () => page.play(!state.playing));
  on('previous', 'click', () => page.seek(state.frame - 1));
  on('next', 'click', () => page.seek(state.frame + 1));
  on('slider', 'input', () => page.seek(Number(element('slider').value)));
  on('speed', 'change', () => { state.speed = Number(element('speed').value); });
  on('info-button', 'click', () => page.info(element('info').hidden));
  on('help-button', 'click', () => element('help').showModal());
  on('help-close', 'click', () => element('help').close());
  orbitControls(element('scene'), view, page.changed, page.reset);
  document.addEventListener('keydown', (event) => onKey(event, page));

  const strip = () => drawStrip(element('strip'), result);
  const resized = new ResizeObserver(() => {
    strip();
    page.changed();
  });
  for (const id of ['image', 'scene', 'strip']) resized.observe(element(id));
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
    readTheme();
    strip();
    page.changed();
  });
}

function onKey(event, page) {
  const { state, view, result } = page;
  if (event.ctrlKey || event.metaKey || event.altKey || element('help').open) return;
  const chosen = event.target.closest('button, select');
  if (chosen && (event.key === ' ' || (chosen.tagName === 'SELECT' && event.key.startsWith('Arrow')))) return;
  const second = result.fps ? Math.round(result.fps) : 30;
  const step = event.shiftKey ? second : 1;
  const turned = (across, down) => () => {
    turnView(view, across, down);
    page.changed();
  };
  const zoomed = (factor) => () => {
    zoomView(view, factor);
    page.changed();
  };
  const keys = {
    ' ': () => page.play(!state.playing),
    arrowleft: () => page.seek(state.frame - step),
    arrowright: () => page.seek(state.frame + step),
    arrowup: () => changeSpeed(1),
    arrowdown: () => changeSpeed(-1),
    home: () => page.seek(0),
    end: () => page.seek(result.frames - 1),
    r: () => page.toggle('reprojection'),
    u: () => page.toggle('uncertainty'),
    h: () => page.toggle('hypotheses'),
    f: () => page.toggle('follow'),
    1: () => page.lookFrom('camera'),
    2: () => page.lookFrom('side'),
    3: () => page.lookFrom('above'),
    0: page.reset,
    a: turned(-0.1, 0),
    d: turned(0.1, 0),
    w: turned(0, 0.1),
    s: turned(0, -0.1),
    '+': zoomed(0.9),
    '=': zoomed(0.9),
    '-': zoomed(1.1),
    i: () => page.info(element('info').hidden),
    '?': () => element('help').showModal(),
  };
  const action = keys[event.key.toLowerCase()];
  if (!action) return;
  event.preventDefault();
  action();
}

function changeSpeed(by) {
  const select = element('speed');
  const index = Math.min(Math.max(select.selectedIndex + by, 0), select.options.length - 1);
  if (index === select.selectedIndex) return;
  select.selectedIndex = index;
  select.dispatchEvent(new Event('change'));
}

// The address may name a frame and a view (#frame=12&view=side): then nothing moves by itself.
function opening(page) {
  const asked = new URLSearchParams(location.hash.slice(1));
  const still = asked.has('frame') || matchMedia('(prefers-reduced-motion: reduce)').matches;
  page.goTo((Number.parseInt(asked.get('frame'), 10) || 1) - 1);
  if (['camera', 'side', 'above'].includes(asked.get('view'))) page.lookFrom(asked.get('view'));
  page.info(window.innerWidth > 1100);
  page.play(!still);
  document.documentElement.dataset.state = 'ready';
}

try {
  start();
} catch (error) {
  element('failure').textContent = `This result cannot be shown: ${error.message}`;
  element('failure').hidden = false;
  document.documentElement.dataset.state = 'failed';
  throw error;
}
