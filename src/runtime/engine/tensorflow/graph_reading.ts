/**
 * What a recorded graph says of itself: what an output is, who reads it, what runs for it. Pure; called by what rewrites
 * recorded graphs, `in_place.ts`, `parallel_products.ts` and `resident_graph.ts`.
 */
import type { GraphNode, NodeOutput } from "./graph_def.ts";

/** Operations whose result is their first input's memory under another shape. */
const VIEWS: ReadonlySet<string> = new Set(["Reshape", "Identity", "ExpandDims", "Squeeze"]);

/** A graph, and who reads what in it. */
export class GraphReading {
  /** In the order of execution. */
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

  has(name: string): boolean {
    return this.#byName.has(name);
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

  /** The nodes that read the memory of `name`, also in another shape. */
  memoryReaders(name: string): string[] {
    const reading = this.readers(name).filter((node) =>
      node.inputs.some((input) => input.node === name && input.output >= 0),
    );
    return reading.flatMap((node) => (VIEWS.has(node.op) ? this.memoryReaders(node.name) : [node.name]));
  }

  /** What runs of it when `roots` are wanted. */
  runningFor(roots: readonly NodeOutput[]): GraphReading {
    const found = new Set<GraphNode>();
    const waiting = [...roots];
    for (let of = waiting.pop(); of !== undefined; of = waiting.pop()) {
      const node = this.node(of);
      if (node === undefined || found.has(node)) continue;
      found.add(node);
      waiting.push(...node.inputs);
    }
    return new GraphReading(this.nodes.filter((node) => found.has(node)));
  }
}
