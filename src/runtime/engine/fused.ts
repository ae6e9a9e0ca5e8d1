/**
 * Operations that run as one kernel where the engine has it, and as tfjs operations elsewhere. Called by the layers of
 * `nn/`, the operations of `ops/` and the optimiser.
 */
import * as tf from "@tensorflow/tfjs-core";
import { untracked } from "../ops/untracked.ts";
import {
  BATCH_NORM_BACKWARD,
  BATCH_NORM_FORWARD,
  BATCH_NORM_TRAINING,
  BATCH_NORM_TRAINING_GRADIENT,
  BATCH_STATISTICS,
  GRAM_GRADIENT,
  LAYER_PRODUCT,
  HALF_SUM_OF_SQUARES,
  hasKernel,
} from "./kernel_names.ts";

/** Result of `batchNormTraining`: `mean` and `variance` are the batch's, [C]; no gradient flows through them. */
export interface BatchNorm<T extends tf.Tensor> {
  readonly y: T;
  readonly mean: tf.Tensor1D;
  readonly variance: tf.Tensor1D;
}

/**
 * Batch normalisation in training mode (Ioffe and Szegedy 2015): y = gamma (x - mean) / sqrt(variance + epsilon) + beta
 * with the mean and the biased variance of the batch over all axes but the last.
 *
 * @param x [.., C]
 * @param gamma [C]
 * @param beta [C]
 */
export function batchNormTraining<T extends tf.Tensor>(
  x: T,
  gamma: tf.Tensor,
  beta: tf.Tensor,
  epsilon: number,
): BatchNorm<T> {
  if (hasKernel(BATCH_NORM_TRAINING)) return asOneKernel(x, gamma, beta, epsilon);
  const [mean, variance] = statistics(x);
  const normalise = tf.customGrad((...args) => {
    const [data, scale, shift, save] = args as unknown as [tf.Tensor, tf.Tensor, tf.Tensor, tf.GradSaveFunc];
    save([data, scale, mean, variance]);
    return {
      value: forward({ x: data, mean, variance, gamma: scale, beta: shift }, epsilon),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const [savedX, savedGamma, savedMean, savedVariance] = saved as [
          tf.Tensor,
          tf.Tensor,
          tf.Tensor,
          tf.Tensor,
        ];
        const inputs = { dy, x: savedX, mean: savedMean, variance: savedVariance, gamma: savedGamma };
        return backward(inputs, epsilon);
      },
    };
  });
  return { y: normalise(x, gamma, beta) as T, mean, variance };
}

function asOneKernel<T extends tf.Tensor>(
  x: T,
  gamma: tf.Tensor,
  beta: tf.Tensor,
  epsilon: number,
): BatchNorm<T> {
  const [y, mean, unbiased, saved1, saved2, saved3] = untracked(
    () => run(BATCH_NORM_TRAINING, { x, gamma, beta }, { epsilon }) as tf.Tensor[],
  );
  const normalise = tf.customGrad((...args) => {
    const [data, scale, , save] = args as unknown as [tf.Tensor, tf.Tensor, tf.Tensor, tf.GradSaveFunc];
    save([data, scale, saved1!, saved2!, saved3!]);
    return {
      value: y!,
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const [savedX, savedGamma, first, second, third] = saved;
        const inputs = {
          dy,
          x: savedX!,
          gamma: savedGamma!,
          saved1: first!,
          saved2: second!,
          saved3: third!,
        };
        return run(BATCH_NORM_TRAINING_GRADIENT, inputs, { epsilon }) as tf.Tensor[];
      },
    };
  });
  const count = x.size / x.shape.at(-1)!;
  const variance = untracked(() => tf.mul(unbiased!, (count - 1) / count));
  return { y: normalise(x, gamma, beta) as T, mean: mean as tf.Tensor1D, variance: variance as tf.Tensor1D };
}

/**
 * The matrix product of a linear layer, x [B, inputs] times weight [inputs, outputs], in the precision in which layers
 * multiply; products of losses are `tf.matMul`, always float32.
 */
