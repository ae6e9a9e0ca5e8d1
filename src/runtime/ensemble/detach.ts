/** Stopping gradients. tfjs has no such operation; a custom gradient of zero is its equivalent. */
import * as tf from "@tensorflow/tfjs-core";

const stopped = tf.customGrad((x) => ({
  value: tf.clone(x as tf.Tensor),
  gradFunc: (dy: tf.Tensor) => tf.zerosLike(dy),
}));

/** The value of x, with gradient 0. */
export function detach<T extends tf.Tensor>(x: T): T {
  return stopped(x) as T;
}
