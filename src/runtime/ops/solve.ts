/**
 * Linear systems: `solve` of emitted programs. The inverse is computed once and serves the solution and its gradient; an
 * engine that has a kernel for it does so in float64, elsewhere it is put together from tfjs operations, one row exchange
 * after the other, so that nothing is read back.
 */
import * as tf from "@tensorflow/tfjs-core";
import { INVERSES, hasKernel } from "../engine/kernel_names.ts";
import { untracked } from "./untracked.ts";

/** A pivot of at most this share of the largest entry makes a matrix singular. */
const SINGULAR = 1e-6;

/** Above every entry of a matrix. */
const FAR = 1e30;

/**
 * Solutions x of matrix · x = right. The gradient by `right` is λ, which solves the transposed system for dy; that by the
 * matrix comes through its inverse, and is -λ xᵀ.
 *
 * @param inverted [s, n, n]: see `inverse`. s stands for `stacked` axes.
 * @param right [s, n, r], where r stands for any number of axes; sides of 1 are broadcast.
 * @returns [s, n, r]
 */
export function solve(inverted: tf.Tensor, right: tf.Tensor, { stacked }: { stacked: number }): tf.Tensor {
  const n = inverted.shape.at(-1)!;
  const systems = inverted.shape.slice(0, stacked);
  const columns = right.shape.slice(stacked + 1);
  const count = tf.util.sizeFromShape(systems);
  const full = [...systems, n, ...columns];
  const rights = tf.reshape(tf.broadcastTo(right, full), [count, n, tf.util.sizeFromShape(columns)]);
  return tf.reshape(tf.matMul(tf.reshape(inverted, [count, n, n]), rights), full);
}

/** Inverses of matrices [s, n, n], where s stands for any number of axes; zeros with zero gradient for a singular one. */
export function inverse(matrix: tf.Tensor): tf.Tensor {
  const n = matrix.shape.at(-1)!;
  return tf.reshape(differentiableInverses(tf.reshape(matrix, [-1, n, n])), matrix.shape);
}

const differentiableInverses = tf.customGrad((...args) => {
  const [matrices, save] = args as unknown as [tf.Tensor3D, tf.GradSaveFunc];
  const value = inverses(matrices);
  save([value]);
  const gradFunc = (dy: tf.Tensor, [saved]: tf.Tensor[]): tf.Tensor => {
    const inverted = saved as tf.Tensor3D;
    const outer = tf.matMul(tf.matMul(inverted, dy as tf.Tensor3D, true, false), inverted, false, true);
    return tf.neg(outer);
  };
  return { value, gradFunc };
});

/** The inverses of matrices [s, n, n]; zeros for a singular one. */
export function inverses(matrices: tf.Tensor3D): tf.Tensor3D {
  if (hasKernel(INVERSES)) return untracked(() => tf.engine().runKernel(INVERSES, { x: matrices }));
  return untracked(() => tf.tidy(() => eliminated(matrices)));
}

/**
 * Gauss-Jordan elimination in place. At step k the row with the largest entry of column k among those not used yet is the
 * pivot row r: with the row divided by the pivot, and 1 / pivot in place of the pivot, every other row loses its multiple
 * of it. At the end row r holds the unknown k, and column k the equation r: two products with the permutation put both in
 * order. The zeros of a singular matrix stay zeros.
 */
function eliminated(matrices: tf.Tensor3D): tf.Tensor3D {
  const [count, n] = matrices.shape;
  const least = tf.mul(tf.max(tf.abs(matrices), [1, 2]), SINGULAR);
  const units = tf.unstack(tf.reshape(tf.eye(n), [n, 1, 1, n]));
  let rest: tf.Tensor = matrices;
  // Rows that are used are below every candidate.
  let used: tf.Tensor = tf.zeros([count, n]);
  const chosen: tf.Tensor[] = [];
  const pivots: tf.Tensor[] = [];
  for (const [k, unit] of units.entries()) {
    const column = tf.slice(rest, [0, 0, k], [-1, -1, 1]);
    const best = tf.argMax(tf.sub(tf.abs(tf.reshape(column, [count, n])), used), 1);
    const row = tf.oneHot(best as tf.Tensor1D, n, 1, 0, "float32");
    used = tf.add(used, tf.mul(row, FAR));
    chosen.push(row);
    const pivotRow = tf.matMul(tf.reshape(row, [count, 1, n]), rest as tf.Tensor3D);
    const pivot = tf.slice(pivotRow, [0, 0, k], [-1, 1, 1]);
    pivots.push(pivot);
    const factors = tf.sub(column, tf.reshape(row, [count, n, 1]));
    rest = tf.sub(rest, tf.mul(factors, tf.div(tf.add(pivotRow, unit), pivot)));
  }
  const smallest = tf.min(tf.abs(tf.concat(pivots, 1)), [1, 2]);
  const regular = tf.reshape(tf.greater(smallest, least), [count, 1, 1]);
  const order = tf.stack(chosen, 1) as tf.Tensor3D;
  const inverse = tf.where(regular, tf.matMul(tf.matMul(order, rest as tf.Tensor3D), order), tf.scalar(0));
  // One step of Newton's iteration takes back what the elimination lost.
  const twice = tf.mul(2, tf.eye(n));
  return tf.matMul(inverse as tf.Tensor3D, tf.sub(twice, tf.matMul(matrices, inverse as tf.Tensor3D)));
}
