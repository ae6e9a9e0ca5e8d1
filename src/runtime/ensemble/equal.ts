/** `equal(…)`: (1/K) Σ_k ℓ_k / s_k with the scales of `scale.ts`. Nothing is learned. */
import * as tf from "@tensorflow/tfjs-core";
import type { Combined, Net } from "../program.ts";
import { scaledValues } from "./scale.ts";
import type { Scale } from "./scale.ts";
import { anyValid, effectiveWeights } from "./weighted_sum.ts";

/** The mean of the scaled operands. Its state is `scaleState(path, operands.length, scale)`. */
export function equal(
  net: Net,
  path: string,
  operands: readonly Combined[],
  options: { readonly scale?: Scale } = {},
): Combined {
  const scaled = scaledValues(net, path, operands, options.scale ?? "running_mean");
  const weight = tf.scalar(1 / operands.length);
  return {
    value: tf.mean(scaled) as tf.Scalar,
    valid: anyValid(operands),
    weights: effectiveWeights(operands.map((operand) => [weight, operand])),
  };
}
