/**
 * `pcgrad(…)`: gradient surgery (Yu, Kumar, Gupta, Levine, Hausman & Finn 2020, "Gradient surgery for multi-task
 * learning", algorithm 1). The operands are added up raw; where the gradients of two of them conflict (negative inner
 * product), each is projected onto the normal plane of the other, in random order:
 *
 *     g_i' = g_i;  for j ≠ i in random order: if g_i'·g_j < 0, g_i' -= (g_i'·g_j / ‖g_j‖²) g_j;  g = Σ_i g_i'
 *
 * with g_j always the original. Below such a node stand nodes that are plain values; a second surgery there would have
 * no gradient of its own to offer. Costs a backward pass an operand.
 */
import * as tf from "@tensorflow/tfjs-core";
import type { Combined, Net, NoiseSpec, Surgery } from "../program.ts";
import { passedUp, total } from "./node.ts";

/** Noise of `pcgrad` at `path` over K operands: `path/order` [K, K]. */
export function pcgradNoise(path: string, operands: number): NoiseSpec[] {
  return [{ name: `${path}/order`, shape: [operands, operands] }];
}

/** The sum of the operands, whose gradients are put together by surgery. Throws if one holds a surgery itself. */
export function pcgrad(net: Net, path: string, operands: readonly Combined[]): Combined {
  if (operands.some((operand) => operand.surgeries !== undefined)) {
    throw new Error(`pcgrad at ${path}: an operand has no gradient of its own, it holds a gradient strategy`);
  }
  const one = tf.scalar(1);
  const value = total(operands.map((operand) => operand.value)) as tf.Scalar;
  const surgery: Surgery = {
    kind: "pcgrad",
    value,
    tasks: operands.map((operand) => operand.value),
    factor: one,
    order: net.noise(`${path}/order`) as tf.Tensor2D,
  };
  const parts = operands.map((operand) => ({ operand, weight: one, factor: () => one }));
  return { value, ...passedUp(parts), surgeries: [surgery] };
}

/**
 * The direction of PCGrad. Every projected gradient is a combination of the original ones, so the algorithm runs on the
 * K x K inner products and touches the gradients only at both ends.
 *
 * @param gradients [K, n], one a row.
 * @param order [K, K]: row i holds the keys by which task i meets the others, ascending; of equal keys the lower index
 *   comes first. The diagonal is not read.
 * @returns [n].
 */
export function projectConflicts(gradients: tf.Tensor2D, order: tf.Tensor2D): tf.Tensor1D {
  const count = gradients.shape[0];
  const products = tf.matMul(gradients, gradients, false, true);
  const self = tf.eye(count);
  const squares = tf.sum(tf.mul(products, self), 1);
  const places = ranks(tf.add(order, tf.mul(self, 2)) as tf.Tensor2D);
  // Row i: the coefficients of task i's gradient in the original ones.
  let coefficients: tf.Tensor = self;
  for (let turn = 0; turn < count - 1; turn++) {
    const met = tf.cast(tf.equal(places, turn), "float32");
    const inner = tf.sum(tf.mul(tf.matMul(coefficients as tf.Tensor2D, products), met), 1);
    const square = tf.sum(tf.mul(met, squares), 1);
    const conflict = tf.step(tf.mul(tf.neg(inner), tf.step(square)));
    const share = tf.div(tf.mul(inner, conflict), tf.add(square, tf.sub(1, tf.step(square))));
    coefficients = tf.sub(coefficients, tf.mul(met, tf.expandDims(share, 1)));
  }
  const weights = tf.expandDims(tf.sum(coefficients, 0), 0) as tf.Tensor2D;
  return tf.squeeze(tf.matMul(weights, gradients), [0]);
}

/** Place of each entry in its row, ascending from 0; of equal entries the lower index comes first. */
function ranks(keys: tf.Tensor2D): tf.Tensor2D {
  const count = keys.shape[1];
  const other = tf.expandDims(keys, 1);
  const own = tf.expandDims(keys, 2);
  const indices = tf.range(0, count, 1, "float32");
  const earlier = tf.less(tf.expandDims(indices, 0), tf.expandDims(indices, 1));
  const before = tf.logicalOr(tf.less(other, own), tf.logicalAnd(tf.equal(other, own), earlier));
  return tf.sum(tf.cast(before, "float32"), 2) as tf.Tensor2D;
}
