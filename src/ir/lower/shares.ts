/**
 * The shares of the samples in a loss (language.md, "Granularity"): for sample a, B times its part of the numerator over
 * the whole denominator, detached; their mean, plus what has no batch index (a regulariser), is the loss, gradients
 * included. A loss has them if its value is a linear combination of reductions whose first index runs over the batch.
 * Called where values are made outside all reductions, for losses that are asked for their shares.
 */
import type { Axis, Lowered } from "../axes.ts";
import { conjunction, scalar } from "../axes.ts";
import type { BinaryOperator, Node } from "../graph.ts";
import { rememberedOn } from "../graph.ts";
import { inputsFirst } from "../order.ts";
import { combine, masked } from "./combine.ts";
import type { Context } from "./environment.ts";
import type { TupleOperator, Tuples } from "./tuples.ts";
import { countTuples, reduceTuples } from "./tuples.ts";

export interface Shares {
  /** Over the samples, or one number for all of them. */
  readonly perSample: Lowered;
  /** What depends on no sample; 0 where absent. */
  readonly constant?: Lowered;
}

/** The index of the samples in all shares, whatever it is called in the reduction they come from. */
export const SAMPLE: Axis = { order: -1, size: "batch", from: 0, name: "a" };

/** Whether shares are wanted of what stands here. */
export function isShared(context: Context): boolean {
  return context.sharing && context.depth === 0;
}

/** The value with its shares, where it has some. */
export function withShares(value: Lowered, shares: Shares | undefined): Lowered {
  return shares === undefined ? value : { ...value, shares };
}

/**
 * The shares of a number; undefined where it has none. A constant counts in full for each sample, a number that depends
 * on parameters alone is split off.
 */
export function sharesOf(context: Context, value: Lowered): Shares | undefined {
  if (value.shares !== undefined) return value.shares;
  if (dependsOnBatch(value.node)) return undefined;
  const bare: Lowered = { node: context.build.asReal(value.node), axes: [] };
  if (!value.node.differentiable) return { perSample: bare };
  return { perSample: scalar(context.build.constant(0)), constant: bare };
}

/** Of `left op right`; undefined where that is not linear in what has shares. */
export function sharesOfBinary(
  context: Context,
  op: BinaryOperator,
  left: Lowered,
  right: Lowered,
): Shares | undefined {
  // What depends on no sample is split off as a whole.
  if (!dependsOnBatch(left.node) && !dependsOnBatch(right.node)) return undefined;
  const [a, b] = [left, right].map((side) => sharesOf(context, side));
  switch (op) {
    case "add":
    case "sub":
      return a === undefined || b === undefined ? undefined : added(context, op, a, b);
    case "mul":
      if (a !== undefined && isFactor(right)) return scaled(context, op, a, right);
      return b !== undefined && isFactor(left) ? scaled(context, op, b, left) : undefined;
    case "div":
    case "ratio":
      return a !== undefined && isFactor(right) ? scaled(context, op, a, right) : undefined;
    default:
      return undefined;
  }
}

/** Each part through a function that is linear. */
export function mappedShares(shares: Shares, map: (part: Lowered) => Lowered): Shares {
  const perSample = map(shares.perSample);
  return shares.constant === undefined ? { perSample } : { perSample, constant: map(shares.constant) };
}

/** What shares are multiplied or divided by as a whole: nothing of a sample is learned through it. */
function isFactor({ node }: Lowered): boolean {
  return !node.differentiable || !dependsOnBatch(node);
}

function scaled(context: Context, op: BinaryOperator, shares: Shares, factor: Lowered): Shares {
  const bare = scalar(factor.node);
  return mappedShares(shares, (part) => combine(context, op, part, bare));
}

function added(context: Context, op: "add" | "sub", a: Shares, b: Shares): Shares {
  const perSample = combine(context, op, a.perSample, b.perSample);
  if (a.constant === undefined && b.constant === undefined) return { perSample };
  const zero = scalar(context.build.constant(0));
  return { perSample, constant: combine(context, op, a.constant ?? zero, b.constant ?? zero) };
}

