/** Shapes of operands that are broadcast together, and gradients back to each. Used by the other files of `ops`. */
import * as tf from "@tensorflow/tfjs-core";

/** The shape that two tensors broadcast to; that of the first where there is no second. */
export function broadcastShape(a: tf.Tensor, b: tf.Tensor | undefined): number[] {
  return b === undefined ? a.shape : tf.broadcast_util.assertAndGetBroadcastShape(a.shape, b.shape);
}

/** Adds up a gradient of the broadcast shape over the sides that its operand did not have. */
export function summedTo(gradient: tf.Tensor, shape: readonly number[]): tf.Tensor {
  const extra = gradient.rank - shape.length;
  const axes = gradient.shape.flatMap((side, k) =>
    k < extra || (shape[k - extra] === 1 && side > 1) ? [k] : [],
  );
  const summed = axes.length === 0 ? gradient : tf.sum(gradient, axes);
  return summed.shape.length === shape.length && summed.shape.every((side, k) => side === shape[k])
    ? summed
    : tf.reshape(summed, [...shape]);
}
