/**
 * Lowering of reductions: indices get their axes, guards and absence become one mask, applied before the reduction.
 * What is reduced is in `tuples.ts`; lists and the call forms are in `lists.ts` and `forms.ts`.
 */
import type { IndexBinding, Reduction } from "../../syntax/ast.ts";
import type { Axis, Lowered } from "../axes.ts";
import type { Dim } from "../graph.ts";
import { domainFromUse } from "./domains.ts";
import { lowerDraw } from "./draws.ts";
import type { Context } from "./environment.ts";
import { Environment, LoweringError } from "./environment.ts";
import { lowerCrossEntropy, lowerSoftmax, lowerVariance } from "./forms.ts";
import { lowerOverLists } from "./lists.ts";
import { filledGuards, reachOf } from "./memory.ts";
import { inGuards, minedTriple } from "./miners.ts";
import { statedDomain } from "./ranges.ts";
import { sharesOfReduction, withShares } from "./shares.ts";
import type { Reduced, Tuples } from "./tuples.ts";
import { reduceTuples, tuplesOf } from "./tuples.ts";

/** Any reduction: over lists it is unrolled, else its indices are axes. */
export function lowerReduction(context: Context, expression: Reduction, environment: Environment): Lowered {
  if (expression.op === "softmax" || expression.op === "log_softmax")
    return lowerSoftmax(context, expression, environment);
  const lists = new Map<string, readonly number[]>();
  for (const { name, domain } of expression.indices) {
    const found = domain === undefined ? undefined : statedDomain(context, domain, environment);
    if (found?.kind === "list") lists.set(name.text, found.values);
  }
  const inner = new Environment(environment.scope, environment);
  if (lists.size > 0 && expression.op === "sample")
    throw new LoweringError(expression.opSpan, "a draw from a list");
  if (lists.size > 0) return lowerOverLists(context, expression, environment, lists, lowerTuples);
  return withTuples(context, () => {
    const tuples = lowerTuples(context, expression, environment, inner, expression.indices);
    const result =
      expression.op === "sample"
        ? lowerDraw(context, expression, environment, tuples)
        : reduced(context, expression, inner, tuples);
    if (context.depth === 1)
      context.reductions.push({
        expression,
        over: tuples.axes.map(({ size }) => size),
        node: result.value.node,
      });
    return result;
  });
}

/** One level further in; at the outermost, what is reduced tells whether the batch held a valid tuple. */
function withTuples(context: Context, lower: () => Reduced): Lowered {
  context.depth++;
  try {
    const result = lower();
    if (context.depth === 1) context.outermost.push(result.tuples);
    return result.value;
  } finally {
    context.depth--;
  }
}

/** Binds the indices in `inner` and lowers guards and body there. */
export function lowerTuples(
  context: Context,
  expression: Reduction,
  environment: Environment,
  inner: Environment,
  indices: readonly IndexBinding[],
): Tuples {
  const axes = indices.map((index, k) => bindIndex(context, index, expression, environment, inner, k === 0));
  const { reducing } = context;
  context.reducing ||= axes.length > 0;
  // A reduction in a guard is never an outermost one, nor is it where a list alone is looked through.
  context.depth++;
  const guards = inGuards(context, () =>
    expression.guards.map((guard) => context.lower(context, guard, inner)),
  );
  context.depth--;
  const body = context.lower(context, expression.bodies[0]!, inner);
  const mined = minedTriple(context, guards, axes, inner);
  context.reducing = reducing;
  // Where a body is what is asked for, a tuple at which it is false counts as none.
  const asks = expression.op === "any" || expression.op === "count";
  const filled = filledGuards(context, axes, asks ? [...guards, body] : guards);
  const all = [...filled, ...guards, ...(mined === undefined ? [] : [mined])];
  return tuplesOf(context, body, all, axes);
}

function reduced(context: Context, expression: Reduction, inner: Environment, tuples: Tuples): Reduced {
  switch (expression.op) {
    case "variance":
    case "sample_variance":
      return lowerVariance(context, expression.op === "sample_variance", tuples);
    case "cross_entropy":
      return lowerCrossEntropy(context, expression, inner, tuples);
    case "softmax":
    case "log_softmax":
    case "solve":
    case "kmeans":
    case "sample":
      throw new LoweringError(expression.opSpan, `\`${expression.op}\``);
    default: {
      const { op } = expression;
      const result = reduceTuples(context, op, tuples);
      if (!context.sharing || context.depth > 1) return result;
      return { ...result, value: withShares(result.value, sharesOfReduction(context, op, tuples)) };
    }
  }
}

function bindIndex(
  context: Context,
  index: IndexBinding,
  reduction: Reduction,
  outer: Environment,
  inner: Environment,
  first: boolean,
): Axis {
  const name = index.name.text;
  const found = index.domain === undefined ? undefined : statedDomain(context, index.domain, outer);
  const stated = found?.kind === "range" ? found : undefined;
  const wanted = stated?.size ?? fromUses(context, name, reduction, inner);
  if (wanted === undefined || Number.isNaN(wanted))
    throw new LoweringError(index.span, `an index whose range no use tells (\`${name}\`)`);
  const order = context.nextOrder++;
  const size = stated === undefined ? reachOf(context, wanted, order, first) : wanted;
  if (stated?.size === "batch") context.memory?.staying.add(order);
  const axis: Axis = { order, size, from: stated?.from ?? 0, name };
  inner.bind(name, { kind: "index", axis });
  return axis;
}

function fromUses(
  context: Context,
  name: string,
  reduction: Reduction,
  environment: Environment,
): Dim | undefined {
  for (const part of [...reduction.bodies, ...reduction.guards]) {
    const found = domainFromUse(context, name, part, environment);
    if (found !== undefined) return found;
  }
  return undefined;
}
