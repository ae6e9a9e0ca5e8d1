/**
 * Lowering of reductions. Guards and absence become one mask, applied before the reduction; sums of products become
 * matrix products, and `sum[t] (u[t] - v[t])^2` a distance matrix.
 */
import type { Expression, IndexBinding, Reduction } from "../../syntax/ast.ts";
import type { Axis, Lowered } from "../axes.ts";
import { aligned, conjunction, scalar, union } from "../axes.ts";
import type { Dim, Node, ReduceOperator } from "../graph.ts";
import { constantOf } from "../graph.ts";
import { domainFromUse } from "./domains.ts";
import type { Context } from "./environment.ts";
import { Environment, LoweringError } from "./environment.ts";
import { combine } from "./combine.ts";
import { productSum, squaredDistanceSum } from "./products.ts";

/** An index with a list for a domain: it is unrolled, one numeric value at a time. */
interface Unrolled {
  readonly name: string;
  readonly values: readonly number[];
}

export function lowerReduction(context: Context, expression: Reduction, environment: Environment): Lowered {
  if (expression.op === "softmax" || expression.op === "log_softmax")
    return lowerSoftmax(context, expression, environment);
  const unrolled: Unrolled[] = [];
  const axes: Axis[] = [];
  const inner = new Environment(environment.scope, environment);
  for (const index of expression.indices)
    bindIndex(context, index, expression, environment, inner, axes, unrolled);
  if (unrolled.length > 0) return unroll(context, expression, environment, unrolled);

  const outermost = context.depth === 0;
  context.depth++;
  try {
    const special =
      expression.op === "sum" ? squaredDistanceSum(context, expression, inner, axes) : undefined;
    const guards = expression.guards.map((guard) => context.lower(context, guard, inner));
    const mask = conjunction(context.build, guards);
    if (special !== undefined) {
      if (outermost) context.outermost.push(undefined);
      return special;
    }
    const result = overTuples(context, expression, inner, axes, mask);
    if (outermost) context.outermost.push(result.tuples);
    return result.value;
  } finally {
    context.depth--;
  }
}

function bindIndex(
  context: Context,
  index: IndexBinding,
  reduction: Reduction,
  outer: Environment,
  inner: Environment,
  axes: Axis[],
  unrolled: Unrolled[],
): void {
  const name = index.name.text;
  const found = index.domain === undefined ? undefined : statedDomain(context, index.domain, outer);
  if (found !== undefined && "values" in found) {
    unrolled.push({ name, values: found.values });
    return;
  }
  const size = found?.size ?? fromUses(name, reduction, inner);
  if (size === undefined || Number.isNaN(size))
    throw new LoweringError(index.span, `an index whose range no use tells (\`${name}\`)`);
  const axis: Axis = { order: context.nextOrder++, size, from: found?.from ?? 0, name };
  axes.push(axis);
  inner.bind(name, { kind: "index", axis });
}

