/**
 * The loss graph as text, for `dmlc compile --print ir` and for people who debug lowering. One line a node, inputs
 * first, numbered in that order; then the roots by name. Deterministic: the same graph prints the same text. Pure.
 *
 *   %2 = squared_distance(%1, %1) : real[batch, batch]
 *   %3 = sqrt(%2) : real[batch, batch]  // euclidean_distance
 */
import type { Node, Operation } from "./graph.ts";
import { topological } from "./order.ts";

export interface PrintedRoot {
  readonly name: string;
  readonly node: Node;
}

/** The graph below the roots; nodes that no root needs are left out. */
export function printGraph(roots: readonly PrintedRoot[]): string {
  const nodes = topological(roots.map((root) => root.node));
  const numbers = new Map(nodes.map((node, k) => [node, k]));
  const reference = (node: Node): string => `%${numbers.get(node)!}`;
  const lines = nodes.map((node) => {
    const given = [...node.inputs.map(reference), ...attributes(node.operation)].join(", ");
    const hint = node.hint === undefined ? "" : `  // ${node.hint}`;
    return `${reference(node)} = ${nameOf(node.operation)}(${given}) : ${typeOf(node)}${hint}`;
  });
  return [...lines, ...roots.map(({ name, node }) => `${name}: ${reference(node)}`), ""].join("\n");
}

function typeOf(node: Node): string {
  return node.shape.length === 0 ? node.type : `${node.type}[${node.shape.join(", ")}]`;
}

function nameOf(operation: Operation): string {
  return operation.kind === "reduce" ? operation.op : operation.kind;
}

/** What an operation has besides its inputs. */
function attributes(operation: Operation): string[] {
  switch (operation.kind) {
    case "input": {
      const { name, view } = operation;
      return [JSON.stringify(name), ...(view === undefined ? [] : [`view: ${view}`])];
    }
    case "param":
    case "state":
    case "noise":
      return [JSON.stringify(operation.name)];
    case "constant":
      return [String(operation.value)];
    case "size":
      return [String(operation.dim)];
    case "iota":
      return [`from: ${operation.from}`];
    case "view":
      return [`axes: [${operation.axes.map((axis) => (axis === null ? "new" : axis)).join(", ")}]`];
    case "reduce":
      return [`over: [${operation.axes.join(", ")}]`];
    case "matmul":
      return [`shared: ${operation.shared}`];
    case "softmax":
    case "log_softmax":
    case "cumulative_sum":
      return [`axis: ${operation.axis}`];
    case "prefix":
      return [`size: ${operation.size}`];
    case "take":
      return [`index: ${operation.index}`];
    case "rows":
      return [`axis: ${operation.axis}`, `from: ${operation.from}`];
    case "solve":
      return [`stacked: ${operation.stacked}`];
    case "kmeans":
      return [`clusters: ${operation.clusters}`];
    default:
      return [];
  }
}
