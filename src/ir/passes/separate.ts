/**
 * The pass `separate`: a sum over tuples of what knows only some of their indices is a sum over those, times how many
 * tuples each belongs to. In `sum[a, p, n | same(a, p), differs(a, n)] (f(a, p) + g(a, n))` each part runs over pairs,
 * and no tensor over triples is left; a count of what holds for pairs is one of pairs, too.
 */
import type { Builder } from "../build.ts";
import type { Dim, Node } from "../graph.ts";
import { broadcastShape, constantOf } from "../graph.ts";
import { mayBeInfinite } from "../rules/finite.ts";
import { rebuild } from "./rebuild.ts";

/** Reductions over fewer sides are left as they are: pairs cost what pairs cost. */
const FEWEST_SIDES = 3;
/** Parts of one sum, or of one condition, that are looked at. */
const MOST_PARTS = 16;

/** Of batches sorted by class `specialise-batch` knows without counting whether they hold a tuple. */
export function separate(build: Builder, roots: readonly Node[], sorted: boolean): Node[] {
  return rebuild(build, roots, (node, [body, mask]) => {
    const { operation } = node;
    if (operation.kind !== "reduce") return undefined;
    const { op, axes } = operation;
    if (op !== "sum" && op !== "count" && (op !== "any" || sorted)) return undefined;
    const full = mask === undefined ? body!.shape : broadcastShape(body!.shape, mask.shape);
    if (full.length < FEWEST_SIDES || axes.length < 2) return undefined;
    if (op !== "sum") {
      const guards = conditions(mask === undefined ? [body!] : [body!, mask]);
      const whole = op === "any" ? undefined : build.constant(1);
      return guards && separated(build, { body: whole, guards, full, axes });
    }
    const guards = conditions(mask === undefined ? [] : [mask]);
    const terms = termsOf(body!)?.filter(({ term }) => !isNothing(term));
    if (guards === undefined || terms === undefined || terms.length === 0) return undefined;
    if (mayBeInfinite(body!)) return undefined;
    const parts = terms.map(({ term }) => separated(build, { body: term, guards, full, axes }));
    if (parts.includes(undefined)) return undefined;
    return parts
      .map((part, k) => (terms[k]!.negative ? build.unary("neg", part!) : part!))
      .reduce((a, b) => build.binary("add", a, b));
  });
}

/** Whether a term that is a number everywhere is 0: `nu * b` for `nu: 0`. */
function isNothing(term: Node): boolean {
  const { operation, inputs } = term.operation.kind === "view" ? term.inputs[0]! : term;
  return operation.kind === "mul" && inputs.some((factor) => constantOf(factor) === 0);
}

/**
 * A sum of `body` over `axes` of tuples of the sides `full` at which all guards hold; without a body, whether there is
 * such a tuple.
 */
interface Sum {
  readonly body: Node | undefined;
  readonly guards: readonly Node[];
  readonly full: readonly Dim[];
  readonly axes: readonly number[];
}

/** The sum over fewer sides; undefined where that is not possible. */
function separated(build: Builder, sum: Sum): Node | undefined {
  let now = sum;
  for (const axis of sum.axes.toReversed()) now = without(build, now, axis) ?? now;
  const { body, guards, full, axes } = now;
  if (full.length === sum.full.length || axes.length === 0) return undefined;
  const mask = guards.length === 0 ? undefined : guards.reduce((a, b) => build.binary("and", a, b));
  if (body === undefined)
    return mask?.shape.join() === full.join() ? build.reduce("any", mask, undefined, axes) : undefined;
  const shape = mask === undefined ? body.shape : broadcastShape(body.shape, mask.shape);
  // A side that neither knows would be added up once instead of as often as it is long.
  return shape.join() === full.join() ? build.reduce("sum", body, mask, axes) : undefined;
}

