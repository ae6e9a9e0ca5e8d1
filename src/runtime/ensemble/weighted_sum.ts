/** Fixed arithmetic on combinations (`0.3 * pull + 0.7 * rank`): raw values, no scale, no parameters. */
import * as tf from "@tensorflow/tfjs-core";
import type { Combined } from "../program.ts";
import { linearNode, total } from "./node.ts";

/** Σ_k c_k · ℓ_k over `[c_k, ℓ_k]`: valid if any operand is; the weights of each operand times its coefficient. */
export function weightedSum(operands: ReadonlyArray<readonly [number, Combined]>): Combined {
  if (operands.length === 0) throw new Error("weightedSum: no operands");
  const value = total(operands.map(([coefficient, operand]) => tf.mul(operand.value, coefficient)));
  return linearNode(
    value as tf.Scalar,
    operands.map(([coefficient, operand]) => {
      const weight = tf.scalar(coefficient);
      return { operand, weight, factor: () => weight };
    }),
  );
}
