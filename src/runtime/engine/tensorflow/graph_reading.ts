/**
 * What a recorded graph says of itself: what an output is, who reads it, what runs for it. Pure; called by what rewrites
 * recorded graphs, `in_place.ts`, `parallel_products.ts` and `resident_graph.ts`.
 */
import type { GraphNode, NodeOutput } from "./graph_def.ts";

/** A graph, and who reads what in it. */
export class GraphReading {
  readonly nodes: readonly GraphNode[];
  readonly #byName: ReadonlyMap<string, GraphNode>;
  readonly #readers = new Map<string, GraphNode[]>();

  constructor(nodes: readonly GraphNode[]) {
    this.nodes = nodes;
    this.#byName = new Map(nodes.map((node) => [node.name, node]));
    for (const node of nodes) {
      for (const name of new Set(node.inputs.map((input) => input.node))) {
        const readers = this.#readers.get(name);
        if (readers === undefined) this.#readers.set(name, [node]);
        else readers.push(node);
      }
    }
  }

  node(of: NodeOutput): GraphNode | undefined {
    return this.#byName.get(of.node);
  }

  readers(name: string): readonly GraphNode[] {
    return this.#readers.get(name) ?? [];
  }

  /** What an output is, whatever its shape. */
  origin(of: NodeOutput): NodeOutput {
    const node = this.node(of);
    return node?.op === "Reshape" ? this.origin(node.inputs[0]!) : of;
  }
}

/** Operations whose result is their first input's memory under another shape. */
const VIEWS: ReadonlySet<string> = new Set(["Reshape", "Identity", "ExpandDims", "Squeeze"]);

/** The nodes that run when `roots` are wanted. */
export function neededFor(nodes: readonly GraphNode[], roots: readonly NodeOutput[]): GraphNode[] {
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const found = new Set<GraphNode>();
  const waiting = roots.map(({ node }) => node);
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    const node = byName.get(name);
    if (node === undefined || found.has(node)) continue;
    found.add(node);
    waiting.push(...node.inputs.map((input) => input.node));
  }
  return nodes.filter((node) => found.has(node));
}

/** Of `nodes`, in the order of execution, those that read the memory of `name`. */
export function readersOf(name: string, nodes: readonly GraphNode[]): string[] {
  const memory = new Set([name]);
  const readers: string[] = [];
  for (const node of nodes) {
    if (!node.inputs.some((input) => input.output >= 0 && memory.has(input.node))) continue;
    if (VIEWS.has(node.op)) memory.add(node.name);
    else readers.push(node.name);
  }
  return readers;
}