/** The sum without one side, which the body does not know; undefined where tuples as wide would have to be counted. */
function without(build: Builder, { body, guards, full, axes }: Sum, axis: number): Sum | undefined {
  const rank = full.length;
  if (body !== undefined && varies(body, axis, rank)) return undefined;
  const own = guards.filter((guard) => varies(guard, axis, rank));
  const rest = guards.filter((guard) => !own.includes(guard));
  const left = body && narrowed(build, body, axis, rank);
  const narrow = rest.map((guard) => narrowed(build, guard, axis, rank));
  if ((body !== undefined && left === undefined) || narrow.includes(undefined)) return undefined;
  if (own.length === 0 && body === undefined) return undefined;
  const op = body === undefined ? "any" : "count";
  const times = own.length === 0 ? build.size(full[axis]!) : reduced(build, op, own, axis, rank);
  if (times === undefined) return undefined;
  return {
    body: left && build.binary("mul", left, times),
    guards: [...(narrow as Node[]), ...(body === undefined ? [times] : [])],
    full: full.filter((_, k) => k !== axis),
    axes: axes.filter((k) => k !== axis).map((k) => (k > axis ? k - 1 : k)),
  };
}

/** For how many indices of a side all guards hold, or whether for any. */
function reduced(
  build: Builder,
  op: "count" | "any",
  guards: readonly Node[],
  axis: number,
  rank: number,
): Node | undefined {
  const others = Array.from({ length: rank }, (_, k) => k).filter(
    (k) => k !== axis && !guards.some((guard) => varies(guard, k, rank)),
  );
  // The condition on its own sides alone: as wide as the tuples, nothing would be saved.
  if (others.length === 0) return undefined;
  let size = rank;
  let narrow: (Node | undefined)[] = [...guards];
  for (const other of others.toReversed()) {
    narrow = narrow.map((guard) => guard && narrowed(build, guard, other, size));
    size--;
  }
  if (narrow.includes(undefined)) return undefined;
  const holds = (narrow as Node[]).reduce((a, b) => build.binary("and", a, b));
  if (holds.shape.length !== size) return undefined;
  const before = others.filter((other) => other < axis).length;
  const count = build.reduce(op, holds, undefined, [axis - before]);
  // Back among the sides that the guards do not know.
  const sides: (number | null)[] = [];
  for (let k = 0, at = 0; k < rank; k++) if (k !== axis) sides.push(others.includes(k) ? null : at++);
  return build.view(count, sides);
}

/** Whether a node that is broadcast to `rank` sides is not the same along one of them. */
function varies({ shape }: Node, axis: number, rank: number): boolean {
  return (shape[axis - (rank - shape.length)] ?? 1) !== 1;
}

/** A node without a side that it is the same along; undefined where it is computed with that side. */
function narrowed(build: Builder, node: Node, axis: number, rank: number): Node | undefined {
  const own = axis - (rank - node.shape.length);
  if (own < 0) return node;
  const { operation } = node;
  if (operation.kind !== "view" || operation.axes[own] !== null) return undefined;
  return build.view(
    node.inputs[0]!,
    operation.axes.filter((_, k) => k !== own),
  );
}

/** The parts of a conjunction, each once; undefined for more than a few. */
function conditions(given: readonly Node[]): Node[] | undefined {
  const parts = new Set<Node>();
  const open = given.toReversed();
  for (let looked = 0; open.length > 0; looked++) {
    if (looked > 2 * MOST_PARTS) return undefined;
    const node = open.pop()!;
    if (node.operation.kind === "and") open.push(node.inputs[1]!, node.inputs[0]!);
    else parts.add(node);
  }
  return [...parts];
}

/** The terms of a sum, each with its sign; undefined for more than a few. */
function termsOf(sum: Node): { readonly term: Node; readonly negative: boolean }[] | undefined {
  const terms: { readonly term: Node; readonly negative: boolean }[] = [];
  const open = [{ term: sum, negative: false }];
  for (let looked = 0; open.length > 0; looked++) {
    if (looked > 2 * MOST_PARTS) return undefined;
    const { term, negative } = open.pop()!;
    const { kind } = term.operation;
    if (kind === "add" || kind === "sub") {
      const [left, right] = term.inputs as [Node, Node];
      open.push({ term: right, negative: kind === "sub" ? !negative : negative }, { term: left, negative });
    } else terms.push({ term, negative });
  }
  return terms;
}
