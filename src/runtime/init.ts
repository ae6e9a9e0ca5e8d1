/**
 * Initialisers of parameters, as language.md names them. Emitted programs and the layers of `nn/` call them; they fill
 * plain arrays from the counter-based generator they are handed and touch no engine.
 *
 * Formulas are those of torch.nn.init (He et al. 2015, eq. 14; Glorot & Bengio 2010, eq. 16), with the defaults of
 * PyTorch: `kaiming_*` with mode fan_in and gain sqrt(2), `xavier_*` with gain 1. The fan-in of a parameter is its last
 * axis and its fan-out the product of the others (a [classes, dim] proxy matrix has fan-in dim), unless the caller, a
 * layer whose weights are stored in another order, gives the fans.
 */
import type { Initializer } from "./program.ts";

/** Numbers of connections into and out of one unit; the shape decides where they are absent. */
export interface Fans {
  readonly fanIn?: number;
  readonly fanOut?: number;
}

const KAIMING_GAIN = Math.SQRT2;

function size(shape: readonly number[]): number {
  return shape.reduce((product, length) => product * length, 1);
}

function fanIn(shape: readonly number[], fans: Fans): number {
  return Math.max(fans.fanIn ?? shape[shape.length - 1] ?? 1, 1);
}

function fanOut(shape: readonly number[], fans: Fans): number {
  return Math.max(fans.fanOut ?? size(shape.slice(0, -1)), 1);
}

function fill(shape: readonly number[], draw: () => number): Float32Array {
  const values = new Float32Array(size(shape));
  for (let i = 0; i < values.length; i++) values[i] = draw();
  return values;
}

/** Every element `value`. */
export function constant(value: number): Initializer {
  return (shape) => new Float32Array(size(shape)).fill(value);
}

/** Every element 0. */
export function zeros(): Initializer {
  return constant(0);
}

/** Every element 1. */
export function ones(): Initializer {
  return constant(1);
}

/** Normal with the given mean and standard deviation. */
export function normal(mean = 0, standardDeviation = 1): Initializer {
  return (shape, random) => fill(shape, () => mean + standardDeviation * random.normal());
}

/** Uniform in [low, high). */
export function uniform(low = 0, high = 1): Initializer {
  return (shape, random) => fill(shape, () => low + (high - low) * random.uniform());
}

/** Normal of standard deviation sqrt(2 / fan-in). */
export function kaimingNormal(fans: Fans = {}): Initializer {
  return (shape, random) => normal(0, KAIMING_GAIN / Math.sqrt(fanIn(shape, fans)))(shape, random);
}

/** Uniform within ±sqrt(6 / fan-in). */
export function kaimingUniform(fans: Fans = {}): Initializer {
  return (shape, random) => {
    const bound = (KAIMING_GAIN * Math.sqrt(3)) / Math.sqrt(fanIn(shape, fans));
    return uniform(-bound, bound)(shape, random);
  };
}

/** Normal of standard deviation sqrt(2 / (fan-in + fan-out)). */
export function xavierNormal(fans: Fans = {}): Initializer {
  return (shape, random) =>
    normal(0, Math.sqrt(2 / (fanIn(shape, fans) + fanOut(shape, fans))))(shape, random);
}

/** Uniform within ±sqrt(6 / (fan-in + fan-out)). */
export function xavierUniform(fans: Fans = {}): Initializer {
  return (shape, random) => {
    const bound = Math.sqrt(6 / (fanIn(shape, fans) + fanOut(shape, fans)));
    return uniform(-bound, bound)(shape, random);
  };
}

/**
 * The weight of each class from its number of samples n_k, all above 0; their mean over the N samples is 1. Of K classes:
 * `balanced` is N / (K n_k), `inverse_sqrt` N n_k^(-1/2) / Σ_j n_j^(1/2).
 */
export function weightsByClass(kind: "balanced" | "inverse_sqrt", counts: readonly number[]): number[] {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (kind === "balanced") return counts.map((count) => total / (counts.length * count));
  const roots = counts.reduce((sum, count) => sum + Math.sqrt(count), 0);
  return counts.map((count) => total / (Math.sqrt(count) * roots));
}

/** `weightsByClass`, as the first value of a state. */
export function classWeights(kind: "balanced" | "inverse_sqrt", counts: readonly number[]): Initializer {
  return () => Float32Array.from(weightsByClass(kind, counts));
}
