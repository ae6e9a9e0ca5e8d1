/**
 * Fixed arithmetic on combinations (`0.3 * pull + 0.7 * rank`): raw values, no scale, no parameters. Also what every
 * strategy ends in, once it has its weights: here is how validity and effective weights pass through a node.
 */
import * as tf from "@tensorflow/tfjs-core";
import { untracked } from "../ops/untracked.ts";
import type { Combined } from "../program.ts";

/** Σ_k c_k · ℓ_k over `[c_k, ℓ_k]`: valid if any operand is; the weights of each operand times its coefficient. */
export function weightedSum(operands: ReadonlyArray<readonly [number, Combined]>): Combined {
  if (operands.length === 0) throw new Error("weightedSum: no operands");
  const value = operands
    .map(([coefficient, operand]) => tf.mul(operand.value, coefficient))
    .reduce((sum, part) => tf.add(sum, part)) as tf.Scalar;
  return {
    value,
    valid: anyValid(operands.map(([, operand]) => operand)),
    weights: effectiveWeights(operands.map(([coefficient, operand]) => [tf.scalar(coefficient), operand])),
  };
}

/** 1 if any operand is valid, else 0. */
export function anyValid(operands: readonly Combined[]): tf.Scalar {
  return untracked(() =>
    operands.map((operand) => operand.valid).reduce((some, valid) => tf.maximum(some, valid)),
  );
}

/** Each operand's weights times the operand's own; a loss that stands below several operands gets the sum. */
export function effectiveWeights(
  operands: ReadonlyArray<readonly [tf.Scalar, Combined]>,
): Record<string, tf.Scalar> {
  // A map until the end: a loss may be called `constructor` or `__proto__`.
  const weights = new Map<string, tf.Scalar>();
  for (const [own, operand] of operands) {
    for (const [name, below] of Object.entries(operand.weights)) {
      const before = weights.get(name);
      const sum = untracked(() => {
        const product = tf.mul(own, below) as tf.Scalar;
        return before === undefined ? product : tf.add<tf.Scalar>(before, product);
      });
      weights.set(name, sum);
    }
  }
  return Object.fromEntries(weights);
}
