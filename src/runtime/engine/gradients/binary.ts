/**
 * Gradients of functions of two operands that broadcast. Ties of an elementwise maximum or minimum split equally, as
 * the language's rule on kinks says.
 */
import * as tf from "@tensorflow/tfjs-core";
import { byShapes, define, indicator, unbroadcast } from "./define.ts";

/** `left` and `right` give the gradient in the broadcast shape. */
function ofOperands(
  kernelName: string,
  left: (dy: tf.Tensor, a: tf.Tensor, b: tf.Tensor) => tf.Tensor,
  right: (dy: tf.Tensor, a: tf.Tensor, b: tf.Tensor) => tf.Tensor,
): tf.GradConfig {
  return define(kernelName, ["a", "b"], (dy, [a, b]) => ({
    a: () => unbroadcast(left(dy, a!, b!), a!.shape),
    b: () => unbroadcast(right(dy, a!, b!), b!.shape),
  }));
}

/** 1 where the first operand wins, 1/2 at ties, 0 elsewhere. */
const share = (wins: tf.Tensor, a: tf.Tensor, b: tf.Tensor): tf.Tensor =>
  tf.add(indicator(wins), tf.mul(indicator(tf.equal(a, b)), 0.5));

export const binaryGradients: readonly tf.GradConfig[] = [
  byShapes(
    ofOperands(
      tf.Add,
      (dy) => dy,
      (dy) => dy,
    ),
  ),
  byShapes(
    ofOperands(
      tf.Sub,
      (dy) => dy,
      (dy) => tf.neg(dy),
    ),
  ),
  ofOperands(
    tf.Multiply,
    (dy, _, b) => tf.mul(dy, tf.cast(b, "float32")),
    (dy, a) => tf.mul(dy, tf.cast(a, "float32")),
  ),
  ofOperands(
    tf.RealDiv,
    (dy, _, b) => tf.div(dy, tf.cast(b, "float32")),
    (dy, a, b) => tf.neg(tf.div(tf.mul(dy, tf.cast(a, "float32")), tf.square(tf.cast(b, "float32")))),
  ),
  ofOperands(
    tf.Maximum,
    (dy, a, b) => tf.mul(dy, share(tf.greater(a, b), a, b)),
    (dy, a, b) => tf.mul(dy, share(tf.greater(b, a), a, b)),
  ),
  ofOperands(
    tf.Minimum,
    (dy, a, b) => tf.mul(dy, share(tf.less(a, b), a, b)),
    (dy, a, b) => tf.mul(dy, share(tf.less(b, a), a, b)),
  ),
  ofOperands(
    tf.SquaredDifference,
    (dy, a, b) => tf.mul(dy, tf.mul(tf.sub(a, b), 2)),
    (dy, a, b) => tf.mul(dy, tf.mul(tf.sub(b, a), 2)),
  ),
  ofOperands(
    tf.Atan2,
    (dy, a, b) => tf.mul(dy, tf.div(b, tf.add(tf.square(a), tf.square(b)))),
    (dy, a, b) => tf.neg(tf.mul(dy, tf.div(a, tf.add(tf.square(a), tf.square(b))))),
  ),
  ofOperands(
    tf.Pow,
    (dy, a, b) => {
      const exponent = tf.cast(b, "float32");
      return tf.mul(dy, tf.mul(exponent, tf.pow(a, tf.sub(exponent, 1))));
    },
    (dy, a, b) => {
      // The logarithm counts only where the base is positive.
      const positive = tf.greater(a, 0);
      const logarithm = tf.log(tf.where(positive, a, tf.onesLike(a)));
      return tf.mul(dy, tf.mul(tf.pow(a, b), logarithm));
    },
  ),
];
