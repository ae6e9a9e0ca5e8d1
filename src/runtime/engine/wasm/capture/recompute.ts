/**
 * Computes again, in a loop that needs it, what costs less to compute than to keep: a value that a few cheap operations
 * make of others is not written to memory by one loop and read by another. Backward passes need most of what forward
 * passes compute, and most of that is a mask or a difference away from the similarities. Pure; called by `compile.ts`
 * after `groups.ts`.
 */
import * as tf from "@tensorflow/tfjs-core";
import { isWritable } from "./elementwise.ts";
import type { Graph, Node, Value } from "./graph.ts";
import { type Group, type Loop, isReduction, recut, walkSize } from "./groups.ts";

/** What reading an element back costs, in additions, when it does not lie in the nearest caches. */
const READ = 12;
/** Calls in one loop, those computed again included. */
const MOST_CALLS = 96;

/** What an operation costs, in additions; anything not listed one. */
const costs: Readonly<Record<string, number>> = {
  [tf.RealDiv]: 4,
  [tf.Reciprocal]: 4,
  [tf.Sqrt]: 5,
  [tf.Rsqrt]: 8,
  [tf.Exp]: 25,
  [tf.Log]: 40,
  [tf.Log1p]: 50,
  [tf.Acos]: 40,
  [tf.Sigmoid]: 30,
  [tf.Softplus]: 80,
};

export function recompute(groups: readonly Group[], graph: Pick<Graph, "results">): Group[] {
  const makers = new Map<Value, Node>();
  for (const group of groups) {
    if (group.kind !== "loop") continue;
    for (const node of group.nodes) if (!isReduction(node)) makers.set(node.outputs[0]!.value, node);
  }
  return withoutUnused(
    groups.map((group) => (group.kind === "loop" ? widened(group, makers) : group)),
    graph,
  );
}

/** The loop with what it need not read. */
function widened(loop: Loop, makers: ReadonlyMap<Value, Node>): Loop {
  const inside = new Set<Value>(loop.nodes.map((node) => node.outputs[0]!.value));
  const again: Node[] = [];
  let axes = loop.axes;
  const isFull = (value: Value): boolean => value.size === loop.size;
  for (const node of loop.nodes) {
    for (const { value } of Object.values(node.inputs)) {
      if (inside.has(value) || !isFull(value)) continue;
      const cone = coneOf(value, makers, inside, loop.size);
      if (cone === undefined || loop.nodes.length + again.length + cone.length > MOST_CALLS) continue;
      const cut = recut(axes, loop.size, cone);
      if (cut === undefined) continue;
      axes = cut;
      again.push(...cone);
      for (const each of cone) inside.add(each.outputs[0]!.value);
    }
  }
  return { ...loop, axes, nodes: [...again, ...loop.nodes], again: new Set(again) };
}

/**
 * The calls that make a value from at most one other value of its size, in order, if they cost less than reading it.
 */
function coneOf(
  value: Value,
  makers: ReadonlyMap<Value, Node>,
  inside: ReadonlySet<Value>,
  size: number,
): Node[] | undefined {
  const cone: Node[] = [];
  const seen = new Set<Value>();
  const leaves = new Set<Value>();
  let cost = 0;
  const visit = (each: Value): void => {
    if (seen.has(each) || inside.has(each)) return;
    seen.add(each);
    const maker = makers.get(each);
    const price = maker === undefined ? Infinity : (costs[maker.kernel] ?? 1);
    const cheap =
      maker !== undefined && isWritable(maker) && walkSize(maker) === size && cost + price <= READ;
    if (!cheap) {
      if (each.size === size) leaves.add(each);
      return;
    }
    cost += price;
    for (const input of Object.values(maker.inputs)) visit(input.value);
    cone.push(maker);
  };
  visit(value);
  return cone.length > 0 && leaves.size <= 1 ? cone : undefined;
}

/** The groups without the calls whose results nothing reads any more. */
function withoutUnused(groups: readonly Group[], { results }: Pick<Graph, "results">): Group[] {
  const needed = new Set(results.flatMap((result) => ("view" in result ? [result.view.value] : [])));
  const kept: Group[] = [];
  for (const group of groups.toReversed()) {
    if (group.kind === "call") {
      for (const { value } of Object.values(group.node.inputs)) needed.add(value);
      kept.push(group);
      continue;
    }
    const nodes: Node[] = [];
    const own = new Set(needed);
    for (const node of group.nodes.toReversed()) {
      const { value } = node.outputs[0]!;
      // What is computed again serves this loop only; those after it have their own or read the first.
      const wanted = group.again.has(node) ? nodes.some((each) => reads(each, value)) : own.has(value);
      if (!wanted) continue;
      nodes.push(node);
      for (const input of Object.values(node.inputs)) own.add(input.value);
    }
    if (nodes.length === 0) continue;
    nodes.reverse();
    const made = new Set(nodes.map((node) => node.outputs[0]!.value));
    for (const node of nodes)
      for (const { value } of Object.values(node.inputs)) if (!made.has(value)) needed.add(value);
    kept.push({ ...group, nodes });
  }
  return kept.reverse();
}

const reads = (node: Node, value: Value): boolean =>
  Object.values(node.inputs).some((input) => input.value === value);
