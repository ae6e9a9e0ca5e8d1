/** Scaling of embeddings to unit length, the last layer of most heads: the formulas' `normalize`, on rows. */
import type * as tf from "@tensorflow/tfjs-core";
import { normalize as unitVectors } from "../ops/vectors.ts";

/**
 * Each row of x [B, dim] divided by its length. A zero row stays zero and gets a zero gradient (language.md, "Kinks"):
 * never NaN.
 */
export function normalize(x: tf.Tensor2D): tf.Tensor2D {
  return unitVectors(x) as tf.Tensor2D;
}
