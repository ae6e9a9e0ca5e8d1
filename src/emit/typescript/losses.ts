/**
 * The losses of a model as the statements of one function: what several of them use first, then each loss under a
 * comment that names it. A node used more than once, or too long to read in place, gets a name.
 */
import type { Node } from "../../ir/graph.ts";
import { constantOf } from "../../ir/graph.ts";
import type { LossState } from "../../ir/lower/environment.ts";
import type { LoweredLoss } from "../../ir/lower/loss.ts";
import { rootsOf } from "../../ir/lower/loss.ts";
import { topological } from "../../ir/order.ts";
import { blocksText } from "./blocks.ts";
import { dimText, expressionOf } from "./expressions.ts";
import { Names } from "./names.ts";
import { nameOf } from "./node_names.ts";

export interface EmittedLoss {
  readonly name: string;
  readonly lowered: LoweredLoss;
  /** Lines of the comment above its statements. */
  readonly comment: readonly string[];
}

/** Expressions up to this long stay in place when used once. */
const INLINE_LENGTH = 60;

/** A view that only adds axes stays in place at every use up to this length. */
const REPEATED_LENGTH = 40;

/** Statements that define `NAME` and `NAMEValid` for each loss, and the names given to both. */
export interface LossStatements {
  readonly lines: readonly string[];
  readonly results: readonly { readonly name: string; readonly value: string; readonly valid: string }[];
}

export function lossStatements(losses: readonly EmittedLoss[]): LossStatements {
  const users = usersOf(losses);
  const uses = useCounts(losses);
  const names = new Names();
  const written = new Map<Node, string>();
  const lines: string[] = [];
  const write = (node: Node): string => written.get(node) ?? expressionOf(node, write);

  const ordered = topological(losses.flatMap(({ lowered }) => rootsOf(lowered)));
  const define = definer(slicedAmong(ordered), uses, written, names, lines, write);
  const defineAll = (nodes: readonly Node[]): void => nodes.forEach((node) => define(node));

  const shared = ordered.filter((node) => (users.get(node)?.size ?? 0) > 1 && !isLeafConstant(node));
  if (losses.length > 1 && shared.some((node) => node.inputs.length > 0)) {
    lines.push("// Shared between losses");
    defineAll(shared);
  }
  const results = losses.map((loss) => {
    lines.push("", ...loss.comment.map((line) => `// ${line}`));
    const { lowered } = loss;
    const roots = new Set(rootsOf(lowered));
    const inPlace = (node: Node): boolean =>
      roots.has(node) && (uses.get(node) ?? 0) < 2 && node.operation.kind !== "in_blocks";
    defineAll(topological([...roots]).filter((node) => !inPlace(node)));
    const scalar = (node: Node): string => `${written.get(node) ?? scalarText(node, write)} as tf.Scalar`;
    const entries = [`value: ${scalar(lowered.value)}`, `valid: ${validText(lowered.valid, write)}`];
    if (lowered.shares !== undefined) {
      const { perSample, constant } = lowered.shares;
      entries.push(`perSample: ${write(perSample)} as tf.Tensor1D`);
      if (constantOf(constant) !== 0) entries.push(`constant: ${scalar(constant)}`);
    }
    const value = names.fresh(loss.name);
    lines.push(`const ${value} = { ${entries.join(", ")} };`);
    for (const state of lowered.states)
      lines.push(`net.update(${JSON.stringify(state.name)}, ${nextText(state, write)});`);
    return { name: loss.name, value, valid: value };
  });
  return { lines, results };
}

/** What is read slice by slice: named as the list of its slices. */
function slicedAmong(nodes: readonly Node[]): ReadonlySet<Node> {
  return new Set(nodes.flatMap(({ operation, inputs }) => (operation.kind === "take" ? inputs : [])));
}

