/**
 * Vectors, pairs and classes: lengths, distance matrices, masks of pairs, cross-entropy. Shapes in the docstrings; B is
 * the batch, d the width.
 */
import * as tf from "@tensorflow/tfjs-core";
import { broadcastShape, summedTo } from "./broadcast.ts";
import { CANCELLED, ZERO_SQUARED_LENGTH } from "./rounding.ts";
import { untracked } from "./untracked.ts";

/** Which pairs are different samples of one class: labels [B] to bool [B, B]. */
export function sameClass(labels: tf.Tensor): tf.Tensor {
  return untracked(() => {
    const equal = tf.equal(tf.expandDims(labels, 1), tf.expandDims(labels, 0));
    const self = tf.cast(tf.eye(labels.size), "bool");
    return tf.logicalAnd(equal, tf.logicalNot(self));
  });
}

/** Which pairs are of different classes: labels [B] to bool [B, B]. */
export function differentClass(labels: tf.Tensor): tf.Tensor {
  return untracked(() => tf.notEqual(tf.expandDims(labels, 1), tf.expandDims(labels, 0)));
}

/** from, from + 1, … as int32 [count]. */
export function indices(from: number, count: number): tf.Tensor {
  return tf.range(from, from + count, 1, "int32");
}

/** Lengths of the vectors on the last axis, with gradient 0 at the zero vector. */
export function norm(x: tf.Tensor): tf.Tensor {
  return lengths(x);
}

const lengths = tf.customGrad((input, save) => {
  const x = input as tf.Tensor;
  const length = tf.sqrt(tf.sum(tf.square(x), -1));
  (save as tf.GradSaveFunc)([x, length]);
  const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor => {
    const [vectors, norms] = saved as [tf.Tensor, tf.Tensor];
    const some = tf.step(norms);
    const scale = tf.div(tf.mul(dy, some), tf.add(norms, tf.sub(1, some)));
    return tf.mul(vectors, tf.expandDims(scale, -1));
  };
  return { value: length, gradFunc };
});

/** Vectors on the last axis at unit length; the zero vector stays zero, with zero gradient. */
export function normalize(x: tf.Tensor): tf.Tensor {
  return unitVectors(x);
}

const unitVectors = tf.customGrad((input, save) => {
  const x = input as tf.Tensor;
  const squared = tf.sum(tf.square(x), -1, true);
  const some = tf.step(tf.sub(squared, ZERO_SQUARED_LENGTH));
  const inverse = tf.mul(tf.rsqrt(tf.add(squared, tf.sub(1, some))), some);
  const unit = tf.mul(x, inverse);
  (save as tf.GradSaveFunc)([unit, inverse]);
  const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor => {
    const [f, scale] = saved as [tf.Tensor, tf.Tensor];
    return tf.mul(tf.sub(dy, tf.mul(f, tf.sum(tf.mul(dy, f), -1, true))), scale);
  };
  return { value: unit, gradFunc };
});

/**
 * Inner products along the last axis of all vectors of u with all vectors of v; their first `shared` axes are the same:
 * u [s, i, d] and v [s, j, d] give [s, i, j], where s, i and j may each stand for several axes.
 */
export function products(u: tf.Tensor, v: tf.Tensor, { shared }: { shared: number }): tf.Tensor {
  const both = u.shape.slice(0, shared);
  const rows = u.shape.slice(shared, -1);
  const columns = v.shape.slice(shared, -1);
  const size = (shape: readonly number[]): number => shape.reduce((product, side) => product * side, 1);
  const width = u.shape.at(-1)!;
  const left = tf.reshape(u, [size(both), size(rows), width]);
  const right = tf.reshape(v, [size(both), size(columns), width]);
  return tf.reshape(tf.matMul(left, right, false, true), [...both, ...rows, ...columns]);
}

/**
 * Squared Euclidean distances between the rows of u [n, d] and v [m, d], as [n, m], from the Gram matrix; of stacks
 * [k, n, d] and [k, m, d], matrix by matrix, as [k, n, m]. What is at or below 1e-6 (|u|^2 + |v|^2) is 0 with zero gradient, so the diagonal of a batch against itself is exact.
 */
export function squaredDistances(u: tf.Tensor, v: tf.Tensor): tf.Tensor {
  return gramDistances(u, v);
}

