// The result: a JSON header, and one block of little-endian arrays that it indexes (see payload.py).

const MISSING = -32768;

function halfFloat(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

const STORED = {
  int16: [Int16Array, (v, scale) => (v === MISSING ? NaN : v * scale)],
  uint8: [Uint8Array, (v, scale) => (v === 255 ? NaN : v * scale)],
  float16: [Uint16Array, (v, scale) => halfFloat(v) * scale],
  float32: [Float32Array, (v, scale) => v * scale],
};

function decodeBase64(text) {
  const characters = atob(text);
  const bytes = new Uint8Array(characters.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = characters.charCodeAt(i);
  return bytes.buffer;
}

// An array of the block: `at(i)` gives the i-th value in row-major order, `row` is the length of one (frame, person).
function openArray(entry, buffer) {
  const [View, read] = STORED[entry.type];
  const count = entry.shape.reduce((a, b) => a * b, 1);
  const stored = new View(buffer, entry.offset, count);
  const row = entry.shape.slice(2).reduce((a, b) => a * b, 1);
  return { shape: entry.shape, row, at: (i) => read(stored[i], entry.scale) };
}

function openResult(header, buffer) {
  const arrays = {};
  for (const [name, entry] of Object.entries(header.arrays)) arrays[name] = openArray(entry, buffer);
  return { ...header, arrays };
}

// The `width` long vectors of one person in one frame; null where any component is missing.
function vectors(result, name, frame, person, width) {
  const array = result.arrays[name];
  const start = (frame * result.people + person) * array.row;
  const list = [];
  for (let i = start; i < start + array.row; i += width) {
    const vector = [];
    for (let k = 0; k < width; k++) vector.push(array.at(i + k));
    list.push(vector.some(Number.isNaN) ? null : vector);
  }
  return list;
}

// Joints of one person in the camera frame, metres; about the origin where no root is known.
function joints3D(result, frame, person) {
  const root = rootOf(result, frame, person);
  return vectors(result, 'xyz', frame, person, 3).map((p) => p && root && add(p, root));
}

function rootOf(result, frame, person) {
  return result.arrays.root ? vectors(result, 'root', frame, person, 3)[0] : [0, 0, 0];
}

function add(a, b) {
  return [a[0] + b[0], a[1] + b[1], a[2] + b[2]];
}

function dot(a, b) {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

function turn(rows, p) {
  return [dot(rows[0], p), dot(rows[1], p), dot(rows[2], p)];
}

// Seconds from the start; the bare frame number where there is no frame rate.
function timeOf(result, frame) {
  return result.arrays.times ? result.arrays.times.at(frame) : frame / (result.fps || 1);
}
