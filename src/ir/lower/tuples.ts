/**
 * One reduction over labelled axes, for every reduction that needs no form of its own: body and mask are broadcast
 * together and the axes taken out. An axis that neither has is no side of the tensor: it only multiplies what counts
 * tuples. Called by `reduction.ts`, `lists.ts` and `forms.ts`.
 */
import type { Axis, Lowered } from "../axes.ts";
import { aligned, conjunction, scalar, union } from "../axes.ts";
import type { ReduceOperator } from "../graph.ts";
import { constantOf } from "../graph.ts";
import { combine, masked } from "./combine.ts";
import type { Context } from "./environment.ts";
import { productSum, squaredDistanceSum } from "./products.ts";

/** What a reduction ranges over: the body at each tuple, and which tuples count. */
export interface Tuples {
  readonly body: Lowered;
  /** The guards in one; undefined where there is none. */
  readonly guards: Lowered | undefined;
  /** Guards and presence of the body in one; undefined for everywhere. */
  readonly mask: Lowered | undefined;
  readonly axes: readonly Axis[];
}

export interface Reduced {
  readonly value: Lowered;
  /** Where there was at least one tuple; undefined for everywhere. */
  readonly tuples: Lowered | undefined;
}

export type TupleOperator = Exclude<ReduceOperator, "log1p_sum_exp">;

const ABSENT_OVER_NOTHING: ReadonlySet<string> = new Set(["max", "min", "logsumexp", "argmax", "argmin"]);

/** Tuples of a body under guards; what is absent does not count. */
export function tuplesOf(
  context: Context,
  body: Lowered,
  guards: readonly Lowered[],
  axes: readonly Axis[],
): Tuples {
  const all = (conditions: readonly (Lowered | undefined)[]): Lowered | undefined =>
    conjunction(
      context.build,
      conditions.filter((condition) => condition !== undefined && constantOf(condition.node) !== 1),
    );
  const guard = all(guards);
  return {
    body: {
      node: body.node,
      axes: body.axes,
      ...(body.shares === undefined ? {} : { shares: body.shares }),
    },
    guards: guard,
    mask: all([guard, body.present]),
    axes,
  };
}

/** Where at least one tuple counts; undefined for everywhere. */
export function someTuple(context: Context, { mask, axes }: Tuples): Lowered | undefined {
  if (axes.some((axis) => axis.size === 0)) return falsehood(context);
  // The batch is always there, whatever the memory holds.
  if (mask === undefined || mask.node === context.memory?.filled) return undefined;
  const here = within(axes, mask);
  return here.length === 0 ? mask : over(context, "any", mask, undefined, here);
}

export function reduceTuples(context: Context, op: TupleOperator, tuples: Tuples): Reduced {
  const { body, mask, axes } = tuples;
  if (axes.some((axis) => axis.size === 0)) return overNothing(context, op);
  if (op === "argmax" || op === "argmin") return extremeIndex(context, op, tuples);
  const some = someTuple(context, tuples);
  if (op === "sum" && mask === undefined) {
    const linear = squaredDistanceSum(context, body, axes) ?? productSum(context, body, axes);
    if (linear !== undefined) return { value: linear, tuples: undefined };
  }
  const known = union(mask === undefined ? [body] : [body, mask]);
  const here = axes.filter((axis) => known.some((own) => own.order === axis.order));
  const missing = axes.filter((axis) => !here.includes(axis));
  const reduced = here.length === 0 ? atOne(context, op, body, mask) : over(context, op, body, mask, here);
  const value = repeated(context, op, reduced, missing);
  if (some === undefined) return { value, tuples: undefined };
  if (ABSENT_OVER_NOTHING.has(op)) return { value: { ...value, present: some }, tuples: some };
  return { value: op === "sum" ? { ...value, nonEmpty: some } : value, tuples: some };
}

/** Number of tuples that count, per element that is left. */
export function countTuples(context: Context, tuples: Tuples): Lowered {
  const body = scalar(context.build.graph.constant(1, "bool"));
  return reduceTuples(context, "count", { ...tuples, body }).value;
}

export const falsehood = (context: Context): Lowered => scalar(context.build.graph.constant(0, "bool"));

const within = (axes: readonly Axis[], value: Lowered): Axis[] =>
  axes.filter((axis) => value.axes.some((own) => own.order === axis.order));