const gramDistances = tf.customGrad((left, right, save) => {
  const [u, v] = [left as tf.Tensor, right as tf.Tensor];
  const squares = tf.add(tf.sum(tf.square(u), -1, true), tf.expandDims(tf.sum(tf.square(v), -1), -2));
  const distances = tf.sub(squares, tf.mul(2, tf.matMul(u, v, false, true)));
  const apart = tf.step(tf.sub(distances, tf.mul(squares, CANCELLED)));
  (save as tf.GradSaveFunc)([u, v, apart]);
  const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor[] => {
    const [a, b, far] = saved as [tf.Tensor, tf.Tensor, tf.Tensor];
    const weight = tf.mul(dy, far);
    const rows = tf.sub(tf.mul(a, tf.sum(weight, -1, true)), tf.matMul(weight, b));
    const columns = tf.sub(
      tf.mul(b, tf.expandDims(tf.sum(weight, -2), -1)),
      tf.matMul(weight, a, true, false),
    );
    return [tf.mul(rows, 2), tf.mul(columns, 2)];
  };
  return { value: tf.mul(distances, apart), gradFunc };
});

/** Squared Euclidean distances of vectors on the last axis, broadcast, under the same rule as `squaredDistances`. */
export function pairedSquaredDistances(u: tf.Tensor, v: tf.Tensor): tf.Tensor {
  const distances = tf.sum(tf.square(tf.sub(u, v)), -1);
  const apart = untracked(() => {
    const squares = tf.add(tf.sum(tf.square(u), -1), tf.sum(tf.square(v), -1));
    return tf.greater(distances, tf.mul(squares, CANCELLED));
  });
  return tf.where(apart, distances, tf.zerosLike(distances));
}

/**
 * Cross-entropy along the last axis: log-sum-exp of the logits minus the logit at the target, which a bool mask of the
 * broadcast shape marks. [..., classes] to [...].
 */
export function crossEntropy(logits: tf.Tensor, target: tf.Tensor): tf.Tensor {
  const op = tf.customGrad((input, save) => {
    const z = input as tf.Tensor;
    const hit = tf.cast(target, "float32");
    const shifted = tf.sub(z, tf.max(z, -1, true));
    const powers = tf.exp(shifted);
    const total = tf.sum(powers, -1, true);
    const at = tf.sum(tf.where(target, shifted, tf.zerosLike(shifted)), -1);
    const value = tf.sub(tf.squeeze(tf.log(total), [-1]), at);
    (save as tf.GradSaveFunc)([tf.sub(tf.div(powers, total), hit)]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor =>
      summedTo(tf.mul(tf.expandDims(dy, -1), saved[0]!), z.shape);
    return { value, gradFunc };
  });
  return op(logits);
}

/** Softmax along an axis over the entries a mask leaves, 0 at the others. */
export function softmax(logits: tf.Tensor, axis: number, where?: tf.Tensor): tf.Tensor {
  const op = tf.customGrad((input, save) => {
    const z =
      where === undefined ? (input as tf.Tensor) : tf.where(where, input as tf.Tensor, tf.scalar(-1e30));
    const powers = tf.exp(tf.sub(z, tf.max(z, axis, true)));
    const counted = where === undefined ? powers : tf.mul(powers, tf.cast(where, "float32"));
    const total = tf.sum(counted, axis, true);
    const some = tf.step(total);
    const shares = tf.div(counted, tf.add(total, tf.sub(1, some)));
    (save as tf.GradSaveFunc)([shares]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor => {
      const weighted = tf.mul(dy, saved[0]!);
      return tf.sub(weighted, tf.mul(saved[0]!, tf.sum(weighted, axis, true)));
    };
    return { value: shares, gradFunc };
  });
  return op(where === undefined ? logits : tf.broadcastTo(logits, broadcastShape(logits, where)));
}

/** Logarithm of the softmax along an axis over the entries a mask leaves, 0 at the others. */
export function logSoftmax(logits: tf.Tensor, axis: number, where?: tf.Tensor): tf.Tensor {
  const wide = where === undefined ? logits : tf.broadcastTo(logits, broadcastShape(logits, where));
  const z = where === undefined ? wide : tf.where(where, wide, tf.scalar(-1e30));
  const value = tf.sub(z, tf.logSumExp(z, axis, true));
  return where === undefined ? value : tf.where(where, value, tf.zerosLike(value));
}
