/**
 * Puts the calls of a graph into groups that run one after the other: calls that walk the same elements become one
 * loop, everything else is a group of its own. Pure; called by `recorder.ts` after `simplify.ts`.
 *
 * A call may join a group if everything it needs is computed in that group, element by element, or before it. Calls
 * join the earliest such group: the same levels of several losses then walk their similarity matrix together.
 */
import * as tf from "@tensorflow/tfjs-core";
import { isWritable } from "./elementwise.ts";
import { type Graph, type Node, type Value, type View, reducedAxes, sizeOf, stridesOf } from "./graph.ts";

/** Calls in one loop: beyond about this many the processor's registers do not hold what the loop shares. */
const MOST_CALLS = 48;
/** A loop's innermost axis is not cut shorter than this to let another call in. */
const SHORTEST = 32;

/** Calls that walk the same elements. */
export interface Loop {
  readonly kind: "loop";
  readonly nodes: readonly Node[];
  /** Those of them that an earlier loop has computed too: see `recompute.ts`. */
  readonly again: ReadonlySet<Node>;
  /** Number of elements walked. */
  readonly size: number;
  /** Lengths of the axes the walk is cut into, outermost first. */
  readonly axes: readonly number[];
}

/** One call of a kernel. */
export interface Call {
  readonly kind: "call";
  readonly node: Node;
}

export type Group = Loop | Call;

const reductions = new Set<string>([tf.Sum, tf.Max, tf.Min, tf.Any, tf.All]);

/** Whether a call reduces elements in a way that loops can. */
export function isReduction({ kernel, inputs }: Node): boolean {
  if (!reductions.has(kernel)) return false;
  const { type, size } = inputs["x"]!.value;
  if (size === 0) return false;
  return kernel === tf.Any || kernel === tf.All ? type === "bool" : type === "float32";
}

/** The shape of the elements a call walks. */
export const walkOf = (node: Node): readonly number[] =>
  isReduction(node) ? node.inputs["x"]!.shape : node.outputs[0]!.shape;

/** The number of elements a call walks. */
export const walkSize = (node: Node): number => sizeOf(walkOf(node));

/** The strides of a call's result along its walk: 0 along axes that are reduced. */
export function resultStrides(node: Node): number[] {
  const walk = walkOf(node);
  if (!isReduction(node)) return stridesOf(walk, walk.length);
  const axes = reducedAxes(node.attributes, walk);
  return stridesOf(
    walk.map((length, axis) => (axes.includes(axis) ? 1 : length)),
    walk.length,
  );
}

/** A loop while it is put together. */
interface Draft {
  readonly nodes: Node[];
  readonly size: number;
  /** Where the walk is cut: products of the lengths of inner axes, ascending. */
  cuts: readonly number[];
}

export function groupsOf({ nodes }: Pick<Graph, "nodes">): Group[] {
  const groups: (Draft | Node)[] = [];
  /** The first group in which a value can be used, and whether it can be in the one that computes it. */
  const computed = new Map<Value, { readonly group: number; readonly inLoop: boolean }>();
  for (const node of nodes) {
    const after = Math.max(
      0,
      ...Object.values(node.inputs).map(({ value, shape }) => {
        const at = computed.get(value);
        if (at === undefined) return 0;
        return at.inLoop && sameElements(node, { value, shape }) ? at.group : at.group + 1;
      }),
    );
    const reduces = isReduction(node);
    const size = walkSize(node);
    if (size === 0 || !(reduces || isWritable(node))) {
      groups.push(node);
    } else {
      const cuts = cutsOf(node);
      const found = groups.findIndex(
        (group, index) => index >= after && "cuts" in group && group.size === size && joins(group, cuts),
      );
      if (found >= 0) {
        const draft = groups[found] as Draft;
        draft.nodes.push(node);
        draft.cuts = merged(draft.cuts, cuts);
        for (const { value } of node.outputs) computed.set(value, { group: found, inLoop: !reduces });
        continue;
      }
      groups.push({ nodes: [node], size, cuts });
      for (const { value } of node.outputs)
        computed.set(value, { group: groups.length - 1, inLoop: !reduces });
      continue;
    }
    for (const { value } of node.outputs) computed.set(value, { group: groups.length - 1, inLoop: false });
  }
  return groups.map((group) =>
    "cuts" in group
      ? {
          kind: "loop",
          nodes: group.nodes,
          again: new Set<Node>(),
          size: group.size,
          axes: axesOf(group.size, group.cuts),
        }
      : { kind: "call", node: group },
  );
}

/** Whether a call reads a view element by element along its walk. */
const sameElements = (node: Node, { value }: View): boolean => value.size === walkSize(node);

const joins = (group: Draft, cuts: readonly number[]): boolean =>
  group.nodes.length < MOST_CALLS && fitTogether(group.cuts, cuts, group.size);

/** Whether a walk can be cut in both ways, and stays long enough to be worth it. */
function fitTogether(a: readonly number[], b: readonly number[], size: number): boolean {
  const both = merged(a, b);
  if (!both.every((cut, place) => place === 0 || cut % both[place - 1]! === 0)) return false;
  const inner = (own: readonly number[]): number => own[0] ?? size;
  return inner(both) >= Math.min(SHORTEST, Math.max(inner(a), inner(b)));
}

/** The axes of a loop that takes further calls in; undefined if its axes and theirs do not fit. */
export function recut(axes: readonly number[], size: number, nodes: readonly Node[]): number[] | undefined {
  let cuts = axes
    .toReversed()
    .slice(0, -1)
    .reduce<number[]>((all, length) => [...all, length * (all.at(-1) ?? 1)], []);
  for (const node of nodes) {
    const own = cutsOf(node);
    if (!fitTogether(cuts, own, size)) return undefined;
    cuts = merged(cuts, own);
  }
  return axesOf(size, cuts);
}

const merged = (a: readonly number[], b: readonly number[]): number[] =>
  [...new Set([...a, ...b])].sort((x, y) => x - y);

/** Where a call's walk must be cut: between axes along which some operand or the result repeats and others do not. */
function cutsOf(node: Node): number[] {
  const walk = walkOf(node);
  const strides = [
    ...Object.values(node.inputs).map(({ shape }) => stridesOf(shape, walk.length)),
    resultStrides(node),
  ];
  const cuts: number[] = [];
  let inner = 1;
  let before: number | undefined;
  for (let axis = walk.length - 1; axis >= 0; axis--) {
    if (walk[axis] === 1) continue;
    const here = axis;
    if (before !== undefined && strides.some((own) => (own[here] === 0) !== (own[before!] === 0)))
      cuts.push(inner);
    inner *= walk[axis]!;
    before = axis;
  }
  return cuts;
}

function axesOf(size: number, cuts: readonly number[]): number[] {
  const bounds = [1, ...cuts, size];
  return bounds
    .slice(1)
    .map((bound, place) => bound / bounds[place]!)
    .reverse();
}
