/**
 * Gradients of matrix products, convolutions and pooling.
 */
import * as tf from "@tensorflow/tfjs-core";
import { define } from "./define.ts";

type Attributes = tf.NamedAttrMap;

const run = (kernel: string, inputs: Record<string, tf.Tensor>, attrs: object): tf.Tensor =>
  tf.engine().runKernel(kernel, inputs, attrs as Attributes) as tf.Tensor;

/** `dataFormat` decides the order of axes; gradients exist for the default one. */
function requireChannelsLast(dataFormat: string): void {
  if (dataFormat !== "NHWC") throw new Error(`convolutions in ${dataFormat} order have no gradient`);
}

export const layerGradients: readonly tf.GradConfig[] = [
  define<tf.BatchMatMulAttrs>(tf.BatchMatMul, ["a", "b"], (dy, [a, b], { transposeA, transposeB }) => ({
    a: () =>
      sumBatch(
        transposeA ? tf.matMul(b!, dy, transposeB, true) : tf.matMul(dy, b!, false, !transposeB),
        a!.shape,
      ),
    b: () =>
      sumBatch(
        transposeB ? tf.matMul(dy, a!, true, transposeA) : tf.matMul(a!, dy, !transposeA, false),
        b!.shape,
      ),
  })),
  define<tf.Conv2DAttrs>(tf.Conv2D, ["x", "filter"], (dy, [x, filter], attrs) => {
    const { strides, pad, dataFormat, dimRoundingMode, dilations } = attrs;
    requireChannelsLast(dataFormat);
    if (!tf.backend_util.tupleValuesAreOne(dilations))
      throw new Error("dilated convolutions have no gradient");
    const shared = { strides, pad, dataFormat, dimRoundingMode };
    return {
      x: () => run(tf.Conv2DBackpropInput, { dy, filter: filter! }, { ...shared, inputShape: x!.shape }),
      filter: () => run(tf.Conv2DBackpropFilter, { x: x!, dy }, { ...shared, filterShape: filter!.shape }),
    };
  }),
  define<tf.Conv2DBackpropInputAttrs>(
    tf.Conv2DBackpropInput,
    ["dy", "filter"],
    (ddx, [dy, filter], attrs) => {
      const { strides, pad, dataFormat, dimRoundingMode } = attrs;
      requireChannelsLast(dataFormat);
      const shared = { strides, pad, dataFormat, dimRoundingMode };
      return {
        dy: () => run(tf.Conv2D, { x: ddx, filter: filter! }, { ...shared, dilations: 1 }),
        filter: () =>
          run(tf.Conv2DBackpropFilter, { x: ddx, dy: dy! }, { ...shared, filterShape: filter!.shape }),
      };
    },
  ),
  define<tf.MaxPoolAttrs>(
    tf.MaxPool,
    ["x", "y"],
    (dy, [x, y], { filterSize, strides, pad, dimRoundingMode }) => ({
      x: () =>
        run(tf.MaxPoolGrad, { dy, input: x!, output: y! }, { filterSize, strides, pad, dimRoundingMode }),
    }),
  ),
  define<tf.AvgPoolAttrs>(tf.AvgPool, ["x"], (dy, [x], { filterSize, strides, pad }) => ({
    x: () => run(tf.AvgPoolGrad, { dy, input: x! }, { filterSize, strides, pad }),
  })),
];

/** Sums over batch axes along which an operand of a product was broadcast. */
function sumBatch(gradient: tf.Tensor, shape: number[]): tf.Tensor {
  const axes = tf.broadcast_util.getReductionAxes(shape.slice(0, -2), gradient.shape.slice(0, -2));
  return axes.length > 0 ? tf.reshape(tf.sum(gradient, axes), shape) : gradient;
}
