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
  const largest = tf.max(tf.abs(matrices), [1, 2]);
  const smallest = tf.mul(largest, SINGULAR);
  let rest: tf.Tensor3D = matrices;
  let used: tf.Tensor2D = tf.zeros([count, n]);
  let regular: tf.Tensor = tf.ones([count]);
  const chosen: tf.Tensor2D[] = [];
  for (let k = 0; k < n; k++) {
    const unit = tf.oneHot(tf.scalar(k, "int32"), n) as tf.Tensor1D;
    const column = tf.slice(rest, [0, 0, k], [-1, -1, 1]) as tf.Tensor3D;
    // Rows that are used are below every candidate.
    const candidates = tf.sub(
      tf.abs(tf.squeeze(column, [2])),
      tf.mul(used, tf.add(tf.expandDims(largest, 1), 1e30)),
    );
    const best = tf.argMax(candidates, 1);
    const row = tf.cast(tf.oneHot(best as tf.Tensor1D, n), "float32") as tf.Tensor2D;
    used = tf.add(used, row);
    chosen.push(row);
    const pivotRow = tf.matMul(tf.expandDims(row, 1) as tf.Tensor3D, rest) as tf.Tensor3D;
    const pivot = tf.slice(pivotRow, [0, 0, k], [-1, 1, 1]);
    const large = tf.cast(tf.greater(tf.abs(pivot), tf.reshape(smallest, [count, 1, 1])), "float32");
    regular = tf.mul(regular, tf.reshape(large, [count]));
    // A pivot too small is replaced by 1: what follows stays finite, and the matrix counts as singular.
    const divisor = tf.add(tf.mul(pivot, large), tf.sub(1, large));
    const own = tf.reshape(tf.cast(unit, "float32"), [1, 1, n]);
    const divided = tf.div(tf.add(pivotRow, tf.mul(tf.sub(1, pivot), own)), divisor);
    const factors = tf.sub(column, tf.expandDims(row, 2));
    rest = tf.sub(rest, tf.mul(factors, tf.add(divided, own)));
  }
  const order = tf.stack(chosen, 1) as tf.Tensor3D;
  const inverse = tf.mul(tf.matMul(tf.matMul(order, rest), order), tf.reshape(regular, [count, 1, 1]));
  // One step of Newton's iteration takes back what the elimination lost.
  const twice = tf.mul(2, tf.eye(n));
  return tf.matMul(inverse, tf.sub(twice, tf.matMul(matrices, inverse)));
}
