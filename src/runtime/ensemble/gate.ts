/**
 * Gates: weights of losses for each sample, from the backbone's features. What `gated`, `soft_min` and the ensemble's
 * embedding share. Pure.
 *
 *     g_i = φ + (1 − Kφ) · softmax((h_i W + b) / T),  φ = 1 / (4K)
 *
 * With `top: k` the k largest gates of a sample are kept and divided by their sum, the others are 0: the floor then
 * holds among those kept, and only there. Gates as large as the k-th are all kept, so that a gate that knows nothing
 * yet, all of them equal, starves no loss.
 */
import * as tf from "@tensorflow/tfjs-core";
import { stopGradient, untracked } from "../ops/untracked.ts";
import type { HeadWeights, Net, ParameterSpec } from "../program.ts";
import { splitWeights } from "./head_weights.ts";
import type { OperandHeads } from "./head_weights.ts";

export interface GateOptions {
  /** How many gates of a sample are kept; all where absent. */
  readonly top?: number;
  /** T, above 0; 1 where absent. */
  readonly temperature?: number;
}

/** Parameters of a gate at `path`: `path/gate/weight` [features, operands] and `path/gate/bias`, zeros: uniform gates. */
export function gateParameters(path: string, features: number, operands: number): ParameterSpec[] {
  const zeros = (name: string, shape: readonly number[]): ParameterSpec => ({
    name: `${path}/gate/${name}`,
    shape,
    init: (sides) => new Float32Array(sides.reduce((product, side) => product * side, 1)),
    group: "weights",
    decay: false,
    trainable: true,
  });
  return [zeros("weight", [features, operands]), zeros("bias", [operands])];
}

/** Gates of samples. */
export interface Gates {
  /** [B, K], rows on the simplex, above the floor. */
  readonly all: tf.Tensor2D;
  /** [B, K], rows on the simplex; `all` itself without `top`. */
  readonly kept: tf.Tensor2D;
}

/** The gates of samples with these features [B, F], to which no gradient flows. Throws if `top` is not in 1..K. */
export function gatesOf(features: tf.Tensor2D, net: Net, path: string, options: GateOptions): Gates {
  const weight = net.param(`${path}/gate/weight`) as tf.Tensor2D;
  const count = weight.shape[1];
  const { top = count, temperature = 1 } = options;
  if (!(Number.isInteger(top) && top >= 1 && top <= count)) {
    throw new Error(`gate at ${path}: top ${top} of ${count} losses`);
  }
  const floor = 1 / (4 * count);
  const logits = tf.add(tf.matMul(stopGradient(features), weight), net.param(`${path}/gate/bias`));
  const simplex = tf.softmax(tf.div(logits, temperature) as tf.Tensor2D);
  const all = tf.add(tf.mul(simplex, 1 - count * floor), floor) as tf.Tensor2D;
  if (top === count) return { all, kept: all };
  const mask = untracked(() => {
    const greater = tf.greater(tf.expandDims(all, 1), tf.expandDims(all, 2));
    const place = tf.sum(tf.cast(greater, "float32"), 2);
    return tf.cast(tf.less(place, top), "float32");
  });
  const chosen = tf.mul(all, mask);
  return { all, kept: tf.div(chosen, tf.sum(chosen, 1, true)) as tf.Tensor2D };
}

/**
 * The heads' squared weights for `Program.headWeights`: those of the gate at `path`, which holds `share` of the
 * ensemble (its number of heads over all heads).
 */
export function gateHeadWeights(
  features: tf.Tensor2D,
  net: Net,
  path: string,
  heads: readonly OperandHeads[],
  options: GateOptions & { readonly share?: number } = {},
): HeadWeights {
  const { kept } = gatesOf(features, net, path, options);
  return splitWeights(tf.unstack(kept, 1) as tf.Tensor1D[], heads, options.share);
}
