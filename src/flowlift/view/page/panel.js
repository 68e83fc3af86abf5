// What surrounds the panes: names, numbers, legends, and which controls make sense for this result.

const element = (id) => document.getElementById(id);

function withText(tag, text) {
  const made = document.createElement(tag);
  made.textContent = text;
  return made;
}

function toggleButton(name) {
  return document.querySelector(`[data-toggle="${name}"]`);
}

function prepare(result) {
  for (const [name, text] of result.facts) {
    element('facts').append(withText('dt', name), withText('dd', text));
  }
  element('slider').max = result.frames - 1;
  for (const id of ['previous', 'play', 'next', 'speed', 'slider']) element(id).disabled = result.frames < 2;
  element('image-pane').hidden = !result.image || !(result.seen || result.camera || result.video);
  toggleButton('hypotheses').hidden = !result.hypotheses;
  toggleButton('reprojection').hidden = !result.camera;
  toggleButton('video').hidden = true; // until the browser has shown that it can play it
  toggleButton('follow').hidden = !result.arrays.root;
  toggleButton('angles').hidden = !result.angles;
  element('person').hidden = result.people < 2;
  for (const person of peopleOf(result)) element('person').append(option(person, `person ${person}`));
  element('angle').append(...angleNames(result).map((name) => option(name, name)));
  if (result.hypotheses) {
    const { shown, drawn } = result.hypotheses;
    toggleButton('hypotheses').title += shown < drawn ? `: ${shown} of ${drawn} are in this page` : `: ${drawn}`;
  }
  legends(result);
}

function option(value, text) {
  const made = withText('option', text);
  made.value = value;
  return made;
}

function angleNames(result) {
  return [...new Set((result.angles || []).map((angle) => angle.name))];
}

// The numbers of the angles that share a name: the left one, the right one.
function anglesCalled(result, name) {
  return (result.angles || []).flatMap((angle, i) => (angle.name === name ? [i] : []));
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
  if (result.camera) element('image-legend').append(mark('3D, projected', 'var(--ink)', 'dashed'));
  const metric = result.unit === 'm';
  const large = metric ? `${Number((result.large * 1000).toPrecision(3))} mm` : `${result.large} ${result.unit}`;
  element('scene-legend').append(...sides(), mark(`joints: sd 0 to ${large}`, null, 'heat'));
  if (result.arrays.bridged) element('scene-legend').append(mark('carried over a gap', 'var(--centre)', 'hollow'));
  element('scene-legend').append(`grid ${result.cell} ${metric ? 'm' : result.unit}`);
}

function showTime(result, state) {
  const text = clockText(result, state.frame);
  element('clock').textContent = text;
  element('slider').value = state.frame;
  element('slider').setAttribute('aria-valuetext', text);
  element('playhead').style.left = `${result.frames > 1 ? (100 * (state.frame + 0.5)) / result.frames : 0}%`;
}

// The angles at the cursor, in words, with one standard deviation.
function showAngles(result, state) {
  const person = state.person ?? 0;
  const parts = state.angles.map((angle) => {
    const { side } = result.angles[angle];
    const [value, deviation] = ['angles', 'angle deviations'].map((name) => angleAt(result, state.frame, person, angle, name));
    const doubt = Number.isNaN(deviation) ? '' : ` ± ${deviation.toFixed(0)}`;
    const text = Number.isNaN(value) ? 'not seen' : `${value.toFixed(0)}°${doubt}`;
    const made = withText('span', side === 'centre' ? text : `${side} ${text}`);
    made.style.setProperty('--side', `var(--${side})`);
    return made;
  });
  element('angle-values').replaceChildren(...(result.people > 1 ? [`person ${person}:`] : []), ...parts);
}
