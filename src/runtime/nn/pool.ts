/**
 * Pooling and flattening of images [B, H, W, C], as emitted programs call them. Windows do not overlap and a rest that
 * does not fill a window is dropped (the default of torch.nn.MaxPool2d): H becomes floor(H / size).
 */
import * as tf from "@tensorflow/tfjs-core";

/** The largest value of each size × size window; of equal ones the first takes the gradient. */
export function maxPool(x: tf.Tensor4D, size: number): tf.Tensor4D {
  return tf.maxPool(x, size, size, "valid");
}

/** The mean of each size × size window. */
export function avgPool(x: tf.Tensor4D, size: number): tf.Tensor4D {
  return tf.avgPool(x, size, size, "valid");
}

/** Mean over all positions: [B, H, W, C] to [B, C]. */
export function globalAvgPool(x: tf.Tensor4D): tf.Tensor2D {
  const [batch, height, width, channels] = x.shape;
  if (height * width === 1) return tf.reshape(x, [batch, channels]);
  return tf.mean(tf.reshape(x, [batch, height * width, channels]), 1) as tf.Tensor2D;
}

/** Largest value over all positions: [B, H, W, C] to [B, C]; of equal ones the first takes the gradient. */
export function globalMaxPool(x: tf.Tensor4D): tf.Tensor2D {
  const [batch, height, width, channels] = x.shape;
  if (height * width === 1) return tf.reshape(x, [batch, channels]);
  return tf.reshape(tf.maxPool(x, [height, width], [height, width], "valid"), [batch, channels]);
}

/** [B, H, W, C] to [B, H · W · C] in that order; what is flat stays as it is. */
export function flatten(x: tf.Tensor): tf.Tensor2D {
  if (x.rank === 2) return x as tf.Tensor2D;
  const batch = x.shape[0]!;
  return tf.reshape(x, [batch, x.size / batch]);
}
