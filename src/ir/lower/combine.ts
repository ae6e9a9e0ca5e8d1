/**
 * Applying an operator to lowered values: axes are aligned, and absence follows the rules (arithmetic keeps it, a
 * comparison with an absent side is false).
 */
import type { Lowered } from "../axes.ts";
import { aligned, conjunction, union } from "../axes.ts";
import type { BinaryOperator } from "../graph.ts";
import type { Context } from "./environment.ts";

const COMPARISONS: ReadonlySet<BinaryOperator> = new Set(["eq", "ne", "lt", "le", "gt", "ge"]);

/** The presence of a value, to be carried on. */
export function presenceOf(value: Lowered): { present?: Lowered } {
  return value.present === undefined ? {} : { present: value.present };
}

/** Applies a binary operator after aligning; absence of either side is absence, or false for a comparison. */
export function combine(context: Context, op: BinaryOperator, left: Lowered, right: Lowered): Lowered {
  const axes = union([left, right]);
  const { build } = context;
  const node = build.binary(op, aligned(build, left, axes), aligned(build, right, axes));
  const result: Lowered = { node, axes };
  const present = conjunction(build, [left.present, right.present]);
  if (present === undefined) return result;
  return COMPARISONS.has(op) ? conjunction(build, [result, present])! : { ...result, present };
}
