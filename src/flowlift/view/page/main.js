// The page: one state, the panes that draw it, and the controls that change it.

const PLAY = 'M4 2.5v11L13 8z';
const PAUSE = 'M4 3h3v10H4zM9 3h3v10H9z';

async function start() {
  setTheme(matchMedia('(prefers-color-scheme: dark)').matches);
  const header = JSON.parse(element('header').textContent);
  const result = openResult(header, await inflate(decodeBase64(element('data').textContent)));
  const state = {
    frame: 0,
    playing: false,
    speed: 1,
    person: null, // everybody
    filmed: false, // whether the browser shows the video
    window: 0, // seconds that the plot of angles shows; 0: the whole clip
    angles: anglesCalled(result, angleNames(result)[0]),
    weak: weakPlaces(result, peopleOf(result)),
    show: { reprojection: true, uncertainty: true, hypotheses: false, video: true, angles: Boolean(result.angles), follow: worthFollowing(result) },
  };
  const page = pageOf(result, state, restingView(result, state.show.follow));
  state.clock = timerClock(result, state, page.goTo);
  prepare(result);
  connect(page);
  if (result.video) openFilm(page);
  opening(page);
}

// What can be done with the page; buttons, keys and clocks call these and nothing else.
function pageOf(result, state, view) {
  const page = { result, state, view };
  let waiting = false;
  page.changed = () => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      if (!element('image-pane').hidden) drawImage(element('image'), result, state);
      drawScene(element('scene'), result, state, view);
      if (state.show.angles) drawAngles(element('plot'), result, state);
    });
  };
  page.goTo = (frame) => {
    state.frame = Math.min(Math.max(frame, 0), result.frames - 1);
    showTime(result, state);
    if (state.show.angles) showAngles(result, state);
    page.changed();
  };
  page.play = (playing) => {
    state.playing = playing && result.frames > 1;
    if (state.playing) state.clock.play();
    else state.clock.pause();
    element('play-icon').setAttribute('d', state.playing ? PAUSE : PLAY);
    element('play').setAttribute('aria-label', state.playing ? 'Pause' : 'Play');
    element('clock').setAttribute('aria-live', state.playing ? 'off' : 'polite');
  };
  page.seek = (frame) => {
    page.play(false);
    page.goTo(frame);
    state.clock.seek(state.frame);
  };
  page.weak = (direction) => {
    const ahead = direction > 0;
    const places = state.weak.map(([first]) => first).filter((first) => (ahead ? first > state.frame : first < state.frame));
    if (places.length) page.seek(places.at(ahead ? 0 : -1));
  };
  page.reset = () => {
    Object.assign(view, restingView(result, state.show.follow));
    page.changed();
  };
  page.toggle = (name) => {
    if (toggleButton(name).hidden) return;
    state.show[name] = !state.show[name];
    page.pressed();
    if (name === 'follow') {
      const { target, half } = restingView(result, state.show.follow);
      Object.assign(view, { target, half, moved: [0, 0, 0], distance: null });
    }
    page.goTo(state.frame);
  };
  page.pressed = () => {
    element('weak').disabled = !state.weak.length;
    for (const [name, shown] of Object.entries(state.show)) toggleButton(name).setAttribute('aria-pressed', shown);
    element('film').hidden = !(state.filmed && state.show.video);
    element('plot-pane').hidden = !state.show.angles;
  };
  page.pick = (person) => {
    state.person = person;
    state.weak = weakPlaces(result, person === null ? peopleOf(result) : [person]);
    page.pressed();
    drawStrip(element('strip'), result, state);
    page.goTo(state.frame);
  };
  page.lookFrom = (name) => {
    if (name === 'overview') {
      state.show.follow = false;
      page.pressed();
      Object.assign(view, overview(result));
    } else namedView(view, name);
    page.changed();
  };
  page.info = (shown) => {
    element('info').hidden = !shown;
    element('info-button').setAttribute('aria-expanded', shown);
  };
  page.darken = (dark = document.documentElement.dataset.theme !== 'dark') => {
    setTheme(dark);
    drawStrip(element('strip'), result, state);
    page.changed();
  };
  return page;
}