function fromUses(name: string, reduction: Reduction, environment: Environment): Dim | undefined {
  for (const part of [...reduction.bodies, ...reduction.guards]) {
    const found = domainFromUse(name, part, environment);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** `in n`, `in a..b` or `in list`. */
function statedDomain(
  context: Context,
  domain: Expression,
  environment: Environment,
): { size: Dim; from: number } | { values: readonly number[] } {
  if (domain.kind === "Range") {
    const from = wholeNumber(context, domain.from, environment);
    const to = wholeNumber(context, domain.to, environment);
    if (typeof from !== "number")
      throw new LoweringError(domain.span, "a range that starts at such a number");
    if (from === 0) return { size: to, from: 0 };
    if (typeof to !== "number") throw new LoweringError(domain.span, "a range between such numbers");
    return { size: Math.max(0, to - from), from };
  }
  if (domain.kind === "Name") {
    const binding = environment.lookup(domain.text);
    if (binding?.kind === "constant" && binding.value.kind === "numbers")
      return { values: binding.value.values };
  }
  if (domain.kind === "List") {
    const values = domain.items.map((item) => wholeNumber(context, item, environment));
    if (values.some((value) => typeof value !== "number"))
      throw new LoweringError(domain.span, "such a list as a range");
    return { values: values as number[] };
  }
  return { size: wholeNumber(context, domain, environment), from: 0 };
}

/** A number of elements: a constant, or `batch` or `classes`. */
function wholeNumber(context: Context, expression: Expression, environment: Environment): Dim {
  const { node } = context.lower(context, expression, environment);
  if (node.operation.kind === "size") return node.operation.dim;
  const value = constantOf(node);
  if (value === undefined || !Number.isInteger(value) || value < 0)
    throw new LoweringError(
      expression.span,
      "a range whose length is not a whole number known before training",
    );
  return value;
}

/** `sum[m in sizes] …` as the sum of its terms; the other reductions over lists combine likewise. */
function unroll(
  context: Context,
  expression: Reduction,
  environment: Environment,
  unrolled: readonly Unrolled[],
): Lowered {
  if (expression.op !== "sum" && expression.op !== "mean")
    throw new LoweringError(expression.span, `\`${expression.op}\` over a list`);
  const rest = expression.indices.filter((index) => !unrolled.some(({ name }) => name === index.name.text));
  if (expression.guards.length > 0)
    throw new LoweringError(expression.span, "a guard on an index over a list");
  const [{ name, values }, ...others] = unrolled as [Unrolled, ...Unrolled[]];
  let total: Lowered = scalar(context.build.constant(0));
  for (const value of values) {
    const inner = new Environment(environment.scope, environment);
    inner.bind(name, { kind: "constant", value: { kind: "number", value } });
    const indices = expression.indices.filter(
      (index) => rest.includes(index) || others.some((other) => other.name === index.name.text),
    );
    const term =
      indices.length === 0
        ? context.lower(context, expression.bodies[0]!, inner)
        : lowerReduction(context, { ...expression, indices }, inner);
    total = combine(context, "add", total, term);
  }
  if (expression.op === "sum") return total;
  return combine(context, "div", total, scalar(context.build.constant(values.length)));
}

interface Reduced {
  readonly value: Lowered;
  /** Where there was at least one tuple; undefined for everywhere. */
  readonly tuples: Lowered | undefined;
}

/** A reduction over labelled axes: body and mask are broadcast together and the axes taken out. */
function overTuples(
  context: Context,
  expression: Reduction,
  inner: Environment,
  axes: readonly Axis[],
  guards: Lowered | undefined,
): Reduced {
  const { build } = context;
  const body = context.lower(context, expression.bodies[0]!, inner);
  if (expression.op === "sum" && guards === undefined && body.present === undefined) {
    const product = productSum(context, body, axes);
    if (product !== undefined) return { value: product, tuples: undefined };
  }
  const mask = conjunction(build, [guards, body.present]);
  const value: Lowered = { node: body.node, axes: body.axes };
  const tuples =
    mask === undefined ? undefined : over(context, "any", spread(context, mask, axes), undefined, axes);
  switch (expression.op) {
    case "sum":
    case "mean":
    case "mean_active":
    case "any":
    case "all":
    case "count": {
      const reduced = over(context, expression.op, spread(context, value, axes, mask), mask, axes);
      return {
        value: expression.op === "sum" && tuples !== undefined ? { ...reduced, nonEmpty: tuples } : reduced,
        tuples,
      };
    }
    case "max":
    case "min":
    case "logsumexp":
    case "argmax":
    case "argmin": {
      const reduced = over(context, expression.op, spread(context, value, axes, mask), mask, axes);
      return { value: tuples === undefined ? reduced : { ...reduced, present: tuples }, tuples };
    }
    case "variance":
    case "sample_variance":
      return lowerVariance(context, expression.op === "sample_variance", value, mask, tuples, axes);
    case "cross_entropy":
      return lowerCrossEntropy(context, expression, inner, value, mask, tuples, axes);
    default:
      throw new LoweringError(expression.opSpan, `\`${expression.op}\``);
  }
}

/** The value with every reduced axis that neither it nor the mask has, so that counts are right. */
function spread(context: Context, value: Lowered, axes: readonly Axis[], mask?: Lowered): Lowered {
  const known = union(mask === undefined ? [value] : [value, mask]);
  const missing = axes.filter((axis) => !known.some((own) => own.order === axis.order));
  let spreadValue = value;
  for (const axis of missing) {
    const { build } = context;
    const zeros: Lowered = {
      node: build.graph.node({ kind: "iota", from: axis.from }, [], [axis.size], "int"),
      axes: [axis],
    };
    const wide = union([spreadValue, zeros]);
    const always = build.binary("ge", aligned(build, zeros, wide), build.constant(axis.from));
    const node = aligned(build, spreadValue, wide);
    spreadValue = {
      node: build.select(always, node, node.type === "bool" ? falsehood(context) : build.constant(0)),
      axes: wide,
    };
  }
  return spreadValue;
}

const falsehood = (context: Context): Node => context.build.graph.constant(0, "bool");

/** One reduction node over the labelled axes. */
function over(
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

/** The mean squared deviation; over n - 1 for a sample's, where one value alone gives 0. */
function lowerVariance(
  context: Context,
  sample: boolean,
  value: Lowered,
  mask: Lowered | undefined,
  tuples: Lowered | undefined,
  axes: readonly Axis[],
): Reduced {
  const wide = spread(context, value, axes, mask);
  const mean = over(context, "mean", wide, mask, axes);
  const deviation = combine(context, "sub", wide, mean);
  const squared: Lowered = { node: context.build.unary("square", deviation.node), axes: deviation.axes };
  const present = tuples === undefined ? {} : { present: tuples };
  if (!sample) return { value: { ...over(context, "mean", squared, mask, axes), ...present }, tuples };
  const sum = over(context, "sum", squared, mask, axes);
  const one: Lowered = { node: context.build.graph.constant(1, "bool"), axes: [] };
  const count =
    mask === undefined
      ? axes
          .map((axis) => scalar(context.build.size(axis.size)))
          .reduce((a, b) => combine(context, "mul", a, b))
      : over(context, "count", spread(context, one, axes, mask), mask, axes);
  const degrees = combine(context, "sub", count, scalar(context.build.constant(1)));
  return { value: { ...combine(context, "ratio", sum, degrees), ...present }, tuples };
}

/** `cross_entropy[k in classes](logits, target)`: log-sum-exp of the logits minus the target's. */
function lowerCrossEntropy(
  context: Context,
  expression: Reduction,
  inner: Environment,
  logits: Lowered,
  mask: Lowered | undefined,
  tuples: Lowered | undefined,
  axes: readonly Axis[],
): Reduced {
  const [axis, ...more] = axes;
  const second = expression.bodies[1];
  if (axis === undefined || more.length > 0 || second === undefined)
    throw new LoweringError(expression.span, "`cross_entropy` of this form");
  const target = context.lower(context, second, inner);
  const index: Lowered = { node: context.build.iota(axis.from, axis.size), axes: [axis] };
  const hit = combine(context, "eq", index, target);
  const wide = spread(context, logits, axes, mask);
  if (mask === undefined) {
    const all = union([wide, hit]);
    const { build } = context;
    const node = build.crossEntropy(aligned(build, wide, all), aligned(build, hit, all));
    const left = all.filter((own) => own.order !== axis.order);
    return { value: { node, axes: left }, tuples: undefined };
  }
  const normaliser = over(context, "logsumexp", wide, mask, axes);
  const chosen = over(context, "sum", wide, hit, axes);
  const value = combine(context, "sub", normaliser, chosen);
  return { value: tuples === undefined ? value : { ...value, present: tuples }, tuples };
}

/** `softmax[c](body)`: along the enclosing index c, whose value it keeps. */
function lowerSoftmax(context: Context, expression: Reduction, environment: Environment): Lowered {
  const { build } = context;
  const [index, ...more] = expression.indices;
  const binding = index === undefined ? undefined : environment.lookup(index.name.text);
  if (index === undefined || more.length > 0 || binding?.kind !== "index")
    throw new LoweringError(
      expression.span,
      `\`${expression.op}\` over an index that nothing around it binds`,
    );
  const { axis } = binding;
  context.depth++;
  const body = context.lower(context, expression.bodies[0]!, environment);
  const guards = expression.guards.map((guard) => context.lower(context, guard, environment));
  context.depth--;
  const mask = conjunction(build, [...guards, body.present]);
  const wide = spread(context, { node: body.node, axes: body.axes }, [axis], mask);
  const all = union(mask === undefined ? [wide] : [wide, mask]);
  const position = all.findIndex((own) => own.order === axis.order);
  const node = build.softmax(
    expression.op === "softmax" ? "softmax" : "log_softmax",
    aligned(build, wide, all),
    mask === undefined ? undefined : aligned(build, mask, all),
    position,
  );
  return mask === undefined ? { node, axes: all } : { node, axes: all, present: mask };
}
