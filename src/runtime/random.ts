/**
 * Counter-based randomness: every number is a function of (seed, path, step) and a counter, and of nothing else.
 * Adding a loss reseeds no other, resuming at a step needs no state, and runs pair. Used for initial values, sampling,
 * augmentation and noise; never inside a training step.
 *
 * The generator is Philox4x32-10 (Salmon, Moraes, Dror & Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3").
 */

export interface Random {
  /** Uniform in [0, 1), 32 bits. */
  uniform(): number;
  /** Standard normal (Box–Muller). */
  normal(): number;
  /** Uniform integer in 0..n-1, without modulo bias; n must be a positive integer up to 2^32. */
  int(n: number): number;
  /** Shuffles in place (Fisher–Yates) and returns the same array. */
  shuffle<T extends { length: number; [index: number]: unknown }>(items: T): T;
}

const MULTIPLIER_0 = 0xd2511f53;
const MULTIPLIER_1 = 0xcd9e8d57;
const WEYL_0 = 0x9e3779b9;
const WEYL_1 = 0xbb67ae85;

/** High 32 bits of the product of two unsigned 32-bit integers. */
function multiplyHigh(a: number, b: number): number {
  const al = a & 0xffff;
  const ah = a >>> 16;
  const bl = b & 0xffff;
  const bh = b >>> 16;
  const middle = ah * bl + ((al * bl) >>> 16);
  const low = al * bh + (middle & 0xffff);
  return (ah * bh + Math.floor(middle / 65536) + Math.floor(low / 65536)) >>> 0;
}

/** Philox4x32-10: four 32-bit words from a counter of four words and a key of two. Writes into `out`. */
export function philox(counter: Uint32Array, key0: number, key1: number, out: Uint32Array): void {
  let [c0, c1, c2, c3] = counter as unknown as [number, number, number, number];
  let k0 = key0 >>> 0;
  let k1 = key1 >>> 0;
  for (let round = 0; round < 10; round++) {
    const high0 = multiplyHigh(MULTIPLIER_0, c0);
    const low0 = Math.imul(MULTIPLIER_0, c0) >>> 0;
    const high1 = multiplyHigh(MULTIPLIER_1, c2);
    const low1 = Math.imul(MULTIPLIER_1, c2) >>> 0;
    c0 = (high1 ^ c1 ^ k0) >>> 0;
    c1 = low1;
    c2 = (high0 ^ c3 ^ k1) >>> 0;
    c3 = low0;
    k0 = (k0 + WEYL_0) >>> 0;
    k1 = (k1 + WEYL_1) >>> 0;
  }
  out[0] = c0;
  out[1] = c1;
  out[2] = c2;
  out[3] = c3;
}

/** FNV-1a over the UTF-16 code units of a text, with a chosen offset: a stable 32-bit key, not a cryptographic hash. */
export function hash32(text: string, offset = 0x811c9dc5): number {
  let h = offset;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    h = Math.imul(h ^ (unit & 0xff), 0x01000193);
    h = Math.imul(h ^ (unit >>> 8), 0x01000193);
  }
  return h >>> 0;
}

/**
 * Noise of a step: numbers uniform in [0, 1) from the stream of (seed, path, step), multiples of 2^-24, so that none
 * becomes 1 in single precision.
 */
export function uniformNoise(seed: number, path: string, step: number, length: number): Float32Array {
  const random = counterRandom(seed, path, step);
  return Float32Array.from({ length }, () => Math.floor(random.uniform() * 2 ** 24) / 2 ** 24);
}

/**
 * The stream of (seed, path, step): the same triple always gives the same numbers, on any machine.
 * `seed` and `step` are non-negative integers; `path` is a declaration path such as `losses/arc/w`.
 */
export function counterRandom(seed: number, path: string, step = 0): Random {
  const key0 = seed >>> 0;
  const key1 = hash32(path);
  const counter = new Uint32Array([
    0,
    step >>> 0,
    Math.floor(seed / 2 ** 32) >>> 0,
    hash32(path, 0x2545f491),
  ]);
  const words = new Uint32Array(4);
  let used = 4;
  let spareNormal: number | undefined;
  const word = (): number => {
    if (used === 4) {
      philox(counter, key0, key1, words);
      counter[0] = counter[0]! + 1;
      used = 0;
    }
    return words[used++]!;
  };
  const random: Random = {
    uniform: () => word() / 2 ** 32,
    normal: () => {
      if (spareNormal !== undefined) {
        const value = spareNormal;
        spareNormal = undefined;
        return value;
      }
      const radius = Math.sqrt(-2 * Math.log(1 - random.uniform()));
      const angle = 2 * Math.PI * random.uniform();
      spareNormal = radius * Math.sin(angle);
      return radius * Math.cos(angle);
    },
    int: (n) => {
      const limit = 2 ** 32 - (2 ** 32 % n);
      let value = word();
      while (value >= limit) value = word();
      return value % n;
    },
    shuffle: (items) => {
      for (let i = items.length - 1; i > 0; i--) {
        const j = random.int(i + 1);
        const held = items[i];
        items[i] = items[j];
        items[j] = held;
      }
      return items;
    },
  };
  return random;
}
