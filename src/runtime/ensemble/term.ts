/** A single loss as a combination: the leaf of every `combine` expression. */
import * as tf from "@tensorflow/tfjs-core";
import type { Combined, LossValue } from "../program.ts";

/** The loss `name` with weight 1. */
export function term(name: string, loss: LossValue): Combined {
  return { ...loss, weights: { [name]: tf.scalar(1) } };
}
