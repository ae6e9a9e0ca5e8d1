/**
 * How this folder writes down the gradient of one tfjs kernel. Used by the other files of the folder.
 */
import * as tf from "@tensorflow/tfjs-core";

/** The gradient by each input that has one, as a function, so that only those asked for are computed. */
export type InputGradients = Readonly<Record<string, () => tf.Tensor>>;

/**
 * The gradient of a kernel with one output.
 *
 * @param kernelName as in tfjs's kernel names.
 * @param saved names of the inputs the gradient needs; `y` stands for the output and comes last.
 * @param gradient from the output's gradient, the saved tensors in order, and the kernel's attributes.
 */
export function define<Attributes>(
  kernelName: string,
  saved: readonly string[],
  gradient: (dy: tf.Tensor, saved: readonly tf.Tensor[], attrs: Attributes) => InputGradients,
): tf.GradConfig {
  return {
    kernelName,
    inputsToSave: saved.filter((name) => name !== "y"),
    outputsToSave: saved.includes("y") ? [true] : [],
    gradFunc: (dy, tensors, attrs) => ({ ...gradient(dy as tf.Tensor, tensors, attrs as Attributes) }),
  };
}

const shapesOnly = new Set<string>();

/** A gradient that uses no values of what its kernel saved, only shapes: the tensors themselves need not be held. */
export function byShapes(config: tf.GradConfig): tf.GradConfig {
  shapesOnly.add(config.kernelName);
  return config;
}

/** Whether the gradient of a kernel needs the shapes of what it saved and not the values. */
export const savesShapesOnly = (kernelName: string): boolean => shapesOnly.has(kernelName);

/** Sums a gradient of the broadcast shape down to the shape of the operand that was broadcast. */
export function unbroadcast(gradient: tf.Tensor, shape: number[]): tf.Tensor {
  const axes = tf.broadcast_util.getReductionAxes(shape, gradient.shape);
  const summed = axes.length > 0 ? tf.sum(gradient, axes) : gradient;
  return tf.reshape(summed, shape);
}

/** A condition as 0 and 1. */
export const indicator = (condition: tf.Tensor): tf.Tensor => tf.cast(condition, "float32");