export function layerProduct(x: tf.Tensor2D, weight: tf.Tensor2D): tf.Tensor2D {
  if (!hasKernel(LAYER_PRODUCT)) return tf.matMul(x, weight);
  const sides = { transposeA: false, transposeB: false };
  return tf.engine().runKernel(LAYER_PRODUCT, { a: x, b: weight }, sides) as tf.Tensor2D;
}

/** (dy + dy^T) x of dy [.., n, n] and x [.., n, d], matrix by matrix: the gradient of x x^T. No gradient flows through it. */
export function gramGradient(dy: tf.Tensor, x: tf.Tensor): tf.Tensor {
  if (hasKernel(GRAM_GRADIENT)) return run(GRAM_GRADIENT, { dy, x }) as tf.Tensor;
  const rank = dy.shape.length;
  const axes = dy.shape.map((_, axis) => axis);
  const transposed = tf.transpose(dy, [...axes.slice(0, -2), rank - 1, rank - 2]);
  return tf.matMul(tf.add(dy, transposed), x);
}

/** The same values, through which no gradient flows. */
const constant = tf.customGrad((x) => {
  const input = x as tf.Tensor;
  return { value: tf.clone(input), gradFunc: (dy: tf.Tensor) => tf.zerosLike(dy) };
});

function statistics(x: tf.Tensor): [tf.Tensor1D, tf.Tensor1D] {
  if (hasKernel(BATCH_STATISTICS)) return run(BATCH_STATISTICS, { x }) as [tf.Tensor1D, tf.Tensor1D];
  const axes = rowAxes(x);
  const data = constant(x);
  const mean = tf.mean(data, axes);
  return [mean as tf.Tensor1D, tf.mean(tf.square(tf.sub(data, mean)), axes) as tf.Tensor1D];
}

function forward(
  inputs: Record<"x" | "mean" | "variance" | "gamma" | "beta", tf.Tensor>,
  epsilon: number,
): tf.Tensor {
  if (hasKernel(BATCH_NORM_FORWARD)) return run(BATCH_NORM_FORWARD, inputs, { epsilon }) as tf.Tensor;
  const { x, mean, variance, gamma, beta } = inputs;
  return tf.add(tf.mul(tf.sub(x, mean), tf.mul(gamma, tf.rsqrt(tf.add(variance, epsilon)))), beta);
}

/** Gradients by x, gamma and beta; the formulas stand in `wasm/batch_norm.ts`. */
function backward(
  inputs: Record<"dy" | "x" | "mean" | "variance" | "gamma", tf.Tensor>,
  epsilon: number,
): tf.Tensor[] {
  if (hasKernel(BATCH_NORM_BACKWARD)) return run(BATCH_NORM_BACKWARD, inputs, { epsilon }) as tf.Tensor[];
  const { dy, x, mean, variance, gamma } = inputs;
  const axes = rowAxes(x);
  const s = tf.rsqrt(tf.add(variance, epsilon));
  const u = tf.mul(tf.sub(x, mean), s);
  const dBeta = tf.sum(dy, axes);
  const dGamma = tf.sum(tf.mul(dy, u), axes);
  const rows = x.size / x.shape.at(-1)!;
  const dx = tf.sub(dy, tf.div(tf.add(dBeta, tf.mul(u, dGamma)), rows));
  return [tf.mul(dx, tf.mul(gamma, s)), dGamma, dBeta];
}

/** Sum of the squares of all elements, a scalar; no gradient flows through it. */
export function sumOfSquares(x: tf.Tensor): tf.Tensor {
  if (!hasKernel(HALF_SUM_OF_SQUARES)) return untracked(() => tf.sum(tf.square(x)));
  return untracked(() => tf.mul(run(HALF_SUM_OF_SQUARES, { x }) as tf.Tensor, 2));
}

const rowAxes = (x: tf.Tensor): number[] => x.shape.slice(0, -1).map((_, axis) => axis);

const run = (
  kernel: string,
  inputs: Record<string, tf.Tensor>,
  attrs: Record<string, number> = {},
): unknown => tf.engine().runKernel(kernel, inputs, attrs);
