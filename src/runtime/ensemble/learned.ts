/**
 * `learned(…)`: one weight a loss, learned jointly with everything else, on the simplex with a floor:
 *
 *     w = α + (1 − Kα) · softmax(a),  α = 1 / (4K) by default,  L = Σ_k w_k · ℓ_k / s_k
 *
 * with the scales of `scale.ts`. It has the same floor as the ensemble of losses of Zabihzadeh et al. (2021, eq. 11),
 * whose penalty on Σ w − 1 the softmax makes exact. For fixed scaled losses the objective is linear in w, so the
 * weights drift to the loss that falls fastest; the floor is what keeps the others.
 */
import * as tf from "@tensorflow/tfjs-core";
import type { Combined, HeadWeights, Net, ParameterSpec } from "../program.ts";
import { splitWeights } from "./head_weights.ts";
import type { OperandHeads } from "./head_weights.ts";
import { detachedEntries, entry, linearNode } from "./node.ts";
import { scaled } from "./scale.ts";
import type { ScaleOptions } from "./scale.ts";

export interface LearnedOptions extends ScaleOptions {
  /** Smallest weight of a loss, in [0, 1/K]; 1 / (4K) where absent. */
  readonly floor?: number;
  /** Names of the operands, if they are named groups. */
  readonly names?: readonly string[];
}

/**
 * Parameters of `learned` at `path` over K operands: `path/a` [K], zeros, which is the uniform prior; with `prior` (any
 * positive numbers, normalised to sum 1, each then above the floor) the weights start there.
 */
export function learnedParameters(
  path: string,
  operands: number,
  options: { readonly floor?: number; readonly prior?: readonly number[] } = {},
): ParameterSpec[] {
  const initial = initialLogits(operands, floorOf(operands, options.floor), options.prior);
  return [
    {
      name: `${path}/a`,
      shape: [operands],
      init: () => Float32Array.from(initial),
      group: "weights",
      decay: false,
      trainable: true,
    },
  ];
}

/** The weighted sum of the scaled operands. Its state is `scaleState(path, operands.length, scale)`. */
export function learned(
  net: Net,
  path: string,
  operands: readonly Combined[],
  options: LearnedOptions = {},
): Combined {
  const { values, scales } = scaled(net, path, operands, options);
  const weights = weightsOf(net, path, options.floor);
  const each = detachedEntries(weights);
  return linearNode(
    tf.sum(tf.mul(weights, values)) as tf.Scalar,
    operands.map((operand, k) => ({
      operand,
      name: options.names?.[k],
      weight: each[k]!,
      factor: () => tf.div(entry(weights, k), detachedEntries(scales)[k]!) as tf.Scalar,
    })),
  );
}

/** w [K], with its gradient. */
function weightsOf(net: Net, path: string, given: number | undefined): tf.Tensor1D {
  const logits = net.param(`${path}/a`) as tf.Tensor1D;
  const floor = floorOf(logits.size, given);
  return tf.add(tf.mul(tf.softmax(logits), 1 - logits.size * floor), floor) as tf.Tensor1D;
}

/**
 * The heads' squared weights for `Program.headWeights` under `inference: sqrt_weights`: w_k, split over the heads of each
 * operand.
 *
 * @param options.share what part of the ensemble stands below the node.
 */
export function learnedHeadWeights(
  net: Net,
  path: string,
  heads: readonly OperandHeads[],
  options: { readonly floor?: number; readonly share?: number } = {},
): HeadWeights {
  return splitWeights(detachedEntries(weightsOf(net, path, options.floor)), heads, options.share);
}

function floorOf(operands: number, floor: number | undefined): number {
  const value = floor ?? 1 / (4 * operands);
  if (!(value >= 0 && value * operands <= 1)) {
    throw new Error(`learned: floor ${value} is not within 0 and 1/${operands}`);
  }
  return value;
}

function initialLogits(operands: number, floor: number, prior: readonly number[] | undefined): number[] {
  if (prior === undefined) return Array.from({ length: operands }, () => 0);
  const total = prior.reduce((sum, share) => sum + share, 0);
  return prior.map((share) => {
    const above = share / total - floor;
    if (!(above > 0)) throw new Error(`learned: prior ${share} of ${total} is not above the floor ${floor}`);
    return Math.log(above / (1 - operands * floor));
  });
}
