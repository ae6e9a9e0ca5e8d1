/** Scaling of embeddings to unit length, the last layer of most heads. */
import * as tf from "@tensorflow/tfjs-core";

/** Squared lengths up to this (a length of 1e-12, as torch.nn.functional.normalize) count as the zero vector's. */
const ZERO_SQUARED_LENGTH = 1e-24;

/**
 * Each row of x [B, dim] divided by its length. A zero row stays zero and gets a zero gradient (language.md, "Kinks"):
 * never NaN. The gradient is the projection (g - f (f · g)) / |x| for a row f of the result.
 */
export function normalize(x: tf.Tensor2D): tf.Tensor2D {
  return unitRows(x) as tf.Tensor2D;
}

const unitRows = tf.customGrad((x, save) => {
  const input = x as tf.Tensor;
  const squared = tf.sum(tf.square(input), -1, true);
  const nonzero = tf.step(tf.sub(squared, ZERO_SQUARED_LENGTH));
  const inverse = tf.mul(tf.rsqrt(tf.add(squared, tf.sub(1, nonzero))), nonzero);
  const unit = tf.mul(input, inverse);
  (save as tf.GradSaveFunc)([unit, inverse]);
  const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor => {
    const [f, scale] = saved as [tf.Tensor, tf.Tensor];
    return tf.mul(tf.sub(dy, tf.mul(f, tf.sum(tf.mul(dy, f), -1, true))), scale);
  };
  return { value: unit, gradFunc };
});
