// The result: a JSON header, and one block of arrays that it indexes (see packed.py).

const MISSING = -32768;

const STORED = {
  int16: [Int16Array, Uint16Array, (v, scale) => (v === MISSING ? NaN : v * scale)],
  uint8: [Uint8Array, Uint8Array, (v, scale) => (v === 255 ? NaN : v * scale)],
  float32: [Float32Array, Uint32Array, (v, scale) => v * scale],
};

function decodeBase64(text) {
  const characters = atob(text);
  const bytes = new Uint8Array(characters.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = characters.charCodeAt(i);
  return bytes;
}

async function inflate(bytes) {
  if (typeof DecompressionStream === 'undefined') throw new Error('this browser is older than 2023 and cannot unpack it');
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate'));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

// Undo the differences between frames: bytes of one value over all frames lie together, low bytes before high ones.
function summed(entry, bytes) {
  const [View, Whole] = STORED[entry.type];
  const count = entry.shape.reduce((a, b) => a * b, 1);
  const frames = entry.shape[0];
  const width = frames ? count / frames : 0;
  const whole = new Whole(count);
  for (let k = 0; k < width; k++) {
    let value = 0;
    for (let frame = 0, from = entry.offset + k * frames; frame < frames; frame++, from++) {
      for (let part = 0; part < Whole.BYTES_PER_ELEMENT; part++) value = (value + (bytes[from + part * count] << (8 * part))) | 0;
      whole[frame * width + k] = value;
    }
  }
  return new View(whole.buffer);
}

// An array of the block: `at(i)` gives the i-th value in row-major order, `row` is the length of one (frame, person).
function openArray(entry, bytes) {
  const read = STORED[entry.type][2];
  const stored = summed(entry, bytes);
  const row = entry.shape.slice(2).reduce((a, b) => a * b, 1);
  return { shape: entry.shape, row, at: (i) => read(stored[i], entry.scale) };
}

// Arrays are unpacked when they are first asked for: hypotheses are large, and often never looked at.
function openResult(header, bytes) {
  const arrays = {};
  for (const [name, entry] of Object.entries(header.arrays)) {
    let opened;
    Object.defineProperty(arrays, name, { enumerable: true, get: () => (opened ??= openArray(entry, bytes)) });
  }
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

// The same for each hypothesis in turn, one list: they are stored as differences from the joints.
function hypotheses3D(result, frame, person) {
  const joints = joints3D(result, frame, person);
  return vectors(result, 'hypotheses', frame, person, 3).map((p, i) => p && joints[i % joints.length] && add(p, joints[i % joints.length]));
}

function rootOf(result, frame, person) {
  return result.arrays.root ? vectors(result, 'root', frame, person, 3)[0] : [0, 0, 0];
}

// One standard deviation of each joint, metres: the root mean square over three axes.
function deviations(result, frame, person) {
  return vectors(result, 'factor', frame, person, 6).map((f) => (f ? Math.hypot(...f) / Math.sqrt(3) : NaN));
}

// Whether each joint was not seen, but carried over a gap from the frames around it.
function bridged(result, frame, person) {
  if (!result.arrays.bridged) return result.skeleton.joints.map(() => false);
  return vectors(result, 'bridged', frame, person, 1).map((v) => v !== null && v[0] > 0);
}

// Where the camera sees a point of its frame, px; null for what is not before it, or far outside of the image.
function project({ matrix, distortion, size, reach }, p) {
  if (!p || p[2] < 1e-9) return null;
  const [x, y] = [p[0] / p[2], p[1] / p[2]];
  const [k1, k2, p1, p2, k3, k4, k5, k6] = distortion;
  const r = x * x + y * y;
  if (reach !== null && r >= reach * reach) return null;
  const radial = (1 + r * (k1 + r * (k2 + r * k3))) / (1 + r * (k4 + r * (k5 + r * k6)));
  const bent = [
    x * radial + 2 * p1 * x * y + p2 * (r + 2 * x * x),
    y * radial + p1 * (r + 2 * y * y) + 2 * p2 * x * y,
    1,
  ];
  const seen = [dot(matrix[0], bent), dot(matrix[1], bent)];
  return seen.some((v) => Math.abs(v) > 5 * Math.max(...size)) ? null : seen;
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

// Seconds from the first frame, which is at `result.start`; the bare frame number where there is no frame rate.
function timeOf(result, frame) {
  return result.arrays.times ? result.arrays.times.at(frame) : frame / (result.fps || 1);
}

function isTimed(result) {
  return Boolean(result.arrays.times || result.fps);
}
