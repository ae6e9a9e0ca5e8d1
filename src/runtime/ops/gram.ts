/**
 * Inner products of the rows of one matrix with one another, and what follows from them: squared distances and cosines.
 * A Gram matrix is symmetric, so its gradient is one product, whatever is made of it and by however many losses. Shapes
 * in the docstrings; n rows of width d, of one matrix or of each of a stack.
 */
import * as tf from "@tensorflow/tfjs-core";
import { gramGradient } from "../engine/fused.ts";
import { CANCELLED, ZERO_SQUARED_LENGTH } from "./rounding.ts";
import { untracked } from "./untracked.ts";

/** Inner products of the rows of x [n, d] as [n, n]; of a stack [k, n, d], matrix by matrix, as [k, n, n]. */
export function gram(x: tf.Tensor): tf.Tensor {
  return products(x);
}

const products = tf.customGrad((input, save) => {
  const x = input as tf.Tensor;
  (save as tf.GradSaveFunc)([x]);
  const gradFunc = (dy: tf.Tensor, [rows]: tf.Tensor[]): tf.Tensor => gramGradient(dy, rows!);
  return { value: tf.matMul(x, x, false, true), gradFunc };
});

/**
 * Squared Euclidean distances of rows from their Gram matrix, under the rule of `squaredDistances`: what is at or below
 * 1e-6 (|u|^2 + |v|^2) is 0 with zero gradient. Rows that are equal are exactly 0 apart.
 */
export function squaredDistancesFromGram(products: tf.Tensor): tf.Tensor {
  return distances(products);
}

const distances = tf.customGrad((input, save) => {
  const inner = input as tf.Tensor;
  const squares = diagonal(inner);
  const both = tf.add(tf.expandDims(squares, -1), tf.expandDims(squares, -2));
  const distance = tf.sub(both, tf.mul(inner, 2));
  const apart = tf.step(tf.sub(distance, tf.mul(both, CANCELLED)));
  (save as tf.GradSaveFunc)([apart]);
  const gradFunc = (dy: tf.Tensor, [far]: tf.Tensor[]): tf.Tensor => {
    const weight = tf.mul(dy, far!);
    return tf.add(tf.mul(weight, -2), onDiagonal(tf.add(tf.sum(weight, -1), tf.sum(weight, -2))));
  };
  return { value: tf.mul(distance, apart), gradFunc };
});

/** Cosines of rows from their Gram matrix; 0 with zero gradient for the zero vector. */
export function cosinesFromGram(products: tf.Tensor): tf.Tensor {
  return cosines(products);
}

const cosines = tf.customGrad((input, save) => {
  const inner = input as tf.Tensor;
  const squares = diagonal(inner);
  const some = tf.step(tf.sub(squares, ZERO_SQUARED_LENGTH));
  const inverse = tf.mul(tf.rsqrt(tf.add(squares, tf.sub(1, some))), some);
  const scale = (x: tf.Tensor, by: tf.Tensor): tf.Tensor =>
    tf.mul(tf.mul(x, tf.expandDims(by, -1)), tf.expandDims(by, -2));
  const cosine = scale(inner, inverse);
  (save as tf.GradSaveFunc)([cosine, inverse]);
  const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor => {
    const [value, by] = saved as [tf.Tensor, tf.Tensor];
    const along = tf.mul(dy, value);
    const ofLengths = tf.mul(tf.add(tf.sum(along, -1), tf.sum(along, -2)), tf.mul(tf.square(by), -0.5));
    return tf.add(scale(dy, by), onDiagonal(ofLengths));
  };
  return { value: cosine, gradFunc };
});

/** Where a row stands in its own column, bool [n, n]. */
function itself(n: number): tf.Tensor {
  const places = tf.range(0, n, 1, "int32");
  return tf.equal(tf.expandDims(places, 1), places);
}

/** [.., n, n] to [.., n]. */
function diagonal(matrix: tf.Tensor): tf.Tensor {
  return untracked(() => tf.sum(tf.where(itself(matrix.shape.at(-1)!), matrix, tf.scalar(0)), -1));
}

/** [.., n] to [.., n, n], 0 elsewhere. */
function onDiagonal(entries: tf.Tensor): tf.Tensor {
  return tf.where(itself(entries.shape.at(-1)!), tf.expandDims(entries, -1), tf.scalar(0));
}
