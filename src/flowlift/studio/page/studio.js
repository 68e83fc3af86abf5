// The studio's page: it sends files, asks how the jobs are, and shows the one that was chosen.

const element = (id) => document.getElementById(id);
const OURS = { 'X-Flowlift-Studio': '1' };
const ENDED = ['done', 'failed', 'cancelled'];
const state = { choices: null, jobs: [], uploads: [], chosen: location.hash.slice(1) || null };

function made(tag, text, properties = {}) {
  const it = document.createElement(tag);
  it.textContent = text;
  return Object.assign(it, properties);
}

async function ask(address, options = {}) {
  let answer;
  try {
    answer = await fetch(address, { ...options, headers: OURS });
  } catch {
    throw new Error('The studio does not answer. Is it still running?');
  }
  if (!answer.ok) throw new Error(await reason(answer));
  return answer.status === 204 ? null : answer.json();
}

async function reason(answer) {
  const text = await answer.text();
  try {
    return JSON.parse(text).error;
  } catch {
    return text || `The studio answered with ${answer.status}.`;
  }
}

function complain(error) {
  element('trouble').textContent = error ? error.message : '';
  element('trouble').hidden = !error;
}

// Settings

function buildForm(fields) {
  for (const field of fields) {
    const label = made('label', '', { className: 'field' });
    const caption = made('div', field.label);
    if (field.hint) caption.append(made('span', field.hint));
    label.append(caption, control(field));
    element(field.more ? 'more' : 'fields').append(label);
  }
}

function control(field) {
  const name = { name: field.name, id: `field-${field.name}` };
  if (field.kind === 'choice') {
    const select = made('select', '', name);
    if (field.default === null) select.append(made('option', 'as the file says', { value: '' }));
    for (const choice of field.choices) select.append(made('option', choice, { value: choice, selected: choice === field.default }));
    return select;
  }
  if (field.kind === 'switch') return made('input', '', { ...name, type: 'checkbox', checked: field.default });
  if (field.kind === 'size') return made('input', '', { ...name, type: 'text', pattern: '[0-9]+[xX][0-9]+' });
  const input = made('input', '', { ...name, type: 'number', step: field.kind === 'integer' ? 1 : 'any', min: field.low, value: field.default ?? '' });
  if (field.high !== null) input.max = field.high;
  input.required = field.default !== null;
  return input;
}

function settings() {
  const values = {};
  for (const field of state.choices.fields) {
    const { value, checked } = element(`field-${field.name}`);
    if (field.kind === 'switch') values[field.name] = checked;
    else if (field.kind === 'choice' || field.kind === 'size') values[field.name] = value || null;
    else values[field.name] = value === '' ? null : Number(value);
  }
  return values;
}

// Uploads

function send(file) {
  if (!element('form').reportValidity()) return;
  if (file.size > state.choices.limit) {
    complain(new Error(`${file.name} is larger than ${state.choices.limit / 1e6} MB, which this studio takes at most.`));
    return;
  }
  complain(null);
  const upload = { name: file.name, part: 0, request: new XMLHttpRequest() };
  const query = new URLSearchParams({ name: file.name, options: JSON.stringify(settings()) });
  const { request } = upload;
  request.open('POST', `api/jobs?${query}`);
  for (const [name, value] of Object.entries(OURS)) request.setRequestHeader(name, value);
  request.upload.addEventListener('progress', (event) => {
    upload.part = event.loaded / Math.max(event.total, 1);
    showUploads();
  });
  request.addEventListener('loadend', () => {
    state.uploads = state.uploads.filter((other) => other !== upload);
    showUploads();
    let said = null;
    try { said = JSON.parse(request.responseText); } catch { /* it was refused with plain text, or broke off */ }
    if (request.status === 201) choose(said.id);
    else if (request.status) complain(new Error(said?.error || request.responseText));
    else complain(new Error(`${file.name} could not be sent: the studio refused it, or does not answer.`));
    refresh();
  });
  state.uploads.push(upload);
  showUploads();
  request.send(file);
}

function showUploads() {
  element('uploads').replaceChildren(...state.uploads.map((upload) => {
    const item = made('li', '', { className: 'upload' });
    item.append(made('span', upload.name, { className: 'name' }), made('span', `sending, ${Math.round(100 * upload.part)} %`, { className: 'state' }));
    item.append(made('progress', '', { max: 1, value: upload.part }));
    return item;
  }));
}

// Jobs

function inWords(job) {
  const { stage, done, total } = job.progress;
  if (job.state === 'queued') return job.before ? `waiting, ${job.before} before it` : 'waiting';
  if (job.state !== 'running') return job.state;
  if (!done) return stage || 'starting';
  return total ? `${stage}, ${done} of ${total} frames` : `${stage}, ${done} frames`;
}

// The list keeps its elements, so that the keyboard's focus stays where it is.
function showJobs() {
  const list = element('jobs');
  const items = new Map([...list.children].map((item) => [item.dataset.job, item]));
  const wanted = state.jobs.map((job) => items.get(job.id) || jobItem(job));
  for (const item of items.values()) if (!wanted.includes(item)) item.remove();
  wanted.forEach((item, i) => { if (list.children[i] !== item) list.insertBefore(item, list.children[i] || null); });
  state.jobs.forEach((job, i) => {
    const [button] = wanted[i].children;
    button.setAttribute('aria-current', job.id === state.chosen);
    const line = button.querySelector('.state');
    line.textContent = inWords(job);
    line.className = `state ${job.state}`;
    showProgress(button.querySelector('progress'), job);
  });
  element('empty').hidden = Boolean(state.jobs.length + state.uploads.length);
}

