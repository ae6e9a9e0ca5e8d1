/**
 * Gradients of functions of one number. Where a function has no derivative the language's rule holds: relu'(0) = 0,
 * abs'(0) = 0, and the gradient of a square root is 0 at 0.
 */
import * as tf from "@tensorflow/tfjs-core";
import { RELU_GRADIENT, hasKernel } from "../kernel_names.ts";
import { define, indicator } from "./define.ts";

type Derivative = (dy: tf.Tensor, x: tf.Tensor) => tf.Tensor;

/** From the input. */
const ofInput = (kernelName: string, derivative: Derivative): tf.GradConfig =>
  define(kernelName, ["x"], (dy, [x]) => ({ x: () => derivative(dy, x!) }));

/** From the output. */
const ofOutput = (kernelName: string, derivative: Derivative): tf.GradConfig =>
  define(kernelName, ["y"], (dy, [y]) => ({ x: () => derivative(dy, y!) }));

const one = 1;
const squareRootOf = { oneMinusSquare: (x: tf.Tensor) => tf.sqrt(tf.sub(one, tf.square(x))) };

/** m (1 - m) of the smaller m of sigmoid(x) and 1 - sigmoid(x): beside 1 the output less 1 would be rounding only. */
function sigmoidSlope(x: tf.Tensor): tf.Tensor {
  const least = tf.sigmoid(tf.neg(tf.abs(x)));
  return tf.mul(least, tf.sub(one, least));
}

export const elementwiseGradients: readonly tf.GradConfig[] = [
  // Not by `sign`, which the wasm backend takes to be 0 for all of at most 1e-7.
  ofInput(tf.Abs, (dy, x) => tf.mul(dy, tf.sub(tf.step(x), tf.step(tf.neg(x))))),
  ofInput(tf.Acos, (dy, x) => tf.neg(tf.div(dy, squareRootOf.oneMinusSquare(x)))),
  ofInput(tf.Acosh, (dy, x) => tf.div(dy, tf.sqrt(tf.sub(tf.square(x), one)))),
  ofInput(tf.Asin, (dy, x) => tf.div(dy, squareRootOf.oneMinusSquare(x))),
  ofInput(tf.Asinh, (dy, x) => tf.div(dy, tf.sqrt(tf.add(tf.square(x), one)))),
  ofInput(tf.Atan, (dy, x) => tf.div(dy, tf.add(tf.square(x), one))),
  ofInput(tf.Atanh, (dy, x) => tf.div(dy, tf.sub(one, tf.square(x)))),
  ofInput(tf.Cos, (dy, x) => tf.neg(tf.mul(dy, tf.sin(x)))),
  ofInput(tf.Cosh, (dy, x) => tf.mul(dy, tf.sinh(x))),
  ofInput(tf.Erf, (dy, x) => tf.mul(dy, tf.mul(2 / Math.sqrt(Math.PI), tf.exp(tf.neg(tf.square(x)))))),
  ofOutput(tf.Exp, (dy, y) => tf.mul(dy, y)),
  ofOutput(tf.Expm1, (dy, y) => tf.mul(dy, tf.add(y, one))),
  ofInput(tf.Log, (dy, x) => tf.div(dy, x)),
  ofInput(tf.Log1p, (dy, x) => tf.div(dy, tf.add(x, one))),
  define(tf.Neg, [], (dy) => ({ x: () => tf.neg(dy) })),
  ofOutput(tf.Reciprocal, (dy, y) => tf.neg(tf.mul(dy, tf.square(y)))),
  ofOutput(tf.Rsqrt, (dy, y) => tf.mul(dy, tf.mul(tf.mul(tf.square(y), y), -0.5))),
  ofInput(tf.Sigmoid, (dy, x) => tf.mul(dy, sigmoidSlope(x))),
  ofInput(tf.Sin, (dy, x) => tf.mul(dy, tf.cos(x))),
  ofInput(tf.Sinh, (dy, x) => tf.mul(dy, tf.cosh(x))),
  ofInput(tf.Softplus, (dy, x) => tf.mul(dy, tf.sigmoid(x))),
  // Dividing by a 1 in place of a 0 keeps the 0 at 0 from becoming 0/0.
  ofOutput(tf.Sqrt, (dy, y) =>
    tf.mul(tf.mul(dy, 0.5), tf.div(tf.step(y), tf.add(y, indicator(tf.lessEqual(y, 0))))),
  ),
  ofInput(tf.Square, (dy, x) => tf.mul(dy, tf.mul(x, 2))),
  ofInput(tf.Tan, (dy, x) => tf.div(dy, tf.square(tf.cos(x)))),
  ofOutput(tf.Tanh, (dy, y) => tf.mul(dy, tf.sub(one, tf.square(y)))),
  // The output is above 0 where the input is, and the input need not be kept: an engine may join it with what made it.
  ofOutput(tf.Relu, (dy, y) =>
    hasKernel(RELU_GRADIENT)
      ? (tf.engine().runKernel(RELU_GRADIENT, { dy, x: y }) as tf.Tensor)
      : tf.mul(dy, tf.step(y)),
  ),
  ofInput(tf.Relu6, (dy, x) => tf.mul(dy, tf.mul(tf.step(x), indicator(tf.less(x, 6))))),
  // So is that of a leaky one, whose slope is at least 0.
  define<{ alpha: number }>(tf.LeakyRelu, ["y"], (dy, [y], { alpha }) => ({
    x: () => tf.where(tf.greater(y!, 0), dy, tf.mul(dy, alpha)),
  })),
  // For x <= 0 the output is e^x - 1, so the derivative e^x is the output plus one.
  ofOutput(tf.Elu, (dy, y) => tf.mul(dy, tf.where(tf.greater(y, 0), tf.onesLike(y), tf.add(y, one)))),
  define<{ clipValueMin: number; clipValueMax: number }>(tf.ClipByValue, ["x"], (dy, [x], attrs) => ({
    x: () => {
      const inside = tf.logicalAnd(
        tf.greaterEqual(x!, attrs.clipValueMin),
        tf.lessEqual(x!, attrs.clipValueMax),
      );
      return tf.mul(dy, indicator(inside));
    },
  })),
  define(tf.Cast, [], (dy) => ({ x: () => tf.cast(dy, "float32") })),
  define(tf.Identity, [], (dy) => ({ x: () => tf.cast(dy, "float32") })),
];
