/**
 * The pass `specialise-batch`: a batch of P classes with M samples each arrives sorted by class, so the samples of one's
 * own class are a block of M. A reduction over p guarded by same(a, p) runs over that block instead of the whole batch:
 * a triple reduction costs B·M·B and not B³. No index tables: a gather's gradient is a scatter, slow on wasm and
 * unordered on GPUs.
 */
import type { Builder } from "../build.ts";
import type { Dim, Node, ReduceOperator } from "../graph.ts";
import { broadcastShape } from "../graph.ts";
import { inputsFirst } from "../order.ts";
import { elementwise, isElementwise, rebuild } from "./rebuild.ts";

/** Reductions whose value does not depend on where along the axis a tuple stands. */
const POSITIONLESS: ReadonlySet<ReduceOperator> = new Set([
  "sum",
  "mean",
  "mean_active",
  "max",
  "min",
  "logsumexp",
  "log1p_sum_exp",
  "any",
  "count",
]);

/** `a` and `p` of a guard same(a, p): positions among the axes of the reduction. */
interface Pair {
  readonly anchor: number;
  readonly other: number;
}

/** The roots for batches of at least two classes of `samples` (at least two) each, sorted by class. */
export function specialiseBatch(build: Builder, roots: readonly Node[], samples: number): Node[] {
  return rebuild(build, roots, (node, inputs) => {
    if (node.operation.kind !== "reduce" || !POSITIONLESS.has(node.operation.op)) return undefined;
    return specialised(build, node.operation, inputs, samples);
  });
}

type Reduce = Extract<Node["operation"], { kind: "reduce" }>;

function specialised(
  build: Builder,
  operation: Reduce,
  inputs: readonly Node[],
  samples: number,
): Node | undefined {
  const [body, given] = inputs as [Node, Node | undefined];
  const mask = given ?? (operation.op === "any" || operation.op === "count" ? body : undefined);
  if (mask === undefined) return undefined;
  const full = given === undefined ? body.shape : broadcastShape(body.shape, given.shape);
  const guards = conjuncts(mask);
  if (operation.op === "any" && given === undefined && alwaysSome(guards, full.length, operation.axes))
    return build.graph.node({ kind: "constant", value: 1 }, [], [], "bool");
  const pair = guards
    .map((guard) => pairOf(guard, "same", full.length, operation.axes))
    .find((found) => found !== undefined);
  if (pair === undefined) return undefined;
  const narrow = { build, samples, known: new Map() };
  const restrict = (node: Node): Node | undefined => restricted(narrow, node, pair, full.length);
  const newBody = restrict(body);
  const newMask = given === undefined ? undefined : restrict(given);
  if (newBody === undefined || (given !== undefined && newMask === undefined)) return undefined;
  const reduced = build.reduce(operation.op, newBody, newMask, operation.axes);
  // One more pair may be left, as in a reduction over (a, p, q) with both of a's class.
  return specialised(build, operation, reduced.inputs, samples) ?? reduced;
}

/** The parts of a conjunction, each once, in order. */
function conjuncts(mask: Node): Node[] {
  const parts = new Set<Node>();
  const open = [mask];
  for (let node = open.pop(); node !== undefined; node = open.pop())
    if (node.operation.kind === "and") open.push(...node.inputs.toReversed());
    else parts.add(node);
  return [...parts];
}

/** A node without the view around it, and which of its sides stands at each of `rank` broadcast axes. */
function seen(node: Node, rank: number): { base: Node; sides: (number | null)[] } {
  const view = node.operation.kind === "view" ? node.operation.axes : node.shape.map((_, k) => k);
  const base = node.operation.kind === "view" ? node.inputs[0]! : node;
  return { base, sides: [...Array<null>(rank - view.length).fill(null), ...view] };
}

/** The axes of a guard of that kind, the one that is reduced as `other`. */
function pairOf(
  guard: Node,
  kind: "same" | "differs",
  rank: number,
  axes: readonly number[],
): Pair | undefined {
  const { base, sides } = seen(guard, rank);
  if (base.operation.kind !== kind || !isOfClasses(base)) return undefined;
  const [first, second] = [sides.indexOf(0), sides.indexOf(1)].sort((a, b) => a - b) as [number, number];
  if (first < 0) return undefined;
  if (axes.includes(second)) return { anchor: first, other: second };
  return axes.includes(first) ? { anchor: second, other: first } : undefined;
}

/** Whether `same` or `differs` compares what batches are sorted by, and no further label of the data set. */
function isOfClasses({ inputs }: Node): boolean {
  const { operation } = inputs[0]!.operation.kind === "joined" ? inputs[0]!.inputs[0]! : inputs[0]!;
  return operation.kind === "labels" && operation.label === undefined;
}

/**
 * Whether a reduction to one number always has a tuple, in a batch of two classes of two: at most one positive and one
 * negative of one anchor.
 */
function alwaysSome(guards: readonly Node[], rank: number, axes: readonly number[]): boolean {
  const pairs = guards.map(
    (guard) => pairOf(guard, "same", rank, axes) ?? pairOf(guard, "differs", rank, axes),
  );
  if (pairs.includes(undefined) || axes.length < rank) return false;
  const others = pairs.map((pair) => pair!.other);
  const anchors = new Set(pairs.map((pair) => pair!.anchor));
  // Axes that no guard names are full; every named one is reduced, or is the one anchor that stays.
  return (
    anchors.size === 1 && new Set(others).size === others.length && others.every((axis) => !anchors.has(axis))
  );
}

/** What narrowing the tensors of one reduction works with. */
interface Narrowing {
  readonly build: Builder;
  readonly samples: number;
  /** What has been narrowed, by the axes it was narrowed at. */
  readonly known: Map<string, Map<Node, Node | undefined>>;
}