/** Of an outermost reduction over `tuples`. */
export function sharesOfReduction(context: Context, op: TupleOperator, tuples: Tuples): Shares | undefined {
  const { build } = context;
  const [first, ...rest] = tuples.axes;
  if (first === undefined || !runsOverBatch(first)) return undefined;
  if (op === "mean" && tuples.mask === undefined) {
    const { node, axes } = reduceTuples(context, "mean", { ...tuples, axes: rest }).value;
    return { perSample: ofSamples({ node, axes }, first) };
  }
  const numerator = (of: Tuples): Lowered => {
    const { node, axes } = reduceTuples(context, "sum", { ...of, axes: rest }).value;
    const part: Lowered = { node, axes };
    return ofSamples(combine(context, "mul", scalar(build.size("batch")), part), first);
  };
  switch (op) {
    case "sum":
    case "count":
      return { perSample: numerator(op === "sum" ? tuples : counted(context, tuples)) };
    case "mean":
      return { perSample: combine(context, "ratio", numerator(tuples), countTuples(context, tuples)) };
    case "mean_active": {
      const active = activeTuples(context, tuples);
      return { perSample: combine(context, "ratio", numerator(active), countTuples(context, active)) };
    }
    default:
      return undefined;
  }
}

/** Of the sum of one branch of a reduction over lists, which may have further indices. */
export function sharesOfBranch(context: Context, branch: Tuples): Shares | undefined {
  if (branch.axes.length > 0) {
    const whole = reduceTuples(context, "sum", branch).value;
    return dependsOnBatch(whole.node)
      ? sharesOfReduction(context, "sum", branch)
      : sharesOf(context, scalar(whole.node));
  }
  const shares = sharesOf(context, branch.body);
  const { mask } = branch;
  return shares === undefined || mask === undefined
    ? shares
    : mappedShares(shares, (part) => masked(context, part, mask));
}

/** The sum of all, over `count` where there is one. */
export function totalShares(
  context: Context,
  all: readonly (Shares | undefined)[],
  count?: Lowered,
): Shares | undefined {
  let total: Shares | undefined = { perSample: scalar(context.build.constant(0)) };
  for (const one of all)
    total = total === undefined || one === undefined ? undefined : added(context, "add", total, one);
  return total === undefined || count === undefined ? total : scaled(context, "ratio", total, count);
}

/** The tuples whose body is above 0. */
export function activeTuples(context: Context, tuples: Tuples): Tuples {
  const above = combine(context, "gt", tuples.body, scalar(context.build.constant(0)));
  return { ...tuples, mask: conjunction(context.build, [tuples.mask, above]) };
}

/** The tuples for which the body holds, each counting 1. */
function counted({ build }: Context, tuples: Tuples): Tuples {
  const { node, axes } = tuples.body;
  return { ...tuples, body: { node: build.asReal(node), axes } };
}

function runsOverBatch({ size, from }: Axis): boolean {
  return size === "batch" && from === 0;
}

/** A value over the first index of a reduction as one over the samples. */
function ofSamples({ node, axes }: Lowered, first: Axis): Lowered {
  return { node, axes: axes.map((axis) => (axis.order === first.order ? SAMPLE : axis)) };
}

const known = new WeakMap<Node, boolean>();

/** Whether a node depends on what is in the batch: on embeddings, labels or the number of a sample. */
export function dependsOnBatch(node: Node): boolean {
  return inputsFirst(node, known, (each, of) => {
    const { kind } = each.operation;
    const side = each.shape[0]!;
    const samples = kind === "iota" && (side === "batch" || rememberedOn(side) !== undefined);
    const leaf = kind === "input" || kind === "labels" || kind === "ids" || kind === "noise" || samples;
    return leaf || each.inputs.some(of);
  });
}