function connect(page) {
  const { result, state, view } = page;
  const on = (id, name, action) => element(id).addEventListener(name, action);
  for (const button of document.querySelectorAll('[data-toggle]')) {
    button.addEventListener('click', () => page.toggle(button.dataset.toggle));
  }
  for (const button of document.querySelectorAll('[data-view]')) {
    button.addEventListener('click', () => page.lookFrom(button.dataset.view));
  }
  on('play', 'click', () => page.play(!state.playing));
  on('previous', 'click', () => page.seek(state.frame - 1));
  on('next', 'click', () => page.seek(state.frame + 1));
  on('weak', 'click', () => page.weak(1));
  on('slider', 'input', () => page.seek(Number(element('slider').value)));
  on('speed', 'change', () => {
    state.speed = Number(element('speed').value);
    state.clock.speed?.();
  });
  on('person', 'change', () => page.pick(element('person').value === '' ? null : Number(element('person').value)));
  on('angle', 'change', () => {
    state.angles = anglesCalled(result, element('angle').value);
    page.goTo(state.frame);
  });
  on('window', 'change', () => {
    state.window = Number(element('window').value);
    page.changed();
  });
  on('theme-button', 'click', () => page.darken());
  on('info-button', 'click', () => page.info(element('info').hidden));
  on('help-button', 'click', () => element('help').showModal());
  on('help-close', 'click', () => element('help').close());
  orbitControls(element('scene'), view, page.changed, page.reset);
  on('plot', 'pointerdown', (event) => element('plot').setPointerCapture(event.pointerId));
  for (const name of ['pointerdown', 'pointermove']) {
    on('plot', name, (event) => event.buttons && page.seek(plotFrame(result, state, element('plot'), event.offsetX)));
  }
  document.addEventListener('keydown', (event) => onKey(event, page));
  const resized = new ResizeObserver(() => {
    drawStrip(element('strip'), result, state);
    if (result.image) placeFilm(element('film'), result, element('image'));
    page.changed();
  });
  for (const id of ['image', 'scene', 'strip', 'plot']) resized.observe(element(id));
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', (event) => page.darken(event.matches));
}

// The video takes over as the clock when its first picture is there; without it the 2D is shown as it is.
function openFilm(page) {
  const { result, state } = page;
  const film = element('film');
  film.addEventListener('loadeddata', () => {
    state.filmed = true;
    state.clock.pause();
    state.clock = filmClock(film, result, state, page.goTo);
    toggleButton('video').hidden = false;
    page.pressed();
    if (state.playing) state.clock.play();
    else state.clock.seek(state.frame);
    page.changed();
    document.documentElement.dataset.film = 'ready';
  }, { once: true });
  film.addEventListener('error', () => {
    const text = `${result.video.name} cannot be shown: it is not where this page expects it, or this browser cannot play it.`;
    element('image-note').textContent = text;
    document.documentElement.dataset.film = 'failed';
  });
  film.src = filmSource(result.video, element('film-data').textContent);
}

// The address may name a frame and a view (#frame=12&view=side): then nothing moves by itself.
function opening(page) {
  const asked = new URLSearchParams(location.hash.slice(1));
  const still = asked.has('frame') || matchMedia('(prefers-reduced-motion: reduce)').matches;
  page.pressed();
  page.goTo((Number.parseInt(asked.get('frame'), 10) || 1) - 1);
  if (['camera', 'side', 'above', 'overview'].includes(asked.get('view'))) page.lookFrom(asked.get('view'));
  page.info(window.innerWidth > 1100);
  page.play(!still);
  document.documentElement.dataset.state = 'ready';
}

start().catch((error) => {
  element('failure').textContent = `This result cannot be shown: ${error.message}`;
  element('failure').hidden = false;
  document.documentElement.dataset.state = 'failed';
  throw error;
});
