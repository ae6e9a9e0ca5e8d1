/**
 * When two calls of kernels give the same: their keys are equal. Used by `simplify.ts`.
 */
import * as tf from "@tensorflow/tfjs-core";
import { isElementwise } from "./elementwise.ts";
import { type Node, reducedAxes } from "./graph.ts";

const commutative = new Set<string>([
  tf.Add,
  tf.Multiply,
  tf.Maximum,
  tf.Minimum,
  tf.Equal,
  tf.NotEqual,
  tf.LogicalAnd,
  tf.LogicalOr,
  tf.SquaredDifference,
]);
const reductions = new Set<string>([tf.Sum, tf.Max, tf.Min, tf.Any, tf.All]);

/** Equal for calls with equal results, up to their shapes. */
export function keyOf({ kernel, inputs, attributes, outputs }: Node): string {
  const views = Object.values(inputs);
  const size = outputs[0]!.value.size;
  // Operands that do not repeat are read in order, whatever their shape is called.
  const flat = isElementwise(kernel) && views.every(({ value }) => value.size === size || value.size === 1);
  const keys = Object.entries(inputs).map(([name, { value, shape }]) => {
    const place = flat ? `${value.id}` : `${value.id}[${shape.join()}]`;
    return commutative.has(kernel) ? place : `${name}:${place}`;
  });
  if (commutative.has(kernel)) keys.sort();
  const settings = reductions.has(kernel)
    ? { axis: reducedAxes(attributes, views[0]!.shape) }
    : { ...attributes, shape: flat ? size : outputs.map(({ shape }) => shape) };
  return `${kernel} ${keys.join(" ")} ${JSON.stringify(settings, nameNumbers)}`;
}

/** JSON has no numbers that are not finite. */
const nameNumbers = (_: string, value: unknown): unknown =>
  typeof value === "number" && !Number.isFinite(value) ? String(value) : value;
