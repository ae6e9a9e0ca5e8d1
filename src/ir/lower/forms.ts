/**
 * The call forms of reductions: variance, cross-entropy, softmax. Over nothing they are absent. Called by
 * `reduction.ts`.
 */
import type { IndexBinding, Reduction } from "../../syntax/ast.ts";
import type { Axis, Lowered } from "../axes.ts";
import { aligned, conjunction, scalar, union } from "../axes.ts";
import { combine } from "./combine.ts";
import { domainFromUse } from "./domains.ts";
import type { Context } from "./environment.ts";
import { Environment, LoweringError } from "./environment.ts";
import { domainOf, filledGuards, reachOf } from "./memory.ts";
import { inGuards } from "./miners.ts";
import { statedDomain } from "./ranges.ts";
import type { Reduced, Tuples } from "./tuples.ts";
import { countTuples, productOfSizes, reduceTuples, someTuple, tuplesOf } from "./tuples.ts";

const has = (value: Lowered | undefined, axis: Axis): boolean =>
  value?.axes.some((own) => own.order === axis.order) ?? false;

const presentWhere = (value: Lowered, some: Lowered | undefined): Lowered =>
  some === undefined ? value : { ...value, present: some };

/** The mean squared deviation; a sample's, over n - 1, where one value alone gives 0 with zero gradient. */
export function lowerVariance(context: Context, sample: boolean, tuples: Tuples): Reduced {
  const { build } = context;
  const some = someTuple(context, tuples);
  const mean = reduceTuples(context, "mean", tuples).value;
  const deviation = combine(context, "sub", tuples.body, mean);
  const squared: Lowered = { node: build.unary("square", deviation.node), axes: deviation.axes };
  const squares: Tuples = { ...tuples, body: squared };
  if (!sample)
    return {
      value: presentWhere(reduceTuples(context, "mean", squares).value, some),
      tuples: some,
    };
  const { node, axes } = reduceTuples(context, "sum", squares).value;
  const count =
    tuples.mask === undefined ? productOfSizes(context, tuples.axes) : countTuples(context, tuples);
  const degrees = combine(context, "sub", count, scalar(build.constant(1)));
  return { value: presentWhere(combine(context, "ratio", { node, axes }, degrees), some), tuples: some };
}

/**
 * `cross_entropy[k in classes](logits, target)`: log-sum-exp of the logits minus the target's; absent where the target
 * is not among the tuples.
 */
export function lowerCrossEntropy(
  context: Context,
  expression: Reduction,
  inner: Environment,
  tuples: Tuples,
): Reduced {
  const { build } = context;
  const { body, mask } = tuples;
  const [axis, ...more] = tuples.axes;
  const second = expression.bodies[1];
  if (axis === undefined || more.length > 0 || second === undefined)
    throw new LoweringError(expression.span, "`cross_entropy` of this form");
  const { reducing } = context;
  context.reducing = true;
  const target = context.lower(context, second, inner);
  context.reducing = reducing;
  if (has(target, axis))
    throw new LoweringError(second.span, "a target that depends on the index of the classes");
  const index: Lowered = { node: build.iota(axis.from, axis.size), axes: [axis] };
  const hit = combine(context, "eq", index, { node: target.node, axes: target.axes });
  const some = someTuple(context, tuples);
  if (mask === undefined && has(body, axis)) {
    const all = union([body, hit]);
    const node = build.crossEntropy(aligned(build, body, all), aligned(build, hit, all));
    const left = all.filter((own) => own.order !== axis.order);
    return { value: presentWhere({ node, axes: left }, target.present), tuples: some };
  }
  const normaliser = reduceTuples(context, "logsumexp", tuples).value;
  const chosen: Tuples = { ...tuples, mask: conjunction(build, [mask, hit]) };
  const at = reduceTuples(context, "sum", chosen).value;
  const value = combine(
    context,
    "sub",
    { node: normaliser.node, axes: normaliser.axes },
    { node: at.node, axes: at.axes },
  );
  const inside = conjunction(build, [someTuple(context, chosen), target.present]);
  return { value: presentWhere(value, inside), tuples: some };
}