function jobItem(job) {
  const item = made('li', '');
  item.dataset.job = job.id;
  const button = made('button', '', { type: 'button' });
  button.append(made('span', job.name, { className: 'name' }), made('span', '', { className: 'state' }), made('progress', '', { hidden: true }));
  button.addEventListener('click', () => choose(job.id));
  item.append(button);
  return item;
}

function showProgress(bar, job) {
  bar.hidden = job.state !== 'running';
  const { done, total } = job.progress;
  if (total) Object.assign(bar, { max: total, value: done });
  else bar.removeAttribute('value');
}

function choose(id) {
  state.chosen = id;
  history.replaceState(null, '', id ? `#${id}` : location.pathname);
  showJobs();
  showChosen();
}

function showChosen() {
  const job = state.jobs.find((one) => one.id === state.chosen);
  element('hint').hidden = Boolean(job);
  element('job').hidden = !job;
  if (!job) return;
  const [done, page] = [job.state === 'done', `jobs/${job.id}/page.html`];
  element('job-name').textContent = job.name;
  element('job-state').textContent = inWords(job);
  showProgress(element('progress'), job);
  element('cancel').hidden = ENDED.includes(job.state);
  element('delete').hidden = !ENDED.includes(job.state);
  element('open').hidden = element('download-group').hidden = element('viewer').hidden = !done;
  for (const format of element('format').options) format.hidden = format.disabled = format.dataset.filmed && !job.filmed;
  if (element('format').selectedOptions[0].disabled) element('format').selectedIndex = 0;
  if (done && element('viewer').getAttribute('src') !== page) {
    element('viewer').src = page;
    element('open').href = page;
  }
  if (!done) element('viewer').removeAttribute('src');
  element('message').hidden = !job.message;
  if (element('message').textContent !== job.message) element('message').textContent = job.message;
  element('warnings').hidden = !job.warnings.length;
  element('warnings').replaceChildren(...job.warnings.map((text) => made('li', text)));
}

async function download() {
  const button = element('download');
  const [job, suffix] = [state.jobs.find((one) => one.id === state.chosen), element('format').value];
  button.disabled = true;
  button.textContent = 'Writing …';
  try {
    const answer = await fetch(`jobs/${job.id}/download/${suffix.slice(1)}`, { headers: OURS });
    if (!answer.ok) throw new Error(await reason(answer));
    const name = /filename\*=UTF-8''(.*)$/.exec(answer.headers.get('content-disposition') || '');
    const link = made('a', '', { href: URL.createObjectURL(await answer.blob()), download: name ? decodeURIComponent(name[1]) : `result${suffix}` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
    complain(null);
  } catch (error) {
    complain(error);
  } finally {
    button.disabled = false;
    button.textContent = 'Download';
  }
}

async function change(address, method) {
  try {
    await ask(address, { method });
    complain(null);
  } catch (error) {
    complain(error);
  }
  await refresh();
}

let waiting = null;
async function refresh() {
  clearTimeout(waiting);
  try {
    state.jobs = await ask('api/jobs');
    if (element('trouble').dataset.lost) {
      complain(null);
      delete element('trouble').dataset.lost;
    }
    showJobs();
    showChosen();
  } catch (error) {
    element('trouble').dataset.lost = 'yes';
    complain(error);
  }
  const busy = state.jobs.some((job) => !ENDED.includes(job.state));
  clearTimeout(waiting);
  waiting = setTimeout(refresh, busy ? 500 : 4000);
}

async function start() {
  state.choices = await ask('api/choices');
  const { version, fields, accepted, formats } = state.choices;
  element('version').textContent = version;
  element('kinds').textContent = 'mp4, mov, avi, ... csv, json, npz, h5';
  element('file').accept = accepted.join(',');
  buildForm(fields);
  element('format').append(...formats.map(({ suffix, name, filmed }) => {
    const format = made('option', `${suffix} · ${name}`, { value: suffix });
    if (filmed) format.dataset.filmed = 'yes';
    return format;
  }));
  element('file').addEventListener('change', () => {
    for (const file of element('file').files) send(file);
    element('file').value = '';
  });
  const files = (event) => event.dataTransfer?.types.includes('Files');
  document.addEventListener('dragover', (event) => {
    if (!files(event)) return;
    event.preventDefault();
    document.body.classList.add('dropping');
  });
  document.addEventListener('dragleave', (event) => { if (!event.relatedTarget) document.body.classList.remove('dropping'); });
  document.addEventListener('drop', (event) => {
    document.body.classList.remove('dropping');
    if (!files(event)) return;
    event.preventDefault();
    for (const file of event.dataTransfer.files) send(file);
  });
  element('form').addEventListener('submit', (event) => event.preventDefault());
  element('download').addEventListener('click', download);
  element('cancel').addEventListener('click', () => change(`api/jobs/${state.chosen}/cancel`, 'POST'));
  element('delete').addEventListener('click', () => change(`api/jobs/${state.chosen}`, 'DELETE'));
  await refresh();
  document.documentElement.dataset.state = 'ready';
}

start().catch(complain);
