/**
 * Applying an operator to lowered values: axes are aligned, and absence follows the rules (arithmetic keeps it, a
 * comparison with an absent side is false).
 */
import type { Lowered } from "../axes.ts";
import { aligned, conjunction, scalar, union } from "../axes.ts";
import type { BinaryOperator } from "../graph.ts";
import { constantOf } from "../graph.ts";
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
  const pairs = op === "and" ? [...(left.pairs ?? []), ...(right.pairs ?? [])] : [];
  const result: Lowered = { node, axes, ...(pairs.length === 0 ? {} : { pairs }) };
  const present = conjunction(build, [left.present, right.present]);
  if (present === undefined) return result;
  return COMPARISONS.has(op) ? conjunction(build, [result, present])! : { ...result, present };
}

/** Whether one of the conditions holds; undefined, as each of them, stands for always. */
export function disjunction(
  context: Context,
  conditions: readonly (Lowered | undefined)[],
): Lowered | undefined {
  const given = conditions.filter((condition) => condition !== undefined);
  if (given.length < conditions.length) return undefined;
  const never = scalar(context.build.graph.constant(0, "bool"));
  return given.reduce((any, one) => combine(context, "or", any, one), never);
}

/** The value where `present`, 0 with zero gradient elsewhere. */
export function masked(context: Context, value: Lowered, present: Lowered): Lowered {
  const { build } = context;
  const known = constantOf(present.node);
  const bare: Lowered = { node: value.node, axes: value.axes };
  if (constantOf(value.node) === 0) return scalar(build.constant(0));
  if (known !== undefined) return known === 0 ? scalar(build.constant(0)) : bare;
  const axes = union([present, bare]);
  const [condition, chosen] = [aligned(build, present, axes), aligned(build, bare, axes)];
  return { node: build.select(condition, build.asReal(chosen), build.constant(0)), axes };
}
