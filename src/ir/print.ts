/** The loss graph as text, for `dmlc compile --print ir`: one node a line, inputs first, the same text every time. */
import type { Node } from "./graph.ts";

/** Prints every node the roots need; `name = %id` at the end says which node each root is. */
export function printGraph(roots: readonly { readonly name: string; readonly node: Node }[]): string {
  const found = new Set<Node>();
  const stack = roots.map(({ node }) => node);
  while (stack.length > 0) {
    const node = stack.pop()!;
    if (found.has(node)) continue;
    found.add(node);
    stack.push(...node.inputs);
  }
  // A node is made after its inputs, so ids are a topological order.
  const ordered = [...found].sort((a, b) => a.id - b.id);
  return [...ordered.map(line), ...roots.map(({ name, node }) => `${name} = %${node.id}`)].join("\n");
}

function line(node: Node): string {
  const { kind, ...attributes } = node.operation;
  const written = Object.entries(attributes).map(([name, value]) => `${name}: ${JSON.stringify(value)}`);
  const inputs = node.inputs.map((input) => `%${input.id}`);
  const hint = node.hint === undefined ? "" : `  // ${node.hint}`;
  return `%${node.id} = ${kind}(${[...inputs, ...written].join(", ")}): ${node.type}[${node.shape.join(", ")}]${hint}`;
}
