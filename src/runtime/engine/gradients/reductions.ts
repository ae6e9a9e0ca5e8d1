/**
 * Gradients of reductions over axes, of running sums and of the softmax family. Ties of a maximum or minimum split
 * equally, as the language's rule on kinks says.
 */
import * as tf from "@tensorflow/tfjs-core";
import { byShapes, define, indicator } from "./define.ts";

/** The reduced shape with the reduced axes kept at length one. */
function keptShape(shape: number[], axis: number | number[]): number[] {
  const axes = tf.util.parseAxisParam(axis, shape);
  return shape.map((length, index) => (axes.includes(index) ? 1 : length));
}

/** Repeats a reduced gradient along the reduced axes. */
function spread(dy: tf.Tensor, shape: number[], axis: number | number[], scale = 1): tf.Tensor {
  return tf.mul(tf.reshape(dy, keptShape(shape, axis)), tf.fill(shape, scale));
}

function ofExtreme(
  kernelName: string,
  axisOf: (attrs: Record<string, unknown>) => number | number[],
): tf.GradConfig {
  return define<Record<string, unknown>>(kernelName, ["x", "y"], (dy, [x, y], attrs) => ({
    x: () => {
      const axis = axisOf(attrs);
      const kept = keptShape(x!.shape, axis);
      const reached = indicator(tf.equal(x!, tf.reshape(y!, kept)));
      const ties = tf.reshape(tf.sum(reached, axis), kept);
      return tf.mul(reached, tf.div(tf.reshape(dy, kept), ties));
    },
  }));
}

export const reductionGradients: readonly tf.GradConfig[] = [
  byShapes(
    define<tf.SumAttrs>(tf.Sum, ["x"], (dy, [x], { axis }) => ({
      x: () => spread(tf.cast(dy, "float32"), x!.shape, axis),
    })),
  ),
  byShapes(
    define<tf.MeanAttrs>(tf.Mean, ["x"], (dy, [x], { axis }) => ({
      x: () => {
        const count = x!.size / tf.util.sizeFromShape(keptShape(x!.shape, axis));
        return spread(dy, x!.shape, axis, 1 / count);
      },
    })),
  ),
  ofExtreme(tf.Max, ({ reductionIndices }) => reductionIndices as number | number[]),
  ofExtreme(tf.Min, ({ axis }) => axis as number | number[]),
  define<tf.CumsumAttrs>(tf.Cumsum, [], (dy, _, { axis, exclusive, reverse }) => ({
    x: () => tf.cumsum(dy, axis, exclusive, !reverse),
  })),
  define(tf.Softmax, ["y"], (dy, [y]) => ({
    logits: () => {
      const weighted = tf.mul(dy, y!);
      return tf.sub(weighted, tf.mul(tf.sum(weighted, -1, true), y!));
    },
  })),
  define<tf.LogSoftmaxAttrs>(tf.LogSoftmax, ["y"], (dy, [y], { axis }) => ({
    logits: () => tf.sub(dy, tf.mul(tf.sum(dy, axis, true), tf.exp(y!))),
  })),
];
