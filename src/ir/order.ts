/** The order in which nodes can be computed. Used by printing and emission. Pure. */
import type { Node } from "./graph.ts";

/** All nodes that the roots need, inputs first; the same order every time. */
export function topological(roots: readonly Node[]): Node[] {
  const found = new Set<Node>();
  const stack = [...roots];
  while (stack.length > 0) {
    const node = stack.pop()!;
    if (found.has(node)) continue;
    found.add(node);
    stack.push(...node.inputs);
  }
  // A node is made after its inputs, so ids are a topological order.
  return [...found].sort((a, b) => a.id - b.id);
}
