/**
 * `compress: distilled(to: d)`: a small network on the backbone's features whose distances are those of the ensemble's
 * embedding u. It serves every ensemble, those too whose weights differ from sample to sample and that no linear map can
 * stand for:
 *
 *     z = W₀ᵀh + b + W₂ᵀ relu(W₁ᵀh + b₁)
 *
 * starts at W₀, b of the reduced-rank regression (`compress_fold.ts`) and W₂ = 0, and minimises over batches of training
 * samples the stress
 *
 *     Σ_{i<j} (‖z_i − z_j‖ − ‖u_i − u_j‖)² / Σ_{i<j} ‖u_i − u_j‖²
 *
 * (Park, Kim, Lu & Cho 2019 distil distances likewise, with a Huber loss). Adam, rate 1e-3 falling to 0 along a cosine.
 * The backbone is held: features and embeddings are computed once. Batches and first values are functions of the seed.
 * Called by the compression of a trained ensemble.
 */
import * as tf from "@tensorflow/tfjs-core";
import { regressHead } from "../ensemble/compress_fold.ts";
import { meanAndVariance } from "../ensemble/compress_statistics.ts";
import { kaimingNormal } from "../init.ts";
import { sqrt } from "../ops/elementwise.ts";
import { squaredDistances } from "../ops/vectors.ts";
import type { ParameterSpec } from "../program.ts";
import { counterRandom } from "../random.ts";
import { createOptimizer } from "./optimizers.ts";
import { initialState } from "./parameters.ts";
import { scheduleFactor } from "./schedules.ts";
import { recorded } from "./tape.ts";
import { Holder } from "./tensors.ts";
import type { TensorMap } from "./tensors.ts";

export interface DistilSettings {
  /** Width of z. */
  readonly to: number;
  /** Rectified units. */
  readonly hidden: number;
  readonly steps: number;
}

/** The network, over features as the backbone gives them. */
export interface Student {
  /** W₀ [features, to] */
  readonly linear: Float32Array;
  /** b [to] */
  readonly bias: Float32Array;
  /** W₁ [features, hidden] */
  readonly hidden: Float32Array;
  /** b₁ [hidden] */
  readonly hiddenBias: Float32Array;
  /** W₂ [hidden, to] */
  readonly output: Float32Array;
  /** The stress over all pairs of up to 1,000 training samples. */
  readonly stress: number;
}

const BATCH = 128;
const RATE = 1e-3;
const JUDGED = 1000;

/**
 * Trains the network.
 *
 * @param features [n, p] of the training samples; `embeddings` [n, dim], the ensemble's of the same.
 */
