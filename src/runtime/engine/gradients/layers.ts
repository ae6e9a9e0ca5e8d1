/**
 * Gradients of matrix products, convolutions and pooling.
 */
import * as tf from "@tensorflow/tfjs-core";
import { LAYER_PRODUCT } from "../kernel_names.ts";
import { define } from "./define.ts";

type Attributes = tf.NamedAttrMap;

const run = (kernel: string, inputs: Record<string, tf.Tensor>, attrs: object): tf.Tensor =>
  tf.engine().runKernel(kernel, inputs, attrs as Attributes) as tf.Tensor;

/** `dataFormat` decides the order of axes; gradients exist for the default one. */
function requireChannelsLast(dataFormat: string): void {
  if (dataFormat !== "NHWC") throw new Error(`convolutions in ${dataFormat} order have no gradient`);
}

/** The gradient of a matrix product is two products by the same kernel. */
const productGradient = (kernel: string): tf.GradConfig =>
  define<tf.BatchMatMulAttrs>(kernel, ["a", "b"], (dy, [a, b], { transposeA, transposeB }) => {
    const product = (left: tf.Tensor, right: tf.Tensor, first: boolean, second: boolean): tf.Tensor =>
      run(kernel, { a: left, b: right }, { transposeA: first, transposeB: second });
    return {
      a: () =>
        sumBatch(
          transposeA ? product(b!, dy, transposeB, true) : product(dy, b!, false, !transposeB),
          a!.shape,
        ),
      b: () =>
        sumBatch(
          transposeB ? product(dy, a!, true, transposeA) : product(a!, dy, !transposeA, false),
          b!.shape,
        ),
    };
  });

export const layerGradients: readonly tf.GradConfig[] = [
  productGradient(tf.BatchMatMul),
  productGradient(LAYER_PRODUCT),
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
