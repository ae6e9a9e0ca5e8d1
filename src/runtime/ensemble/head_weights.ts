/**
 * From weights of operands to weights of heads in the ensemble's embedding: what strategies that decide on the embedding
 * (gates, `wedl`) share. Pure.
 */
import * as tf from "@tensorflow/tfjs-core";
import { stopGradient } from "../ops/untracked.ts";
import type { HeadWeights } from "../program.ts";
import { total } from "./node.ts";

/**
 * The heads of one operand: their names, which then share its weight equally, or their own weights within it (where a
 * strategy below decides on them), summing to 1 and held.
 */
export type OperandHeads = readonly string[] | HeadWeights;

/**
 * Squared weights of the heads below a node: each operand's weight, split over its heads. A head below several operands
 * gets the sum. Where the operands' weights add up to 1, so do the heads' to `share`.
 *
 * @param weights of the operands: [B], or scalars.
 * @param heads of each operand.
 */
export function splitWeights(
  weights: readonly (tf.Tensor1D | tf.Scalar)[],
  heads: readonly OperandHeads[],
  share = 1,
): HeadWeights {
  const pieces = new Map<string, tf.Tensor[]>();
  heads.forEach((operand, k) => {
    for (const [name, own] of sharesOf(operand)) {
      const weight = tf.mul(tf.mul(weights[k]!, own), share);
      pieces.set(name, [...(pieces.get(name) ?? []), weight]);
    }
  });
  return Object.fromEntries([...pieces].map(([name, all]) => [name, total(all) as tf.Tensor1D | tf.Scalar]));
}

/**
 * The heads' squared weights below a node whose weights are numbers of the spec: `equal`, arithmetic, `pcgrad`.
 *
 * @param weights of the operands, above 0; divided by their sum.
 * @param options.share what part of the ensemble stands below the node.
 */
export function fixedHeadWeights(
  weights: readonly number[],
  heads: readonly OperandHeads[],
  options: { readonly share?: number } = {},
): HeadWeights {
  const sum = weights.reduce((all, weight) => all + weight, 0);
  return splitWeights(
    weights.map((weight) => tf.scalar(weight / sum)),
    heads,
    options.share,
  );
}

function sharesOf(heads: OperandHeads): (readonly [name: string, share: number | tf.Tensor])[] {
  if (isNames(heads)) return heads.map((name) => [name, 1 / heads.length]);
  return Object.entries(heads).map(([name, own]) => [name, stopGradient(own)]);
}

const isNames = (heads: OperandHeads): heads is readonly string[] => Array.isArray(heads);