export async function distil(
  features: Float32Array,
  embeddings: Float32Array,
  n: number,
  settings: DistilSettings,
  seed: number,
): Promise<Student> {
  const { to, hidden, steps } = settings;
  const p = features.length / n;
  const start = regressHead(features, embeddings, n, to);
  // Features about their mean and with a mean variance of 1, embeddings with a mean squared distance of 2: one rate
  // serves all.
  const seen = meanAndVariance(features, n);
  const of = { mean: Float32Array.from(seen.mean), scale: Math.sqrt(seen.variance) || 1 };
  const spread = meanAndVariance(embeddings, n).variance * (embeddings.length / n);
  const scale = Math.sqrt(spread) || 1;
  const holder = new Holder();
  const [x, u] = [tf.tensor2d(features, [n, p]), tf.tensor2d(embeddings, [n, embeddings.length / n])];
  const inputs = tf.tidy(() => tf.div<tf.Tensor2D>(tf.sub(x, tf.tensor1d(of.mean)), of.scale));
  const targets = tf.tidy(() => tf.div<tf.Tensor2D>(u, scale));
  tf.dispose([x, u]);

  const specs = specsOf(p, to, hidden);
  const optimizer = createOptimizer({ kind: "adam", lr: RATE }, specs);
  const first = kaimingNormal({ fanIn: p })([p, hidden], counterRandom(seed, "compress/hidden"));
  const linear = start.kernel.map((value) => (value * of.scale) / scale);
  let current = {
    parameters: {
      linear: tf.tensor2d(linear, [p, to]),
      hidden: tf.tensor2d(first, [p, hidden]),
      hidden_bias: tf.zeros([hidden]),
      output: tf.zeros([hidden, to]),
    } as TensorMap,
    state: {} as TensorMap,
    slots: initialState(optimizer.slots),
  };
  holder.hold(current);
  const size = Math.min(BATCH, n);
  for (let step = 0; step < steps; step++) {
    const chosen = sample(n, size, seed, step);
    const { lr, ...corrections } = optimizer.rates(step, scheduleFactor(COSINE, step, steps));
    const next = tf.tidy(() => {
      const rates = {
        lr: Object.fromEntries(Object.entries(lr).map(([key, rate]) => [key, tf.scalar(rate)])),
        firstCorrection: tf.scalar(corrections.firstCorrection),
        secondCorrection: tf.scalar(corrections.secondCorrection),
      };
      const rows = tf.tensor1d(chosen, "int32");
      const [h, target] = [tf.gather(inputs, rows), tf.gather(targets, rows)];
      const names = specs.map((spec) => spec.name);
      const gradients = recorded(
        names.map((name) => current.parameters[name]!),
        () => stressOf(networkOf(current.parameters, h), target),
        (value, gradientsOf) => gradientsOf(value, "last"),
      );
      const byName = Object.fromEntries(names.map((name, k) => [name, gradients[k]]));
      const { parameters, slots } = optimizer.apply(current.parameters, byName, current.slots, rates);
      return { parameters, state: {}, slots };
    });
    holder.hold(next);
    holder.release(current);
    current = next;
    if (step % 16 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  const judged = sample(n, Math.min(JUDGED, n), seed, steps);
  const stress = tf.tidy(() => {
    const rows = tf.tensor1d(judged, "int32");
    return stressOf(networkOf(current.parameters, tf.gather(inputs, rows)), tf.gather(targets, rows));
  });
  const read = async (name: string): Promise<Float32Array> =>
    (await current.parameters[name]!.data()) as Float32Array;
  const found = {
    linear: (await read("linear")).map((value) => (value * scale) / of.scale),
    hidden: (await read("hidden")).map((value) => value / of.scale),
    output: (await read("output")).map((value) => value * scale),
  };
  const student = {
    ...found,
    bias: offset(found.linear, of.mean, to),
    hiddenBias: offset(found.hidden, of.mean, hidden, await read("hidden_bias")),
    stress: (await stress.data())[0]!,
  };
  holder.release(current);
  tf.dispose([inputs, targets, stress]);
  return student;
}

const COSINE = { kind: "cosine", warmup: 0, floor: 0 } as const;

/** z of features [n, p]: [n, to]. */
export async function applyStudent(
  student: Student,
  features: Float32Array,
  n: number,
): Promise<Float32Array> {
  const to = student.bias.length;
  const p = features.length / n;
  const z = tf.tidy(() => {
    const h = tf.tensor2d(features, [n, p]);
    const units = student.hiddenBias.length;
    const inner = tf.relu(
      tf.add<tf.Tensor2D>(tf.matMul(h, tf.tensor2d(student.hidden, [p, units])), student.hiddenBias),
    );
    const outer = tf.matMul(inner, tf.tensor2d(student.output, [units, to]));
    return tf.add(tf.add(tf.matMul(h, tf.tensor2d(student.linear, [p, to])), student.bias), outer);
  });
  const values = (await z.data()) as Float32Array;
  z.dispose();
  return values;
}

function specsOf(p: number, to: number, hidden: number): ParameterSpec[] {
  const spec = (name: string, shape: readonly number[]): ParameterSpec => ({
    name,
    shape,
    init: (sides) => new Float32Array(sides.reduce((product, side) => product * side, 1)),
    group: "heads",
    decay: false,
    trainable: true,
  });
  // The bias b moves no distance.
  return [
    spec("linear", [p, to]),
    spec("hidden", [p, hidden]),
    spec("hidden_bias", [hidden]),
    spec("output", [hidden, to]),
  ];
}

function networkOf(parameters: TensorMap, h: tf.Tensor2D): tf.Tensor2D {
  const of = (name: string): tf.Tensor2D => parameters[name] as tf.Tensor2D;
  const inner = tf.relu(tf.add<tf.Tensor2D>(tf.matMul(h, of("hidden")), of("hidden_bias")));
  return tf.add(tf.matMul(h, of("linear")), tf.matMul(inner, of("output")));
}

function stressOf(z: tf.Tensor2D, target: tf.Tensor2D): tf.Scalar {
  const [own, wanted] = [z, target].map((rows) => sqrt(squaredDistances(rows, rows)));
  const error = tf.sum(tf.square(tf.sub(own!, wanted!)));
  return tf.div(error, tf.maximum(tf.sum(tf.square(wanted!)), 1e-12));
}

/** The first `size` of a random order of n samples. */
function sample(n: number, size: number, seed: number, step: number): Int32Array {
  const order = Int32Array.from({ length: n }, (_, i) => i);
  return counterRandom(seed, "compress/distilled", step).shuffle(order).subarray(0, size);
}

/** `bias` − meanᵀ · kernel [features, columns] */
function offset(
  kernel: Float32Array,
  mean: Float32Array,
  columns: number,
  bias?: Float32Array,
): Float32Array {
  const sums = Float64Array.from({ length: columns }, (_, k) => bias?.[k] ?? 0);
  mean.forEach((value, f) => {
    for (let k = 0; k < columns; k++) sums[k] = sums[k]! - value * kernel[f * columns + k]!;
  });
  return Float32Array.from(sums);
}
