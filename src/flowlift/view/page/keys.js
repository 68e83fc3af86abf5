// The keyboard. Every key has its line in the page's help.

function onKey(event, page) {
  const { state, view, result } = page;
  if (event.ctrlKey || event.metaKey || event.altKey || element('help').open) return;
  const chosen = event.target.closest('button, select');
  if (chosen && (event.key === ' ' || event.key === 'Enter')) return;
  if (chosen && chosen.tagName === 'SELECT' && (event.key.startsWith('Arrow') || event.key.length === 1)) return;
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
    n: () => page.weak(1),
    p: () => page.weak(-1),
    r: () => page.toggle('reprojection'),
    u: () => page.toggle('uncertainty'),
    h: () => page.toggle('hypotheses'),
    v: () => page.toggle('video'),
    g: () => page.toggle('angles'),
    f: () => page.toggle('follow'),
    t: () => page.darken(),
    1: () => page.lookFrom('camera'),
    2: () => page.lookFrom('side'),
    3: () => page.lookFrom('above'),
    4: () => page.lookFrom('overview'),
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
