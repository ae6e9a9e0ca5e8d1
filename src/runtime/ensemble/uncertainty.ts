/**
 * `uncertainty(…)`: weights from learned variances (Kendall, Gal & Cipolla 2018, eq. 7), with s = ln σ²:
 *
 *     L = Σ_k ½ e^{−s_k} · max(ℓ_k, floor) + ½ s_k
 *
 * raw losses, no scale. At the optimum e^{s_k} = ℓ_k, so L is ½ Σ (1 + ln ℓ_k): unbounded below as a loss approaches 0,
 * which is what the floor is for. A loss without a valid tuple in the batch leaves its s_k alone.
 */
import * as tf from "@tensorflow/tfjs-core";
import { maximum } from "../ops/elementwise.ts";
import { untracked } from "../ops/untracked.ts";
import type { Combined, HeadWeights, Net, ParameterSpec } from "../program.ts";
import { splitWeights } from "./head_weights.ts";
import type { OperandHeads } from "./head_weights.ts";
import { detachedEntries, entry, passedUp, total } from "./node.ts";

/** Parameters of `uncertainty` at `path` over K operands: `path/s` [K], zeros: variances of 1. */
export function uncertaintyParameters(path: string, operands: number): ParameterSpec[] {
  return [
    {
      name: `${path}/s`,
      shape: [operands],
      init: () => new Float32Array(operands),
      group: "weights",
      decay: false,
      trainable: true,
    },
  ];
}

/**
 * The sum above over the operands with a valid tuple.
 *
 * @param options.floor least value of a loss, 0 by default; at or below it a loss trains nothing.
 */
export function uncertainty(
  net: Net,
  path: string,
  operands: readonly Combined[],
  options: { readonly floor?: number } = {},
): Combined {
  const floor = options.floor ?? 0;
  const s = net.param(`${path}/s`) as tf.Tensor1D;
  const terms = operands.map((operand, k) => {
    const variance = entry(s, k);
    const precision = tf.mul(0.5, tf.exp(tf.neg(variance)));
    const fit = tf.mul(precision, maximum(operand.value, floor));
    return tf.mul(operand.valid, tf.add(fit, tf.mul(0.5, variance)));
  });
  const value = total(terms) as tf.Scalar;
  const parts = operands.map((operand, k) => {
    const weight = untracked(() => tf.mul(0.5, tf.exp(tf.neg(entry(s, k)))) as tf.Scalar);
    const counts = (): tf.Tensor => tf.mul(operand.valid, tf.step(tf.sub(operand.value, floor)));
    return { operand, weight, factor: () => tf.mul(weight, counts()) as tf.Scalar };
  });
  return { value, ...passedUp(parts) };
}

/**
 * The heads' squared weights below the node under `inference: sqrt_weights`: its weights ½ e^{−s_k}, divided by their sum
 * (which is softmax(−s)) and split over the heads of each operand.
 *
 * @param options.share what part of the ensemble stands below the node.
 */
export function uncertaintyHeadWeights(
  net: Net,
  path: string,
  heads: readonly OperandHeads[],
  options: { readonly share?: number } = {},
): HeadWeights {
  const weights = tf.softmax(tf.neg(net.param(`${path}/s`) as tf.Tensor1D));
  return splitWeights(detachedEntries(weights), heads, options.share);
}
