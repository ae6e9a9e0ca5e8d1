/**
 * Walks over the graph, inputs first and on no stack but their own: formulas may be deep. Used by lowering, the rules,
 * the passes, printing and emission. Pure.
 */
import type { Node } from "./graph.ts";

/**
 * All nodes that the roots need, each after its inputs and as late as they are: the order of the formulas, whatever
 * passes have made of them; the same every time.
 */
export function topological(roots: readonly Node[]): Node[] {
  const done = new Set<Node>();
  const open = roots.toReversed();
  while (open.length > 0) {
    const node = open.at(-1)!;
    const waiting = done.has(node) ? [] : node.inputs.filter((input) => !done.has(input));
    if (waiting.length > 0) {
      open.push(...waiting.reverse());
      continue;
    }
    done.add(node);
    open.pop();
  }
  return [...done];
}

/** Where what is known of nodes is kept from one question to the next. */
export interface Known<Value> {
  has(node: Node): boolean;
  get(node: Node): Value | undefined;
  set(node: Node, value: Value): unknown;
}

/**
 * What `decide` says of a node, asked of each node below it once, after its inputs; `of` gives what it said of those.
 * Where only some inputs of a node matter, `needed` says which.
 */
export function inputsFirst<Value>(
  node: Node,
  known: Known<Value>,
  decide: (node: Node, of: (input: Node) => Value) => Value,
  needed: (node: Node) => readonly Node[] = ({ inputs }) => inputs,
): Value {
  const of = (input: Node): Value => known.get(input) as Value;
  const open = [node];
  while (open.length > 0) {
    const last = open.at(-1)!;
    const waiting = known.has(last) ? [] : needed(last).filter((input) => !known.has(input));
    if (waiting.length > 0) {
      open.push(...waiting);
      continue;
    }
    if (!known.has(last)) known.set(last, decide(last, of));
    open.pop();
  }
  return of(node);
}
