/**
 * The pass `at-label`: what `if k == y[i] then A(i, k) else B(i, k)` takes at one class k of each sample is computed
 * for that class, [batch], and not for all of them, [batch, classes]. ArcFace has its arc cosines and sines once a
 * sample, and over all classes only the cosines. The same for `(k == y[i]) * A(i, k)`. Values and gradients
 * are the same but for the order of sums.
 */
import { boundOf } from "../analysis/index_bounds.ts";
import type { Axis } from "../axes.ts";
import { aligned, labelled } from "../axes.ts";
import type { Builder } from "../build.ts";
import type { Dim, Node } from "../graph.ts";
import { labelOn } from "../graph.ts";
import { topological } from "../order.ts";
import { mayBeInfinite } from "../rules/finite.ts";
import type { Equality } from "./at_index.ts";
import { AtIndex } from "./at_index.ts";
import { rebuild } from "./rebuild.ts";

/** The sides whose length makes one of their entries worth computing alone: classes, those of a further label included. */
const isOfClasses = (side: Dim): boolean => side === "classes" || labelOn(side) !== undefined;
/** Taking one value a sample out of a matrix is two passes over it, and two more for the gradient. */
const PASSES_OF_A_PICK = 2;

export function atLabel(build: Builder, roots: readonly Node[]): Node[] {
  const uses = usesOf(roots);
  return rebuild(build, roots, (node, inputs) => {
    const branch = branchOf(build, node, inputs);
    if (branch === undefined) return undefined;
    // What something else needs for all classes is there anyway.
    const own = (input: Node): boolean =>
      uses
        .get(input)!
        .every(({ user, at }) => user !== undefined && branchOf(build, user, user.inputs)?.at === at);
    if (!own(node.inputs[branch.at]!)) return undefined;
    const value = valueAt(build, inputs[branch.at]!, branch.equality, branch.axes);
    if (value === undefined) return undefined;
    const parts = inputs.map((input, k) => (k === branch.at ? value : input)) as [Node, Node, Node];
    const made =
      node.operation.kind === "select" ? build.select(...parts) : build.binary("mul", parts[0], parts[1]);
    return made.shape.join() === node.shape.join() ? made : undefined;
  });
}

interface Use {
  /** Undefined for a root. */
  readonly user: Node | undefined;
  readonly at: number;
}

function usesOf(roots: readonly Node[]): Map<Node, Use[]> {
  const uses = new Map<Node, Use[]>();
  const add = (node: Node, use: Use): void => {
    const known = uses.get(node);
    if (known === undefined) uses.set(node, [use]);
    else known.push(use);
  };
  roots.forEach((root, at) => add(root, { user: undefined, at }));
  for (const user of topological(roots)) user.inputs.forEach((input, at) => add(input, { user, at }));
  return uses;
}

/** An operand at the index, as an operand; undefined where that is no less to compute. */
function valueAt(build: Builder, operand: Node, equality: Equality, axes: readonly Axis[]): Node | undefined {
  const own = axes.slice(axes.length - operand.shape.length);
  const sides = own.filter((_, k) => operand.shape[k] !== 1);
  if (!sides.some(({ order }) => order === equality.axis.order) || sides.length < 2) return undefined;
  const at = new AtIndex(build, equality);
  const value = at.of(operand, own);
  if (value === undefined || at.rebuilt <= PASSES_OF_A_PICK * at.picked) return undefined;
  return aligned(build, value, axes);
}

/** The operand of a node that counts only where an index over the classes equals another. */
interface Branch {
  readonly at: number;
  readonly equality: Equality;
  /** The node's own axes. */
  readonly axes: readonly Axis[];
}

function branchOf(build: Builder, node: Node, inputs: readonly Node[]): Branch | undefined {
  const { kind } = node.operation;
  if (kind !== "select" && kind !== "mul") return undefined;
  const axes = node.shape.map((size, order): Axis => ({ order, size, from: 0, name: "_" }));
  const where = (condition: Placed, holds: boolean, at: number): Branch | undefined => {
    const equality = impliedBy(build, condition, holds);
    return equality && { at, equality, axes };
  };
  const [first, second] = inputs.map((input) => bare(input, axes)) as [Placed, Placed];
  if (kind === "select") return where(first, true, 1) ?? where(first, false, 2);
  return factorOf(first, second, 1) ?? factorOf(second, first, 0);

  /** 0 times infinity is not 0. */
  function factorOf(condition: Placed, factor: Placed, at: number): Branch | undefined {
    if (condition.node.operation.kind !== "real" || mayBeInfinite(factor.node)) return undefined;
    return where(inputOf(condition, 0), true, at);
  }
}

/** A node that is no view, and the axes of its sides. */
interface Placed {
  readonly node: Node;
  readonly axes: readonly Axis[];
}

/** An operand of a broadcast to the given axes, without the view around it. */
function bare(operand: Node, axes: readonly Axis[]): Placed {
  const own = axes.slice(axes.length - operand.shape.length);
  const { operation } = operand;
  if (operation.kind !== "view") return { node: operand, axes: own };
  const node = operand.inputs[0]!;
  return { node, axes: node.shape.map((_, side) => own[operation.axes.indexOf(side)]!) };
}

const inputOf = ({ node, axes }: Placed, k: number): Placed => bare(node.inputs[k]!, axes);

/** How far a condition is looked through. */
const CHAIN = 32;

/** An equality that must hold for a condition to be true, or to be false. */
function impliedBy(build: Builder, condition: Placed, holds: boolean): Equality | undefined {
  const open = [{ part: condition, holds }];
  for (let looked = 0; looked < CHAIN && open.length > 0; looked++) {
    const { part, holds: needed } = open.shift()!;
    const { kind } = part.node.operation;
    if (part.node.type !== "bool") continue;
    if (kind === "not") open.push({ part: inputOf(part, 0), holds: !needed });
    if (kind === (needed ? "and" : "or"))
      open.push(...[0, 1].map((k) => ({ part: inputOf(part, k), holds: needed })));
    if (kind !== (needed ? "eq" : "ne")) continue;
    const [left, right] = [inputOf(part, 0), inputOf(part, 1)];
    const equality = equalityOf(build, part, left, right) ?? equalityOf(build, part, right, left);
    if (equality !== undefined) return equality;
  }
  return undefined;
}

/** A comparison of the numbers of the classes with an index of a class. */
function equalityOf(
  build: Builder,
  { node, axes }: Placed,
  numbers: Placed,
  index: Placed,
): Equality | undefined {
  const { operation, shape } = numbers.node;
  const [side] = shape as [Dim];
  if (operation.kind !== "iota" || operation.from !== 0 || !isOfClasses(side)) return undefined;
  const axis = numbers.axes[0]!;
  if (index.node.type !== "int" || boundOf(index.node) !== side) return undefined;
  if (index.axes.some(({ order }) => order === axis.order)) return undefined;
  const [left, right] = node.inputs as [Node, Node];
  return {
    axis: { ...axis, size: side },
    label: labelled(build, index.node, index.axes),
    equal: labelled(build, build.binary("eq", left, right), axes),
  };
}