/** The node with the axis `pair.other` narrowed to the block of `pair.anchor`; undefined where that cannot be said. */
function restricted(narrow: Narrowing, node: Node, pair: Pair, rank: number): Node | undefined {
  const { build } = narrow;
  const key = `${pair.anchor} ${pair.other} ${rank}`;
  const known = narrow.known.get(key) ?? new Map<Node, Node | undefined>();
  narrow.known.set(key, known);
  const varies = ({ shape }: Node): boolean => (shape[pair.other - (rank - shape.length)] ?? 1) !== 1;
  const through = (each: Node): boolean => varies(each) && isElementwise(each);
  return inputsFirst<Node | undefined>(
    node,
    known,
    (each, of) => {
      if (!varies(each)) return each;
      const inputs = through(each) ? each.inputs.map(of) : [];
      if (inputs.includes(undefined)) return undefined;
      const result = through(each)
        ? elementwise(build, each, inputs as Node[])
        : (computed(narrow, each, pair, rank) ?? leaf(build, each, pair, rank, narrow.samples));
      if (result !== undefined && each.hint !== undefined) result.hint ??= each.hint;
      return result;
    },
    (each) => (through(each) ? each.inputs : []),
  );
}

/**
 * What is seen through a view, or reduced from more sides: narrowed where it is computed. For matrices as they are, their
 * rows of the block are as good.
 */
function computed(narrow: Narrowing, node: Node, pair: Pair, rank: number): Node | undefined {
  const { base, sides } = seen(node, rank);
  const [anchor, other] = [sides[pair.anchor] ?? null, sides[pair.other]!];
  if (anchor === null) return undefined;
  const { operation, inputs } = base;
  const placed = (narrowed: Node | undefined): Node | undefined => {
    if (narrowed === undefined || node.operation.kind !== "view") return narrowed;
    // What the rules have folded may have lost sides that the view names.
    if (narrowed.shape.length !== base.shape.length) return undefined;
    return narrow.build.view(narrowed, node.operation.axes);
  };
  if (isElementwise(base) && base !== node && base.shape.length > 2)
    return placed(restricted(narrow, base, { anchor, other }, base.shape.length));
  if (operation.kind !== "reduce") return undefined;
  const full = base.shape.length + operation.axes.length;
  const kept = Array.from({ length: full }, (_, k) => k).filter((k) => !operation.axes.includes(k));
  const within = { anchor: kept[anchor]!, other: kept[other]! };
  const [body, mask] = inputs.map((input) => restricted(narrow, input, within, full));
  if (body === undefined || (inputs.length > 1 && mask === undefined)) return undefined;
  if (Math.max(body.shape.length, mask?.shape.length ?? 0) !== full) return undefined;
  return placed(narrow.build.reduce(operation.op, body, mask, operation.axes));
}

/** Rows of a tensor that knows nothing of the anchor, by the anchor whose block they are of: [batch, M] and its other sides. */
function rowsOfBlock(
  build: Builder,
  base: Node,
  at: { readonly sides: readonly (number | null)[]; readonly pair: Pair; readonly samples: number },
): Node | undefined {
  const { sides, pair, samples } = at;
  if (base.type === "bool") return undefined;
  const along = sides[pair.other]!;
  const rest = base.shape.map((_, side) => side).filter((side) => side !== along);
  const rows = along === 0 ? base : build.view(base, [along, ...rest]);
  const shape = ["batch", samples, ...rest.map((side) => base.shape[side]!)] as const;
  const block = build.graph.node({ kind: "classmates" }, [rows], shape, base.type);
  const axes = sides.map((side, k) =>
    k === pair.anchor ? 0 : k === pair.other ? 1 : side === null ? null : 2 + rest.indexOf(side),
  );
  return build.view(block, axes.slice(axes.findIndex((side) => side !== null)));
}

/** A tensor that is not computed elementwise: its rows of the block, from what it holds for the whole batch. */
function leaf(build: Builder, node: Node, pair: Pair, rank: number, samples: number): Node | undefined {
  const { base, sides } = seen(node, rank);
  const along = sides[pair.other]!;
  const across = sides[pair.anchor] ?? null;
  const others = sides.some((side, k) => side !== null && k !== pair.other && k !== pair.anchor);
  if (base.shape[along] !== "batch") return undefined;
  if (others) return across === null ? rowsOfBlock(build, base, { sides, pair, samples }) : undefined;
  const shape: Dim[] = ["batch", samples];
  const { graph } = build;
  const placed = (block: Node): Node => {
    const axes = Array.from({ length: rank }, (_, k) =>
      k === pair.anchor ? 0 : k === pair.other ? 1 : null,
    );
    return build.view(block, axes.slice(Math.min(pair.anchor, pair.other)));
  };
  if (across === null) {
    if (base.shape.length !== 1) return undefined;
    return placed(graph.node({ kind: "classmates" }, [base], shape, base.type));
  }
  if (base.shape.length !== 2 || base.shape[across] !== "batch") return undefined;
  if (base.operation.kind === "same" && isOfClasses(base))
    return placed(graph.node({ kind: "other_classmates" }, [base.inputs[0]!], shape, "bool"));
  if (base.operation.kind === "differs" && isOfClasses(base)) return graph.constant(0, "bool");
  if (base.type !== "real") return undefined;
  const oriented = across === 0 ? base : build.view(base, [1, 0]);
  const block = graph.node({ kind: "within_class" }, [oriented], shape, base.type);
  block.hint ??= base.hint === undefined ? undefined : `${base.hint}_within_class`;
  return placed(block);
}
