/**
 * Reductions with an index over a list: unrolled, one branch for each combination of elements, and the branches' parts
 * joined as one reduction over all their tuples. Called by `reduction.ts`.
 */
import type { IndexBinding, Reduction } from "../../syntax/ast.ts";
import type { Lowered } from "../axes.ts";
import { aligned, conjunction, scalar, union } from "../axes.ts";
import { constantOf } from "../graph.ts";
import { combine, disjunction } from "./combine.ts";
import type { Context } from "./environment.ts";
import { Environment, LoweringError } from "./environment.ts";
import { activeTuples, sharesOfBranch, totalShares, withShares } from "./shares.ts";
import type { TupleOperator, Tuples } from "./tuples.ts";
import { countTuples, reduceTuples, someTuple } from "./tuples.ts";

/** Branches of one reduction before it is refused. */
const BRANCHES = 10_000;

type LowerTuples = (
  context: Context,
  expression: Reduction,
  environment: Environment,
  inner: Environment,
  indices: readonly IndexBinding[],
) => Tuples;

/** `lists`: the elements of each listed index, by name. */
export function lowerOverLists(
  context: Context,
  expression: Reduction,
  environment: Environment,
  lists: ReadonlyMap<string, readonly number[]>,
  lowerTuples: LowerTuples,
): Lowered {
  const rest = expression.indices.filter((index) => !lists.has(index.name.text));
  // A list alone is looked through: the reductions inside it are the outermost.
  const nested = rest.length > 0 ? 1 : 0;
  context.depth += nested;
  try {
    const branches = combinations(expression, lists).map((values) => {
      const inner = new Environment(environment.scope, environment);
      for (const [name, value] of values)
        inner.bind(name, { kind: "constant", value: { kind: "number", value } });
      const before = context.outermost.length;
      const branch = lowerTuples(context, expression, environment, inner, rest);
      // What is outermost in a body counts where the guards let the body in.
      const added = context.outermost.splice(before);
      for (const tuples of added) context.outermost.push(conjunction(context.build, [branch.guards, tuples]));
      return branch;
    });
    if (nested === 1 && context.depth === 1)
      for (const branch of branches) context.outermost.push(someTuple(context, branch));
    return joined(context, expression, branches);
  } finally {
    context.depth -= nested;
  }
}

function combinations(
  expression: Reduction,
  lists: ReadonlyMap<string, readonly number[]>,
): (readonly [string, number])[][] {
  let all: (readonly [string, number])[][] = [[]];
  for (const [name, values] of lists) {
    if (all.length * values.length > BRANCHES)
      throw new LoweringError(expression.span, "lists of this length");
    all = all.flatMap((before) => values.map((value) => [...before, [name, value] as const]));
  }
  return all;
}

function joined(context: Context, expression: Reduction, branches: readonly Tuples[]): Lowered {
  const { build } = context;
  const { op } = expression;
  const parts = (each: TupleOperator): Lowered[] =>
    branches.map((branch) => reduceTuples(context, each, branch).value);
  const total = (values: readonly Lowered[]): Lowered =>
    values.reduce((sum, value) => combine(context, "add", sum, value), scalar(build.constant(0)));
  const counted = (all: readonly Tuples[]): Lowered =>
    total(all.map((branch) => countTuples(context, branch)));
  const outermost = branches.every(({ axes }) => axes.length === 0) ? 0 : 1;
  const shared = (value: Lowered, all: readonly Tuples[], count?: Lowered): Lowered => {
    if (!context.sharing || context.depth > outermost) return value;
    const each = all.map((branch) => sharesOfBranch(context, branch));
    return withShares(value, totalShares(context, each, count));
  };
  switch (op) {
    case "sum": {
      const sums = parts("sum").map(bare);
      const some = branches.map((branch) => someTuple(context, branch));
      const nonEmpty = disjunction(context, some);
      const value = nonEmpty === undefined ? total(sums) : { ...total(sums), nonEmpty };
      return shared(value, branches);
    }
    case "count":
      return total(parts("count"));
    case "mean": {
      const count = counted(branches);
      const value = combine(context, "ratio", total(parts("sum").map(bare)), count);
      return shared(value, branches, count);
    }
    case "mean_active": {
      const active = branches.map((branch) => activeTuples(context, branch));
      const count = counted(active);
      const sums = active.map((branch) => bare(reduceTuples(context, "sum", branch).value));
      return shared(combine(context, "ratio", total(sums), count), active, count);
    }
    case "any":
    case "all": {
      const start = scalar(build.graph.constant(op === "all" ? 1 : 0, "bool"));
      return parts(op).reduce((a, b) => combine(context, op === "all" ? "and" : "or", a, b), start);
    }
    case "max":
    case "min":
    case "logsumexp": {
      const [first, ...others] = parts(op);
      if (first === undefined) throw new LoweringError(expression.span, `\`${op}\` over an empty list`);
      return others.reduce((a, b) => either(context, op, a, b), first);
    }
    default:
      throw new LoweringError(expression.opSpan, `\`${op}\` over a list`);
  }
}

/** A value without what is said of where it is there. */
const bare = ({ node, axes }: Lowered): Lowered => ({ node, axes });

/** max, min or log-sum-exp of two values either of which may be absent. */
function either(context: Context, op: "max" | "min" | "logsumexp", a: Lowered, b: Lowered): Lowered {
  const [left, right] = [bare(a), bare(b)];
  const both = op === "logsumexp" ? logAddExp(context, left, right) : combine(context, op, left, right);
  const present = disjunction(context, [a.present, b.present]);
  const withA = b.present === undefined ? both : choose(context, b.present, both, left);
  const value = a.present === undefined ? withA : choose(context, a.present, withA, right);
  return present === undefined ? value : { ...value, present };
}

/** log(exp a + exp b) = max(a, b) + softplus(-|a - b|). */
function logAddExp(context: Context, a: Lowered, b: Lowered): Lowered {
  const { build } = context;
  const apart = combine(context, "sub", a, b);
  const less = build.unary("softplus", build.unary("neg", build.unary("abs", apart.node)));
  return combine(context, "add", combine(context, "max", a, b), { node: less, axes: apart.axes });
}

function choose(context: Context, condition: Lowered, yes: Lowered, no: Lowered): Lowered {
  const { build } = context;
  const known = constantOf(condition.node);
  if (known !== undefined) return known !== 0 ? yes : no;
  const axes = union([condition, yes, no]);
  const [c, a, b] = [condition, yes, no].map((value) => aligned(build, value, axes));
  return { node: build.select(c!, a!, b!), axes };
}
