/** Scaling of embeddings to unit length, the last layer of most heads: the formulas' `normalize`, on rows. */
import type * as tf from "@tensorflow/tfjs-core";
import { normalize as unitVectors } from "../ops/vectors.ts";

/**
 * Each row of x [B, dim], or of a stack of heads [B, K, dim], divided by its length. A zero row stays zero and gets a zero gradient (language.md, "Kinks"):
 * never NaN.
 */
export function normalize<T extends tf.Tensor2D | tf.Tensor3D>(x: T): T {
  return unitVectors(x) as T;
}
