/**
 * The losses of a model as the statements of one function: what several of them use first, then each loss under a
 * comment that names it. A node used more than once, or too long to read in place, gets a name.
 */
import type { Node } from "../../ir/graph.ts";
import { constantOf } from "../../ir/graph.ts";
import { expressionOf } from "./expressions.ts";
import { Names } from "./names.ts";

export interface EmittedLoss {
  readonly name: string;
  readonly value: Node;
  readonly valid: Node;
  /** Lines of the comment above its statements. */
  readonly comment: readonly string[];
}

/** Expressions up to this long stay in place when used once. */
const INLINE_LENGTH = 60;

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

  const define = (node: Node, wanted?: string): void => {
    if (written.has(node)) return;
    const text = expressionOf(node, write);
    const trivial =
      node.operation.kind === "labels" || constantOf(node) !== undefined || node.operation.kind === "size";
    if (wanted === undefined && (trivial || ((uses.get(node) ?? 0) < 2 && text.length <= INLINE_LENGTH)))
      return;
    const name = names.fresh(wanted ?? nameOf(node));
    lines.push(`const ${name} = ${text};`);
    written.set(node, name);
  };
  const defineAll = (nodes: readonly Node[]): void => nodes.forEach((node) => define(node));

  const ordered = topological(losses.flatMap((loss) => [loss.value, loss.valid]));
  const shared = ordered.filter((node) => (users.get(node)?.size ?? 0) > 1 && !isLeafConstant(node));
  if (losses.length > 1 && shared.some((node) => node.inputs.length > 0)) {
    lines.push("// Shared between losses");
    defineAll(shared);
  }
  const results = losses.map((loss) => {
    lines.push("", ...loss.comment.map((line) => `// ${line}`));
    defineAll(
      topological([loss.value, loss.valid]).filter((node) => node !== loss.value && node !== loss.valid),
    );
    const valueText = written.get(loss.value) ?? scalarText(loss.value, write);
    const value = names.fresh(loss.name);
    lines.push(
      `const ${value} = { value: ${valueText} as tf.Scalar, valid: ${validText(loss.valid, write)} };`,
    );
    return { name: loss.name, value, valid: value };
  });
  return { lines, results };
}

const scalarText = (node: Node, write: (node: Node) => string): string =>
  constantOf(node) === undefined ? expressionOf(node, write) : `tf.scalar(${constantOf(node)})`;

/** The flag as 0 or 1. */
function validText(node: Node, write: (node: Node) => string): string {
  if (constantOf(node) !== undefined) return `tf.scalar(${constantOf(node)})`;
  return `ops.real(${write(node)}) as tf.Scalar`;
}

function isLeafConstant(node: Node): boolean {
  return (
    node.operation.kind === "constant" || node.operation.kind === "size" || node.operation.kind === "labels"
  );
}

/** All nodes that the roots need, inputs first. */
export function topological(roots: readonly Node[]): Node[] {
  const found = new Set<Node>();
  const stack = [...roots];
  while (stack.length > 0) {
    const node = stack.pop()!;
    if (found.has(node)) continue;
    found.add(node);
    stack.push(...node.inputs);
  }
  // A node is made after its inputs, so ids are a topological order, and the same one every time.
  return [...found].sort((a, b) => a.id - b.id);
}

/** Which losses need each node. */
function usersOf(losses: readonly EmittedLoss[]): Map<Node, Set<string>> {
  const users = new Map<Node, Set<string>>();
  for (const loss of losses) {
    for (const node of topological([loss.value, loss.valid])) {
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
  for (const node of topological(losses.flatMap((loss) => [loss.value, loss.valid])))
    node.inputs.forEach(add);
  for (const loss of losses) [loss.value, loss.valid].forEach(add);
  return counts;
}

/** A name that says what a node is, from the spec where it has one. */
function nameOf(node: Node): string {
  if (node.hint !== undefined) return node.hint;
  switch (node.operation.kind) {
    case "input":
      return `${node.operation.name}_embeddings`;
    case "param":
      return node.operation.name.split("/").slice(-2).join("_");
    case "iota":
      return node.shape[0] === "batch" ? "samples" : node.shape[0] === "classes" ? "class_indices" : "range";
    case "same":
      return "positives";
    case "differs":
      return "negatives";
    case "normalize":
      return node.inputs[0]!.operation.kind === "input"
        ? `unit_${node.inputs[0]!.operation.name}`
        : `unit_${nameOf(node.inputs[0]!)}`;
    case "norm":
      return `${nameOf(node.inputs[0]!)}_length`;
    case "squared_distance":
    case "paired_squared_distance":
      return "squared_distance";
    case "matmul":
      return "products";
    case "view":
      return `${nameOf(node.inputs[0]!)}_by_axis`;
    case "reduce":
      return node.operation.op === "any"
        ? "some"
        : node.operation.op === "log1p_sum_exp"
          ? "log_sum"
          : node.operation.op;
    case "eq":
      return "at_target";
    case "and":
      return "tuples";
    case "select":
      return "chosen";
    default:
      return node.type === "bool" ? "mask" : node.operation.kind;
  }
}
