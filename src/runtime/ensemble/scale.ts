/**
 * Scales that make losses comparable before they are weighed: each operand is divided by max(scale, 1e-8), the scale
 * detached (language.md, "Combination is an expression").
 *
 * - `none`: 1.
 * - `initial`: the operand's value at its first valid step.
 * - `running_mean`: the mean of its values over all valid steps so far, the current one included. A loss that has been
 *   0 for n steps and wakes is therefore scaled to at most n + 1, never to infinity.
 * - `gradient_norm`: the same mean of ‖∂ℓ/∂h‖, the Frobenius norm over the batch of the operand's gradient at the
 *   backbone's features h, which every loss meets the shared network through. The features' space is the same for all, so
 *   these norms compare as those of losses or of gradients at heads of different widths do not, and a loss times a
 *   constant gives the same step. It costs one backward pass an operand that ends at the features.
 *
 * A step without a valid tuple leaves a scale as it is.
 */
import * as tf from "@tensorflow/tfjs-core";
import { untracked } from "../ops/untracked.ts";
import type { Combined, Net, StateSpec } from "../program.ts";
import { gradientWithin } from "../train/tape.ts";

export type Scale = "none" | "initial" | "running_mean" | "gradient_norm";

/** How a strategy scales its operands. */
export interface ScaleOptions {
  /** `running_mean` where absent. */
  readonly scale?: Scale;
  /** With `gradient_norm`: the backbone's features as the heads read them (`CombineContext.trunk`). */
  readonly trunk?: tf.Tensor;
}

const SMALLEST_SCALE = 1e-8;

/** State of the node at `path` over `operands` losses: `path/sum` and `path/count`, [operands]; none for `none`. */
export function scaleState(path: string, operands: number, scale: Scale = "running_mean"): StateSpec[] {
  if (scale === "none") return [];
  return [
    { name: `${path}/sum`, shape: [operands], initial: 0 },
    { name: `${path}/count`, shape: [operands], initial: 0 },
  ];
}

export interface Scaled {
  /** The operands' values over their scales, [K]. */
  readonly values: tf.Tensor1D;
  /** The scales, [K], detached, each at least 1e-8. */
  readonly scales: tf.Tensor1D;
}

/**
 * The operands' values and their scales; moves the node's state on.
 *
 * @throws for `gradient_norm` without the features.
 */
export function scaled(
  net: Net,
  path: string,
  operands: readonly Combined[],
  options: ScaleOptions = {},
): Scaled {
  const { scale = "running_mean", trunk } = options;
  const values = tf.stack(operands.map((operand) => operand.value)) as tf.Tensor1D;
  if (scale === "none") return { values, scales: tf.ones([operands.length]) };
  if (scale === "gradient_norm" && trunk === undefined) {
    throw new Error(`scale at ${path}: gradient_norm needs the features that the heads read`);
  }
  const scales = untracked(() => {
    const measured = scale === "gradient_norm" ? gradientNorms(operands, trunk!) : values;
    const valid = tf.stack(operands.map((operand) => operand.valid)) as tf.Tensor1D;
    const sum = net.state(`${path}/sum`);
    const count = net.state(`${path}/count`);
    // `initial` counts a loss's first valid step and no other: its mean over counted steps is then that first value.
    const counted = scale === "initial" ? tf.mul(valid, tf.sub(1, tf.minimum(count, 1))) : valid;
    const nextSum = tf.add(sum, tf.mul(counted, measured));
    const nextCount = tf.add(count, counted);
    net.update(`${path}/sum`, nextSum);
    net.update(`${path}/count`, nextCount);
    return tf.maximum(tf.div(nextSum, tf.maximum(nextCount, 1)), SMALLEST_SCALE) as tf.Tensor1D;
  });
  return { values: tf.div(values, scales) as tf.Tensor1D, scales };
}

/** The norm of each operand's gradient at the features, [K]; 0 where none arrives. */
function gradientNorms(operands: readonly Combined[], trunk: tf.Tensor): tf.Tensor1D {
  const norms = operands.map(({ value }) => {
    const gradient = gradientWithin(value, trunk);
    return gradient === undefined ? tf.scalar(0) : tf.sqrt(tf.sum(tf.square(gradient)));
  });
  return tf.stack(norms) as tf.Tensor1D;
}