/** Gives a node a name, unless it reads well in place. */
function definer(
  sliced: ReadonlySet<Node>,
  uses: ReadonlyMap<Node, number>,
  written: Map<Node, string>,
  names: Names,
  lines: string[],
  write: (node: Node) => string,
): (node: Node) => void {
  return (node) => {
    if (written.has(node)) return;
    const { operation } = node;
    const blocks = operation.kind === "in_blocks";
    const text = blocks
      ? blocksText(operation, node.inputs, write, bodyStatements)
      : expressionOf(node, write);
    const once = (uses.get(node) ?? 0) < 2;
    const inPlace = isLeafConstant(node) || text.length <= (once ? INLINE_LENGTH : repeatable(node));
    const parts = sliced.has(node);
    if (inPlace && !blocks && !parts) return;
    const name = names.fresh(nameOf(node));
    lines.push(`const ${name} = ${parts ? `tf.unstack(${text})` : text};`);
    written.set(node, name);
  };
}

/** The statements of a block's body, from its slots to the expressions of its roots. */
function bodyStatements(
  roots: readonly Node[],
  slots: ReadonlyMap<Node, string>,
  names: Names,
): { lines: string[]; results: string[] } {
  const uses = new Map<Node, number>();
  const nodes = topological(roots);
  for (const input of nodes.flatMap((node) => node.inputs)) uses.set(input, (uses.get(input) ?? 0) + 1);
  const written = new Map(slots);
  const lines: string[] = [];
  const write = (node: Node): string => written.get(node) ?? expressionOf(node, write);
  const define = definer(slicedAmong(nodes), uses, written, names, lines, write);
  for (const node of nodes) if (!roots.includes(node)) define(node);
  return { lines, results: roots.map(write) };
}

/** A scalar that is written in place; a constant or a side is no tensor yet. */
function scalarText(node: Node, write: (node: Node) => string): string {
  const text = expressionOf(node, write);
  return node.operation.kind === "constant" || node.operation.kind === "size" ? `tf.scalar(${text})` : text;
}

/** A state after the step; what has fewer or shorter sides fills the shape. */
function nextText({ next, shape }: LossState, write: (node: Node) => string): string {
  const text = constantOf(next) === undefined ? write(next) : `tf.scalar(${write(next)})`;
  return next.shape.join() === shape.join()
    ? text
    : `tf.broadcastTo(${text}, [${shape.map(dimText).join(", ")}])`;
}

/** The flag as 0 or 1. */
function validText(node: Node, write: (node: Node) => string): string {
  if (constantOf(node) !== undefined) return `tf.scalar(${constantOf(node)})`;
  return `ops.real(${write(node)}) as tf.Scalar`;
}

/** New axes alone cost nothing: such a view, or a slice, of something that has a name is written at each of its uses. */
function repeatable(node: Node): number {
  const { operation } = node;
  if (operation.kind === "take") return REPEATED_LENGTH;
  if (operation.kind !== "view") return 0;
  const kept = operation.axes.filter((axis) => axis !== null);
  return kept.every((axis, k) => axis === k) ? REPEATED_LENGTH : 0;
}

function isLeafConstant(node: Node): boolean {
  return ["constant", "size", "labels", "ids"].includes(node.operation.kind);
}

/** Which losses need each node. */
function usersOf(losses: readonly EmittedLoss[]): Map<Node, Set<string>> {
  const users = new Map<Node, Set<string>>();
  for (const loss of losses) {
    for (const node of topological(rootsOf(loss.lowered))) {
      const names = users.get(node) ?? new Set();
      users.set(node, names.add(loss.name));
    }
  }
  return users;
}

/** How often each node is written if nothing is named. */
function useCounts(losses: readonly EmittedLoss[]): Map<Node, number> {
  const counts = new Map<Node, number>();
  const add = (node: Node): void => void counts.set(node, (counts.get(node) ?? 0) + 1);
  for (const node of topological(losses.flatMap(({ lowered }) => rootsOf(lowered)))) node.inputs.forEach(add);
  for (const { lowered } of losses) rootsOf(lowered).forEach(add);
  return counts;
}
