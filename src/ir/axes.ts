/**
 * Named axes: a lowered expression is a positional node plus a label for each of its sides. Labels are kept sorted by
 * the order in which indices were bound, outermost first, so that equal expressions under other index names are one
 * node; binary operations align their operands by label. Pure.
 */
import type { Builder } from "./build.ts";
import type { Dim, Node } from "./graph.ts";

export interface Axis {
  /** Rank among all axes: an index bound further in has a higher one, an unindexed side the highest. */
  readonly order: number;
  readonly size: Dim;
  /** The number of its first element (`r in 2..nodes` starts at 2). */
  readonly from: number;
  /** For messages and emitted names. */
  readonly name: string;
}

const SLOTS = 1e9;

/** The label of a side that no index has been written for yet; 0 is the last side. */
export function slot(fromLast: number, size: Dim): Axis {
  return { order: SLOTS - fromLast, size, from: 0, name: "_" };
}

export function isSlot(axis: Axis): boolean {
  return axis.order > SLOTS / 2;
}

/** An expression as a tensor. */
export interface Lowered {
  readonly node: Node;
  /** One label for each side of `node`, ascending by `order`. */
  readonly axes: readonly Axis[];
  /** Where the value is there; everywhere when absent. A bool. */
  readonly present?: Lowered;
  /** For a masked sum: where it had at least one term (`log` of an empty sum is absent). */
  readonly nonEmpty?: Lowered;
  /** For a condition: the `same` and `differs` it is a conjunction of, among others. */
  readonly pairs?: readonly Pair[];
  /** For a number outside all reductions: the parts that samples have in it. */
  readonly shares?: { readonly perSample: Lowered; readonly constant?: Lowered };
}

/** `same(i, j)` or `differs(i, j)`, the indices as written. */
export interface Pair {
  readonly kind: "same" | "differs";
  /** Whether it is a formula's own: then it may hold where a memory has no sample yet. */
  readonly own?: true;
  readonly indices: readonly [Axis, Axis];
}

export function scalar(node: Node): Lowered {
  return { node, axes: [] };
}

/** Labels the sides of a node and sorts them, transposing where needed. */
export function labelled(build: Builder, node: Node, axes: readonly Axis[]): Lowered {
  const order = axes.map((_, k) => k).sort((a, b) => axes[a]!.order - axes[b]!.order);
  return { node: build.view(node, order), axes: order.map((k) => axes[k]!) };
}

/** All labels of several values, sorted. */
export function union(values: readonly { readonly axes: readonly Axis[] }[]): Axis[] {
  const byOrder = new Map<number, Axis>();
  for (const value of values) for (const axis of value.axes) byOrder.set(axis.order, axis);
  return [...byOrder.values()].sort((a, b) => a.order - b.order);
}

/** The node of a value seen under a wider list of labels: new sides of size 1, leading ones left out. */
export function aligned(build: Builder, value: Lowered, axes: readonly Axis[]): Node {
  const positions = axes.map((axis) => {
    const at = value.axes.findIndex((own) => own.order === axis.order);
    return at < 0 ? null : at;
  });
  const first = positions.findIndex((position) => position !== null);
  return first < 0 ? value.node : build.view(value.node, positions.slice(first));
}

/** Conjunction of conditions, those that are everywhere true left out. */
export function conjunction(
  build: Builder,
  conditions: readonly (Lowered | undefined)[],
): Lowered | undefined {
  let all: Lowered | undefined;
  for (const condition of conditions) {
    if (condition === undefined) continue;
    if (all === undefined) {
      all = condition;
      continue;
    }
    const axes = union([all, condition]);
    all = { node: build.binary("and", aligned(build, all, axes), aligned(build, condition, axes)), axes };
  }
  return all;
}
