/** `equal(…)`: (1/K) Σ_k ℓ_k / s_k with the scales of `scale.ts`. Nothing is learned. */
import * as tf from "@tensorflow/tfjs-core";
import type { Combined, Net } from "../program.ts";
import { detachedEntries, linearNode } from "./node.ts";
import { scaled } from "./scale.ts";
import type { ScaleOptions } from "./scale.ts";

/** The mean of the scaled operands. Its state is `scaleState(path, operands.length, scale)`. */
export function equal(
  net: Net,
  path: string,
  operands: readonly Combined[],
  options: ScaleOptions & { readonly names?: readonly string[] } = {},
): Combined {
  const { values, scales } = scaled(net, path, operands, options);
  const weight = tf.scalar(1 / operands.length);
  return linearNode(
    tf.mean(values) as tf.Scalar,
    operands.map((operand, k) => ({
      operand,
      name: options.names?.[k],
      weight,
      factor: () => tf.div(weight, detachedEntries(scales)[k]!) as tf.Scalar,
    })),
  );
}