/** Against a memory: the index that is summed over, where the enclosing one stays in the batch and it does not. */
function beyondBatch(
  context: Context,
  { bodies }: Reduction,
  index: IndexBinding,
  enclosing: Axis,
  environment: Environment,
): Axis | undefined {
  const name = index.name.text;
  if (context.memory === undefined || enclosing.size !== "batch") return undefined;
  const size = domainFromUse(context, name, bodies[0]!, environment) ?? domainOf(context, enclosing);
  if (size !== context.memory.samples) return undefined;
  const order = context.nextOrder++;
  return { order, size: reachOf(context, size, order, false), from: 0, name };
}

/** `softmax[c](body)` over more than the enclosing c: exp(body - log-sum-exp over all), and its logarithm. */
function softmaxAmong(
  context: Context,
  expression: Reduction,
  index: IndexBinding,
  axis: Axis,
  environment: Environment,
): Lowered {
  const at = (place: Environment, axes: readonly Axis[]): Tuples => {
    context.depth++;
    const body = context.lower(context, expression.bodies[0]!, place);
    const guards = inGuards(context, () =>
      expression.guards.map((guard) => context.lower(context, guard, place)),
    );
    context.depth--;
    return tuplesOf(context, body, [...filledGuards(context, axes, guards), ...guards], axes);
  };
  const inner = new Environment(environment.scope, environment);
  inner.bind(index.name.text, { kind: "index", axis });
  const { node, axes } = reduceTuples(context, "logsumexp", at(inner, [axis])).value;
  const { body, mask } = at(environment, []);
  const difference = combine(context, "sub", body, { node, axes });
  const powers = context.build.unary("exp", difference.node);
  return presentWhere(
    expression.op === "softmax" ? { node: powers, axes: difference.axes } : difference,
    mask,
  );
}

/** `softmax[c](body)`: along the enclosing index c, whose value it keeps; absent at a c that the guards leave out. */
export function lowerSoftmax(context: Context, expression: Reduction, environment: Environment): Lowered {
  const { build } = context;
  const [index, ...more] = expression.indices;
  const binding = index === undefined ? undefined : environment.lookup(index.name.text);
  if (index === undefined || more.length > 0 || binding?.kind !== "index")
    throw new LoweringError(
      expression.span,
      `\`${expression.op}\` over an index that nothing around it binds`,
    );
  const { axis } = binding;
  const stated = index.domain === undefined ? undefined : statedDomain(context, index.domain, environment);
  if (
    stated !== undefined &&
    (stated.kind === "list" || stated.size !== axis.size || stated.from !== axis.from)
  )
    throw new LoweringError(index.span, `\`${expression.op}\` over a part of the enclosing index`);
  const wider = stated === undefined ? beyondBatch(context, expression, index, axis, environment) : undefined;
  if (wider !== undefined) return softmaxAmong(context, expression, index, wider, environment);
  context.depth++;
  const body = context.lower(context, expression.bodies[0]!, environment);
  const guards = inGuards(context, () =>
    expression.guards.map((guard) => context.lower(context, guard, environment)),
  );
  context.depth--;
  const tuples = tuplesOf(context, body, [...filledGuards(context, [axis], guards), ...guards], [axis]);
  const { mask } = tuples;
  if (!has(body, axis) && !has(mask, axis)) {
    // Every element has the same share.
    const size = productOfSizes(context, [axis]);
    const share =
      expression.op === "softmax"
        ? combine(context, "div", scalar(build.constant(1)), size)
        : scalar(build.unary("neg", build.unary("log", size.node)));
    return presentWhere(share, mask);
  }
  const all = union(mask === undefined ? [tuples.body] : [tuples.body, mask]);
  const position = all.findIndex((own) => own.order === axis.order);
  const node = build.softmax(
    expression.op === "softmax" ? "softmax" : "log_softmax",
    build.asReal(aligned(build, tuples.body, all)),
    mask === undefined ? undefined : aligned(build, mask, all),
    position,
  );
  return presentWhere({ node, axes: all }, mask);
}
