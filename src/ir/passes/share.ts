/**
 * The pass `share`: the graphs of all losses become one, in which what they have in common is one node: a similarity
 * matrix, a set of masks, the lengths of one head's embeddings. Within one loss equal nodes are one from the start
 * (`build.ts` says why).
 */
import type { Graph, Node } from "../graph.ts";
import { topological } from "../order.ts";

/** The roots in `graph`; nodes that are of it already stay. Of two names for people the first is kept. */
export function share(graph: Graph, roots: readonly Node[]): Node[] {
  const now = new Map<Node, Node>();
  for (const node of topological(roots)) now.set(node, joined(graph, node, now));
  return roots.map((root) => now.get(root)!);
}

function joined(graph: Graph, node: Node, now: ReadonlyMap<Node, Node>): Node {
  if (graph.holds(node)) return node;
  const { operation, inputs, shape, type, hint } = node;
  const one = graph.node(
    operation,
    inputs.map((input) => now.get(input)!),
    shape,
    type,
  );
  if (hint !== undefined) one.hint ??= hint;
  return one;
}
