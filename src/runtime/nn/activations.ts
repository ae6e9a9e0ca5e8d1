/** Elementwise activations under the names emitted programs use. Each keeps the shape of its argument. */
import * as tf from "@tensorflow/tfjs-core";

/** max(x, 0), with gradient 0 at 0. */
export function relu<T extends tf.Tensor>(x: T): T {
  return tf.relu(x);
}

/** x where positive, else slope · x; PyTorch's default slope. */
export function leakyRelu<T extends tf.Tensor>(x: T, slope = 0.01): T {
  return tf.leakyRelu(x, slope);
}

export function tanh<T extends tf.Tensor>(x: T): T {
  return tf.tanh(x);
}

export function sigmoid<T extends tf.Tensor>(x: T): T {
  return tf.sigmoid(x);
}
