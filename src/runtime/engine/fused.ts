/**
 * Operations that pay to run as one kernel where the engine has one, and are written in tfjs operations elsewhere.
 * Called by the layers of `nn/` and the optimisers.
 */
import * as tf from "@tensorflow/tfjs-core";

/** Result of `batchNormTraining`. `mean` and `variance` are the batch's, [C]; no gradient flows through them. */
export interface BatchNorm {
  readonly y: tf.Tensor;
  readonly mean: tf.Tensor1D;
  readonly variance: tf.Tensor1D;
}

/**
 * Batch normalisation in training mode (Ioffe and Szegedy 2015): y = gamma * (x - mean) / sqrt(variance + epsilon) +
 * beta, with the mean and the biased variance of the batch over all axes but the last.
 *
 * @param x [.., C]
 * @param gamma [C]
 * @param beta [C]
 */
export function batchNormTraining(
  x: tf.Tensor,
  gamma: tf.Tensor,
  beta: tf.Tensor,
  epsilon: number,
): BatchNorm {
  const axes = x.shape.slice(0, -1).map((_, axis) => axis);
  const mean = tf.mean(x, axes);
  const centred = tf.sub(x, mean);
  const variance = tf.mean(tf.square(centred), axes);
  const y = tf.add(tf.mul(centred, tf.mul(gamma, tf.rsqrt(tf.add(variance, epsilon)))), beta);
  return { y, mean: mean as tf.Tensor1D, variance: variance as tf.Tensor1D };
}
