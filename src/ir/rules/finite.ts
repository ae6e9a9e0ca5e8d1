/**
 * Which nodes may hold an infinity or no number at all on finite embeddings, at places that a mask takes out or a
 * branch does not take: 1 / 0 on a diagonal. No gradient arrives there, and 0 times infinity must not become one:
 * emission and the matrix products ask here. Pure.
 */
import type { Node } from "../graph.ts";
import { constantOf } from "../graph.ts";
import { inputsFirst } from "../order.ts";

const known = new WeakMap<Node, boolean>();

/** Operations whose result is finite for any number. */
const BOUNDED: ReadonlySet<string> = new Set([
  "normalize",
  "sine_of_acos",
  "acos",
  "ratio",
  "size",
  "iota",
  "inverse",
  "solve",
]);

export function mayBeInfinite(node: Node): boolean {
  return inputsFirst(node, known, decide);
}

function decide(node: Node, of: (input: Node) => boolean): boolean {
  const { operation, inputs } = node;
  if (node.type !== "real" || BOUNDED.has(operation.kind)) return false;
  switch (operation.kind) {
    case "div": {
      const below = constantOf(inputs[1]!);
      if (below === undefined || below === 0) return true;
      break;
    }
    case "pow":
    case "exp":
    case "log":
    case "log1p":
      return true;
    default:
      break;
  }
  return inputs.some(of);
}
