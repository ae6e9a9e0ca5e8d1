/**
 * `inference: fit(validation)`: how much each head counts in the ensemble's distance, fitted to classes that nothing was
 * trained on. Weights found in training say how much a loss counts for the parameters; how far its head's distances can be
 * relied on is another matter, and is asked here of the distances themselves.
 *
 * Over pairs (i, j), with x_k = ‖f_k(i) − f_k(j)‖² / mean, a_k ≥ 0 and a threshold b,
 *
 *     ½ mean_same softplus(Σ a_k x_k − b) + ½ mean_other softplus(b − Σ a_k x_k) + (ρ/2) ‖a‖²,  ρ = 1e-3
 *
 * is convex, and strictly so in a: one minimum, whatever the start. The weights in the ensemble's embedding are then
 * v_k ∝ a_k / mean_k, summing to 1. Called by selection and by the run when training has ended. Pure.
 */
import { Matrix, solve } from "ml-matrix";
import { RunError } from "../errors.ts";
import type { HeadSpec } from "../program.ts";
import { counterRandom } from "../random.ts";
import type { WeightValues } from "./embedding.ts";

/** Pairs of one class, and as many of two, at the most; drawn at random where there are more. */
const PAIRS = 20_000;
const RIDGE = 1e-3;
const NEWTON_STEPS = 200;

/**
 * The heads' squared weights, one for all samples.
 *
 * @param embeddings each head's, [n, dim].
 * @param labels [n].
 * @param seed of the draw of pairs.
 * @throws RunError if no two samples are of one class, or all are.
 */
export function fitHeadWeights(
  heads: readonly HeadSpec[],
  embeddings: Readonly<Record<string, Float32Array>>,
  labels: Int32Array,
  seed: number,
): WeightValues {
  const { same, other } = drawPairs(labels, seed);
  if (same.length === 0 || other.length === 0) {
    throw new RunError(
      "inference: fit(validation) needs validation samples of one class and of several",
      "Give the split a larger share of validation classes, or write inference: equal.",
    );
  }
  const means: number[] = [];
  const columns = heads.map(({ name, dim }) => {
    const [near, far] = [same, other].map((pairs) => squaredDistances(embeddings[name]!, dim, pairs));
    const mean = (average(near!) + average(far!)) / 2;
    means.push(mean);
    // A head that gives all samples one embedding tells nothing: its column stays 0, and so does its weight.
    const scale = mean > 0 ? 1 / mean : 0;
    return { near: near!.map((value) => value * scale), far: far!.map((value) => value * scale) };
  });
  const fitted = minimise(
    columns.map(({ near }) => near),
    columns.map(({ far }) => far),
  );
  const raw = fitted.map((a, k) => (means[k]! > 0 ? a / means[k]! : 0));
  const sum = raw.reduce((all, value) => all + value, 0);
  return Object.fromEntries(
    // Distances that say nothing of classes, or the contrary, leave the weights as they are.
    heads.map(({ name, weight }, k) => [name, Float32Array.of(sum > 0 ? raw[k]! / sum : weight)]),
  );
}

/** Indices of samples, two after the other for each pair. */
type Pairs = Int32Array;

function drawPairs(labels: Int32Array, seed: number): { same: Pairs; other: Pairs } {
  const n = labels.length;
  const members = new Map<number, number[]>();
  labels.forEach((label, i) => members.set(label, [...(members.get(label) ?? []), i]));
  const classes = [...members.values()];
  const together = classes.reduce((sum, { length }) => sum + (length * (length - 1)) / 2, 0);
  const apart = (n * (n - 1)) / 2 - together;
  const random = counterRandom(seed, "inference/fit");
  const drawn = (draw: () => readonly [number, number]): Pairs =>
    Int32Array.from(Array.from({ length: PAIRS }, draw).flat());
  // A sample by its number of partners, then one of them: every pair of a kind is as likely as any other.
  const bySample = classes.flatMap((samples) => samples.map((i) => ({ i, samples })));
  const ends = (count: (samples: readonly number[]) => number): Float64Array => {
    let sum = 0;
    return Float64Array.from(bySample, ({ samples }) => (sum += count(samples)));
  };
  const pick = (cumulated: Float64Array): number => {
    const at = random.uniform() * cumulated[n - 1]!;
    let [low, high] = [0, n - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (cumulated[middle]! > at) high = middle;
      else low = middle + 1;
    }
    return low;
  };
  const partners = ends((samples) => samples.length - 1);
  const strangers = ends((samples) => n - samples.length);
  return {
    same:
      together <= PAIRS
        ? Int32Array.from(classes.flatMap((samples) => pairsOf(samples).flat()))
        : drawn(() => {
            const { i, samples } = bySample[pick(partners)]!;
            const j = samples[random.int(samples.length - 1)]!;
            return [i, j === i ? samples.at(-1)! : j];
          }),
    other:
      apart <= PAIRS
        ? Int32Array.from(
            pairsOf(labels.map((_, i) => i))
              .filter(([i, j]) => labels[i] !== labels[j])
              .flat(),
          )
        : drawn(() => {
            const { i } = bySample[pick(strangers)]!;
            for (;;) {
              const j = random.int(n);
              if (labels[j] !== labels[i]) return [i, j];
            }
          }),
  };
}