/** One reduction node. Every axis is a side of the value or of the mask. */
export function over(
  context: Context,
  op: ReduceOperator,
  value: Lowered,
  mask: Lowered | undefined,
  axes: readonly Axis[],
): Lowered {
  const all = union(mask === undefined ? [value] : [value, mask]);
  const { build } = context;
  const positions = axes
    .map((axis) => all.findIndex((own) => own.order === axis.order))
    .sort((a, b) => a - b);
  const left = all.filter((own) => !axes.some((axis) => axis.order === own.order));
  const node = build.reduce(
    op,
    aligned(build, value, all),
    mask === undefined ? undefined : aligned(build, mask, all),
    positions,
  );
  return { node, axes: left };
}

/** A reduction over a domain without elements. */
function overNothing(context: Context, op: TupleOperator): Reduced {
  const { build } = context;
  const nothing = falsehood(context);
  if (op === "any" || op === "all")
    return { value: scalar(build.graph.constant(op === "all" ? 1 : 0, "bool")), tuples: nothing };
  const value = scalar(build.constant(0));
  if (ABSENT_OVER_NOTHING.has(op)) return { value: { ...value, present: nothing }, tuples: nothing };
  return { value: op === "sum" ? { ...value, nonEmpty: nothing } : value, tuples: nothing };
}

/** A reduction of one tuple, which counts where the mask holds. */
function atOne(context: Context, op: TupleOperator, body: Lowered, mask: Lowered | undefined): Lowered {
  const { build } = context;
  const where = (value: Lowered): Lowered => (mask === undefined ? value : masked(context, value, mask));
  switch (op) {
    case "any":
      return conjunction(build, [body, mask])!;
    case "count": {
      const holds = conjunction(build, [body, mask])!;
      return { node: build.asReal(holds.node), axes: holds.axes };
    }
    case "all": {
      if (mask === undefined) return body;
      return combine(context, "or", body, { node: build.unary("not", mask.node), axes: mask.axes });
    }
    case "mean_active":
      return where({ node: build.unary("relu", build.asReal(body.node)), axes: body.axes });
    case "sum":
    case "mean":
      return where({ node: build.asReal(body.node), axes: body.axes });
    default:
      return { node: build.asReal(body.node), axes: body.axes };
  }
}

/** The reduction's value when every tuple stands for as many as the missing axes have elements. */
function repeated(context: Context, op: TupleOperator, value: Lowered, missing: readonly Axis[]): Lowered {
  if (missing.length === 0) return value;
  const times = productOfSizes(context, missing);
  if (op === "sum" || op === "count") return combine(context, "mul", value, times);
  if (op === "logsumexp")
    return combine(context, "add", value, scalar(context.build.unary("log", times.node)));
  return value;
}

export function productOfSizes(context: Context, axes: readonly Axis[]): Lowered {
  const one = scalar(context.build.constant(1));
  return axes.reduce(
    (product, axis) => combine(context, "mul", product, scalar(context.build.size(axis.size))),
    one,
  );
}

/**
 * The first index of the best tuple; at a tie the lowest. Over several indices, the best of the others is found first:
 * the first index of the first best tuple is the lowest one that has a best tuple.
 */
function extremeIndex(context: Context, op: "argmax" | "argmin", tuples: Tuples): Reduced {
  const { build } = context;
  const [first, ...others] = tuples.axes as [Axis, ...Axis[]];
  if (others.length > 0) {
    const best = reduceTuples(context, op === "argmax" ? "max" : "min", { ...tuples, axes: others });
    const body = { node: best.value.node, axes: best.value.axes };
    return extremeIndex(context, op, { body, guards: best.tuples, mask: best.tuples, axes: [first] });
  }
  const some = someTuple(context, tuples);
  const { body, mask } = tuples;
  const numbers = build.iota(first.from, first.size);
  const known = union(mask === undefined ? [body] : [body, mask]);
  if (!known.some((own) => own.order === first.order)) {
    const lowest = scalar(build.graph.constant(first.from, "int"));
    return { value: some === undefined ? lowest : { ...lowest, present: some }, tuples: some };
  }
  const place = over(context, op, body, mask, [first]);
  const node = first.from === 0 ? place.node : build.gather(numbers, place.node);
  const value: Lowered = { node, axes: place.axes };
  return { value: some === undefined ? value : { ...value, present: some }, tuples: some };
}
