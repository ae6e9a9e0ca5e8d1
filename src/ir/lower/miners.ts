/**
 * What a miner does to a loss: `for (a, j)` restricts every `same` and `differs` in a guard, `for (a, p, n)` the
 * reductions that bind an anchor, its positive and its negative. A miner that assigns its indices chooses the tuple
 * whose indices equal the assigned ones; an index that is not assigned is any. Its condition is a mask: no gradient flows through it. Called by `call.ts` and
 * `reduction.ts`.
 */
import type { MinerInstance } from "../../resolve/values.ts";
import type { Axis, Lowered } from "../axes.ts";
import { scalar } from "../axes.ts";
import { combine } from "./combine.ts";
import type { Context } from "./environment.ts";
import { Environment, LoweringError } from "./environment.ts";
import { identityOf } from "./identity.ts";

/** Whether a miner for pairs restricts what stands here. */
export function restrictsPairs({ miner, guarding }: Context): boolean {
  return guarding && miner?.declaration.tuple.length === 2;
}

/** Lowers guards: what stands in them a miner for pairs restricts. */
export function inGuards<T>(context: Context, lower: () => T): T {
  const before = context.guarding;
  context.guarding = true;
  const result = lower();
  context.guarding = before;
  return result;
}

/** `same(i, j)` or `differs(i, j)` and the miner's choice, where a miner for pairs restricts it. */
export function minedPair(
  context: Context,
  pair: Lowered,
  indices: readonly [Axis, Axis],
  environment: Environment,
): Lowered {
  if (!restrictsPairs(context)) return pair;
  return combine(context, "and", pair, chosen(context, context.miner!, indices, environment));
}

/** The miner's choice as a further guard, where a miner for triplets restricts the reduction. */
export function minedTriple(
  context: Context,
  guards: readonly Lowered[],
  axes: readonly Axis[],
  environment: Environment,
): Lowered | undefined {
  const { miner } = context;
  if (miner?.declaration.tuple.length !== 3) return undefined;
  const pairs = guards.flatMap((guard) => guard.pairs ?? []);
  const bound = (axis: Axis | undefined): axis is Axis => axis !== undefined && axes.includes(axis);
  for (const positive of pairs) {
    if (positive.kind !== "same") continue;
    for (const negative of pairs) {
      if (negative.kind !== "differs") continue;
      for (const [a, p] of [positive.indices, positive.indices.toReversed() as [Axis, Axis]]) {
        const at = negative.indices.indexOf(a);
        const n = at < 0 ? undefined : negative.indices[1 - at];
        if (bound(a) && bound(p) && bound(n)) return chosen(context, miner, [a, p, n], environment);
      }
    }
  }
  return undefined;
}

/** Whether the miner chooses the tuple. */
function chosen(
  context: Context,
  miner: MinerInstance,
  tuple: readonly Axis[],
  environment: Environment,
): Lowered {
  context.mined = true;
  context.miner = undefined;
  // No reduction of a miner is an outermost one.
  context.depth++;
  const { declaration } = miner;
  const body = bodyOf(context, miner, environment);
  const own = new Environment(miner.scope, body);
  const assignments = declaration.statements.filter((statement) => statement.kind === "Assignment");
  const isAssigned = (name: string): boolean => assignments.some((each) => each.name.text === name);
  declaration.tuple.forEach((name, k) => {
    if (!isAssigned(name.text)) own.bind(name.text, { kind: "index", axis: tuple[k]! });
  });
  let condition = scalar(context.build.graph.constant(1, "bool"));
  for (const { name, value, span } of assignments) {
    const axis = tuple[declaration.tuple.findIndex((each) => each.text === name.text)];
    if (axis === undefined)
      throw new LoweringError(span, "an assignment to what is no index of the miner's tuple");
    const index: Lowered = { node: context.build.iota(axis.from, axis.size), axes: [axis] };
    const choice = context.lower(context, value, own);
    condition = combine(context, "and", condition, combine(context, "eq", index, choice));
    own.bind(name.text, { kind: "index", axis });
  }
  if (declaration.condition !== undefined)
    condition = combine(context, "and", condition, context.lower(context, declaration.condition, own));
  context.depth--;
  context.miner = miner;
  return condition;
}

/** What a miner's body sees: its parameters and `let`s, and the globals of the loss it serves. Once for each loss. */
function bodyOf(context: Context, miner: MinerInstance, environment: Environment): Environment {
  const x = environment.lookup("x");
  if (x?.kind !== "value") throw new LoweringError(miner.span, "a miner for a loss of two views");
  const key = identityOf(x)!;
  const known = context.minerBodies.get(key);
  if (known !== undefined) return known;
  let body = new Environment(miner.scope);
  for (const global of ["x", "y", "batch", "classes", "dim"]) {
    const binding = environment.lookup(global);
    if (binding !== undefined) body.bind(global, binding);
  }
  for (const [name, value] of miner.parameters) body.bind(name, { kind: "constant", value });
  for (const statement of miner.declaration.statements) {
    if (statement.kind !== "Let") continue;
    const above = body;
    body = new Environment(miner.scope, above);
    body.bind(statement.name.text, {
      kind: "let",
      declaration: statement,
      environment: above,
      reducing: true,
    });
  }
  context.minerBodies.set(key, body);
  return body;
}