/** All pairs of different samples, each once. */
function pairsOf(samples: ArrayLike<number>): [number, number][] {
  const pairs: [number, number][] = [];
  for (let a = 0; a < samples.length; a++)
    for (let b = a + 1; b < samples.length; b++) pairs.push([samples[a]!, samples[b]!]);
  return pairs;
}

function squaredDistances(embeddings: Float32Array, dim: number, pairs: Pairs): Float64Array {
  const result = new Float64Array(pairs.length / 2);
  for (let p = 0; p < result.length; p++) {
    let sum = 0;
    const [i, j] = [pairs[2 * p]! * dim, pairs[2 * p + 1]! * dim];
    for (let a = 0; a < dim; a++) sum += (embeddings[i + a]! - embeddings[j + a]!) ** 2;
    result[p] = sum;
  }
  return result;
}

const average = (values: Float64Array): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
const sigmoid = (x: number): number => (x >= 0 ? 1 / (1 + Math.exp(-x)) : Math.exp(x) / (1 + Math.exp(x)));

/**
 * Minimises the objective above over a ≥ 0 and b by projected Newton steps (Bertsekas 1982): coordinates at 0 that the
 * gradient would push below stay there, the others take a Newton step, shortened until the objective falls enough.
 *
 * @param near of each head, its x over the pairs of one class; `far` over the others.
 * @returns a.
 */
export function minimise(near: readonly Float64Array[], far: readonly Float64Array[]): number[] {
  const count = near.length;
  let theta = [...near.map(() => 1 / count), 1];
  for (let step = 0; step < NEWTON_STEPS; step++) {
    const { value, gradient, hessian } = derivatives(theta, near, far);
    const projected = gradient.map((g, k) => (k < count ? theta[k]! - Math.max(0, theta[k]! - g) : g));
    if (Math.max(...projected.map(Math.abs)) < 1e-10) break;
    const free = theta.map((_, k) => k).filter((k) => k === count || theta[k]! > 0 || gradient[k]! < 0);
    const system = new Matrix(free.map((i) => free.map((j) => hessian[i]![j]!)));
    const direction = solve(system, Matrix.columnVector(free.map((k) => -gradient[k]!))).to1DArray();
    const full = theta.map(() => 0);
    free.forEach((k, place) => (full[k] = direction[place]!));
    const next = lineSearch(theta, full, gradient, value, near, far);
    if (next === undefined) break;
    theta = next;
  }
  return theta.slice(0, count);
}

/** The longest of the steps 1, ½, ¼, … along a direction, cut at 0, that lowers the objective enough; none if none does. */
function lineSearch(
  theta: readonly number[],
  direction: readonly number[],
  gradient: readonly number[],
  value: number,
  near: readonly Float64Array[],
  far: readonly Float64Array[],
): number[] | undefined {
  for (let length = 1; length > 1e-12; length /= 2) {
    const next = theta.map((from, k) => {
      const to = from + length * direction[k]!;
      return k < near.length ? Math.max(0, to) : to;
    });
    const expected = next.reduce((sum, to, k) => sum + gradient[k]! * (to - theta[k]!), 0);
    if (expected < 0 && objective(next, near, far) <= value + 1e-4 * expected) return next;
  }
  return undefined;
}

/** The objective at θ = [a, b]. */
export function objective(
  theta: readonly number[],
  near: readonly Float64Array[],
  far: readonly Float64Array[],
): number {
  const count = near.length;
  const half = (columns: readonly Float64Array[], sign: number): number => {
    const pairs = columns[0]!.length;
    let sum = 0;
    for (let p = 0; p < pairs; p++) {
      let distance = -theta[count]!;
      for (let k = 0; k < count; k++) distance += theta[k]! * columns[k]![p]!;
      sum += softplus(sign * distance);
    }
    return sum / (2 * pairs);
  };
  const ridge = theta.slice(0, count).reduce((sum, a) => sum + a * a, 0);
  return half(near, 1) + half(far, -1) + (RIDGE / 2) * ridge;
}

function derivatives(
  theta: readonly number[],
  near: readonly Float64Array[],
  far: readonly Float64Array[],
): { value: number; gradient: number[]; hessian: number[][] } {
  const count = near.length;
  const gradient = theta.map((a, k): number => (k < count ? RIDGE * a : 0));
  const hessian = theta.map((_, i) => theta.map((_, j): number => (i === j && i < count ? RIDGE : 0)));
  const row = new Float64Array(count + 1);
  row[count] = -1;
  for (const [columns, sign] of [
    [near, 1],
    [far, -1],
  ] as const) {
    const pairs = columns[0]!.length;
    for (let p = 0; p < pairs; p++) {
      for (let k = 0; k < count; k++) row[k] = columns[k]![p]!;
      let distance = 0;
      for (let k = 0; k <= count; k++) distance += theta[k]! * row[k]!;
      const share = sigmoid(sign * distance);
      const first = (sign * share) / (2 * pairs);
      const second = (share * (1 - share)) / (2 * pairs);
      for (let i = 0; i <= count; i++) {
        gradient[i] = gradient[i]! + first * row[i]!;
        for (let j = 0; j <= i; j++) hessian[i]![j] = hessian[i]![j]! + second * row[i]! * row[j]!;
      }
    }
  }
  for (let i = 0; i <= count; i++) for (let j = 0; j < i; j++) hessian[j]![i] = hessian[i]![j]!;
  return { value: objective(theta, near, far), gradient, hessian };
}
