/**
 * What every node of a combination hands up beside its value: validity, effective weights, shares of the samples, the
 * objectives and surgeries below it. Here is the one place that says how each passes through a weight. Called by the
 * strategies; pure.
 */
import * as tf from "@tensorflow/tfjs-core";
import { untracked } from "../ops/untracked.ts";
import type { Combined, Surgery } from "../program.ts";

/** An operand below a node whose value is a sum of weighted operands. */
export interface Part {
  readonly operand: Combined;
  /** Its name, if it is a named group. */
  readonly name?: string | undefined;
  /** The weight to report, scales left out. */
  readonly weight: tf.Scalar;
  /** Derivative of the node's value by the operand's: weight and scale; asked for only where it is needed. */
  readonly factor: () => tf.Scalar;
}

/** The node of value Σ factor · operand. Shares pass through if every operand has them. */
export function linearNode(value: tf.Scalar, parts: readonly Part[]): Combined {
  const shares = (): Pick<Combined, "perSample" | "constant"> => {
    const factors = parts.map((part) => part.factor());
    const perSample = parts.map(({ operand }, k) => tf.mul(operand.perSample!, factors[k]!));
    const constants = parts.flatMap(({ operand }, k) =>
      operand.constant === undefined ? [] : [tf.mul(operand.constant, factors[k]!)],
    );
    return {
      perSample: total(perSample) as tf.Tensor1D,
      ...(constants.length === 0 ? {} : { constant: total(constants) as tf.Scalar }),
    };
  };
  return {
    value,
    ...(parts.every((part) => part.operand.perSample !== undefined) ? shares() : {}),
    ...passedUp(parts),
  };
}

/** Validity, weights, groups, objectives and surgeries of a node over operands of these weights and factors. */
export function passedUp(
  parts: readonly Part[],
): Pick<Combined, "valid" | "weights" | "groups" | "own" | "surgeries"> {
  const operands = parts.map((part) => part.operand);
  const own = operands.flatMap((operand) => (operand.own === undefined ? [] : [operand.own]));
  const groups = parts.flatMap(groupWeights);
  const surgeries = parts.flatMap(({ operand, factor }) =>
    (operand.surgeries ?? []).map((surgery): Surgery => ({
      ...surgery,
      factor: untracked(() => tf.mul(surgery.factor, factor()) as tf.Scalar),
    })),
  );
  return {
    valid: anyValid(operands),
    weights: effectiveWeights(parts.map(({ operand, weight }) => [weight, operand])),
    ...(groups.length === 0 ? {} : { groups: Object.fromEntries(groups) }),
    ...(own.length === 0 ? {} : { own: total(own) as tf.Scalar }),
    ...(surgeries.length === 0 ? {} : { surgeries }),
  };
}

/** The groups at or below a part: its own weight, and all that is known within it, under its name. */
function groupWeights({ operand, name, weight }: Part): (readonly [string, tf.Scalar])[] {
  const below = Object.entries(operand.groups ?? {});
  if (name === undefined) return below;
  const within = [...Object.entries(operand.weights), ...below];
  return [[name, weight], ...within.map(([each, inner]) => [`${name}/${each}`, inner] as const)];
}

/** The sum of tensors of one shape. */
export function total(tensors: readonly tf.Tensor[]): tf.Tensor {
  return tensors.reduce((sum, part) => tf.add(sum, part));
}

/** The entries of a vector [K] as K scalars, detached. */
export function detachedEntries(vector: tf.Tensor1D): tf.Scalar[] {
  return untracked(() => tf.unstack(vector)) as tf.Scalar[];
}

/** Entry k of a vector [K], with its gradient. */
export function entry(vector: tf.Tensor1D, k: number): tf.Scalar {
  return tf.squeeze(tf.slice(vector, k, 1)) as tf.Scalar;
}

/** 1 if any operand is valid, else 0. */
export function anyValid(operands: readonly Combined[]): tf.Scalar {
  return untracked(() =>
    operands.map((operand) => operand.valid).reduce((some, valid) => tf.maximum(some, valid)),
  );
}

/** Each operand's weights times the operand's own; a loss that stands below several operands gets the sum. */
function effectiveWeights(
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
