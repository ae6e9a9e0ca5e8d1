/**
 * `gated(…)`: weights for each sample, from the backbone's features. With ℓ̂_ik = ℓ_ik / s_k the scaled share of sample
 * i in loss k and g_i the sample's gates (`gate.ts`), heads and backbone learn from
 *
 *     mean_i Σ_k sg(g_ik) · ℓ̂_ik
 *
 * and the gate from how well the embedding it makes retrieves: from triplet(margin: 0.1, smooth: true) on
 * z_i = [√g_ik · sg(f_k(x_i))], plus λ · KL(mean_i g_i ‖ uniform). A gate that minimised the losses it weighs would only
 * pick the easiest; that strategy is here too, under the name of what it does, `soft_min`.
 *
 * The balance counts all gates, also those that `top` leaves out, so that every loss stays in reach. A part of a loss
 * without a batch index (a regulariser) has no sample to be gated by and counts with weight 1/K.
 */
import * as tf from "@tensorflow/tfjs-core";
import { log, real, softplus, sqrt } from "../ops/elementwise.ts";
import { meanActive } from "../ops/reductions.ts";
import { stopGradient, untracked } from "../ops/untracked.ts";
import { differentClass, sameClass, squaredDistances } from "../ops/vectors.ts";
import type { CombineContext, Combined } from "../program.ts";
import { gatesOf } from "./gate.ts";
import type { GateOptions, Gates } from "./gate.ts";
import { splitWeights } from "./head_weights.ts";
import type { OperandHeads } from "./head_weights.ts";
import { detachedEntries, passedUp, total } from "./node.ts";
import { scaled } from "./scale.ts";

export interface GatedOptions extends GateOptions {
  /** λ, 0.01 where absent. */
  readonly balance?: number;
  /**
   * M of a class-balanced batch, whose labels are P blocks of M equal ones. The triplets of the gate's objective are
   * then formed within blocks, B · M · B in place of all B · B · B of them.
   */
  readonly samples?: number;
}

const BALANCE = 0.01;
const MARGIN = 0.1;

/**
 * The gated sum of the operands, each of which must have shares of the samples. Its parameters are `gateParameters(path,
 * features, operands.length)`, its state `scaleState(path, operands.length)`.
 *
 * @param heads of each operand, in their order.
 * @throws if an operand has no shares.
 */
export function gated(
  context: CombineContext,
  path: string,
  operands: readonly Combined[],
  heads: readonly OperandHeads[],
  options: GatedOptions = {},
): Combined {
  const gates = gatesOf(context.features, context.net, path, options);
  const node = gatedNode(context, path, operands, stopGradient(gates.kept), "gated");
  const objective = tf.add(gateLoss(gates.kept, heads, context, options), balanceLoss(gates, options));
  return withOwn(node, objective as tf.Scalar);
}

/**
 * `soft_min(…)`: the same sum, minimised by the gate as well, which thereby moves to the losses that are easiest for
 * each sample. The gate learns from that and from the balance.
 */
export function softMin(
  context: CombineContext,
  path: string,
  operands: readonly Combined[],
  options: GatedOptions = {},
): Combined {
  const gates = gatesOf(context.features, context.net, path, options);
  const node = gatedNode(context, path, operands, gates.kept, "soft_min");
  return withOwn(node, balanceLoss(gates, options));
}

/** mean_i Σ_k g_ik ℓ̂_ik plus the constants at 1/K. */
function gatedNode(
  { net }: CombineContext,
  path: string,
  operands: readonly Combined[],
  gates: tf.Tensor2D,
  strategy: string,
): Combined {
  for (const { perSample, weights } of operands) {
    if (perSample === undefined) {
      const names = Object.keys(weights).join(", ");
      throw new Error(`${strategy} at ${path}: ${names} has no share of each sample`);
    }
  }
  const { scales } = scaled(net, path, operands);
  const divisors = detachedEntries(scales);
  const shares = tf.stack(
    operands.map((operand) => operand.perSample!),
    1,
  );
  const perSample = tf.sum(tf.mul(gates, tf.div(shares, scales)), 1) as tf.Tensor1D;
  const constants = operands.flatMap(({ constant }, k) =>
    constant === undefined ? [] : [tf.div(tf.div(constant, divisors[k]!), operands.length)],
  );
  const constant = constants.length === 0 ? undefined : (total(constants) as tf.Scalar);
  const mean = tf.mean(perSample) as tf.Scalar;
  const means = detachedEntries(untracked(() => tf.mean(gates, 0) as tf.Tensor1D));
  const parts = operands.map((operand, k) => ({ operand, weight: means[k]!, factor: () => means[k]! }));
  return {
    value: constant === undefined ? mean : tf.add(mean, constant),
    perSample,
    ...(constant === undefined ? {} : { constant }),
    ...passedUp(parts),
  };
}

function withOwn(node: Combined, objective: tf.Scalar): Combined {
  return { ...node, own: node.own === undefined ? objective : tf.add(node.own, objective) };
}

/** Triplet with unsquared distances and softplus (margin 0.1) on z, the heads held. */
function gateLoss(
  gates: tf.Tensor2D,
  heads: readonly OperandHeads[],
  { heads: embeddings, labels }: CombineContext,
  { samples }: GatedOptions,
): tf.Scalar {
  const weights = splitWeights(tf.unstack(gates, 1) as tf.Tensor1D[], heads);
  const pieces = Object.entries(weights).map(([name, weight]) =>
    tf.mul(tf.expandDims(sqrt(weight), 1), stopGradient(embeddings[name]!)),
  );
  const z = tf.concat(pieces, 1);
  const distance = sqrt(squaredDistances(z, z));
  const positive = real(sameClass(labels));
  const tuples = untracked(() =>
    tf.logicalAnd(
      tf.greater(tf.expandDims(withinBlock(positive, samples), 2), 0),
      tf.expandDims(differentClass(labels), 1),
    ),
  );
  const toPositive = withinBlock(tf.mul(distance, positive), samples);
  const violation = tf.add(tf.sub(tf.expandDims(toPositive, 2), tf.expandDims(distance, 1)), MARGIN);
  return meanActive(softplus(violation), { over: [0, 1, 2], where: tuples }) as tf.Scalar;
}

/** Of a matrix [B, B] that is 0 outside of blocks of M on its diagonal: the blocks' columns, [B, M]. */
function withinBlock(matrix: tf.Tensor, samples: number | undefined): tf.Tensor {
  if (samples === undefined) return matrix;
  const batch = matrix.shape[0]!;
  return tf.sum(tf.reshape(matrix, [batch, batch / samples, samples]), 1);
}

/** λ · KL(mean_i g_i ‖ uniform) = λ · Σ_k ḡ_k ln(K ḡ_k). */
function balanceLoss({ all }: Gates, { balance = BALANCE }: GatedOptions): tf.Scalar {
  const mean = tf.mean(all, 0);
  const divergence = tf.sum(tf.mul(mean, log(tf.mul(mean, all.shape[1]))));
  return tf.mul(divergence, balance) as tf.Scalar;
}
