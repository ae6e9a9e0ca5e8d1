/**
 * Walks over the graph, inputs first and on no stack but their own: formulas may be deep. Used by lowering, the rules,
 * the passes, printing and emission. Pure.
 */
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

/** Where what is known of nodes is kept from one question to the next. */
export interface Known<Value> {
  has(node: Node): boolean;
  get(node: Node): Value | undefined;
  set(node: Node, value: Value): unknown;
}

/** What `decide` says of a node, asked of each node below it once, after its inputs; `of` gives what it said of those. */
export function inputsFirst<Value>(
  node: Node,
  known: Known<Value>,
  decide: (node: Node, of: (input: Node) => Value) => Value,
): Value {
  const of = (input: Node): Value => known.get(input) as Value;
  const open = [node];
  while (open.length > 0) {
    const last = open.at(-1)!;
    const waiting = known.has(last) ? [] : last.inputs.filter((input) => !known.has(input));
    if (waiting.length > 0) {
      open.push(...waiting);
      continue;
    }
    if (!known.has(last)) known.set(last, decide(last, of));
    open.pop();
  }
  return of(node);
}
