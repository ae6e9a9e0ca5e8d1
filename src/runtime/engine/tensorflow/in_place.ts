/**
 * Which updates of a recorded graph can be done in the session's variables, by TensorFlow's own operation, and what has
 * to have run before one: whatever reads the parameter. Pure; called by `resident_graph.ts`.
 */
import type { GraphNode, NodeOutput } from "./graph_def.ts";
import type { CarriedValue } from "./resident_graph.ts";

/** An `AdamUpdate` by the outputs that its tensors are. */
export interface RecordedUpdate {
  readonly parameter: NodeOutput;
  readonly start: NodeOutput;
  readonly gradient: NodeOutput;
  readonly first: NodeOutput;
  readonly second: NodeOutput;
  readonly rate: NodeOutput;
  readonly epsilon: NodeOutput;
  readonly beta1: number;
  readonly beta2: number;
  readonly next: { readonly parameter: NodeOutput; readonly first: NodeOutput; readonly second: NodeOutput };
}

/** An update with the places of its parameters and its slots among the carried values. */
export interface InPlaceUpdate {
  readonly update: RecordedUpdate;
  /** One, or several that are updated end to end. */
  readonly parameters: readonly number[];
  readonly first: number;
  readonly second: number;
}

export const placesOf = ({ parameters, first, second }: InPlaceUpdate): number[] => [
  ...parameters,
  first,
  second,
];

/** Operations whose result is their first input's memory under another shape. */
const VIEWS: ReadonlySet<string> = new Set(["Reshape", "Identity", "ExpandDims", "Squeeze"]);

/** The updates of which all, parameters and slots, are carried from one run to the next. */
export function inPlaceUpdates(
  nodes: readonly GraphNode[],
  values: readonly CarriedValue[],
  updates: readonly RecordedUpdate[],
): InPlaceUpdate[] {
  const byName = new Map(nodes.map((node) => [node.name, node]));
  /** What an output is, whatever its shape. */
  const origin = (of: NodeOutput): string => {
    const node = byName.get(of.node);
    return node?.op === "Reshape" ? origin(node.inputs[0]!) : `${of.node}:${of.output}`;
  };
  const keyOf = (from: string, to: string): string => `${from} ${to}`;
  const carried = values.map(({ from, to }) =>
    to === undefined ? undefined : keyOf(origin(from), origin(to)),
  );
  const placeOf = (from: NodeOutput, to: NodeOutput): number =>
    carried.indexOf(keyOf(origin(from), origin(to)));
  /** The places of parameters that were put end to end for their update, and taken apart after it. */
  const placesWithin = ({ parameter, next }: RecordedUpdate): number[] => {
    const joined = byName.get(parameter.node);
    const taken = nodes.find(
      (node) => node.op === "SplitV" && origin(node.inputs[0]!) === origin(next.parameter),
    );
    if (joined?.op !== "ConcatV2" || taken === undefined) return [-1];
    const parts = joined.inputs.slice(0, -1);
    return parts.map((part, k) => carried.indexOf(keyOf(origin(part), `${taken.name}:${k}`)));
  };
  return updates.flatMap((update) => {
    const alone = placeOf(update.parameter, update.next.parameter);
    const parameters = alone === -1 ? placesWithin(update) : [alone];
    const first = placeOf(update.first, update.next.first);
    const second = placeOf(update.second, update.next.second);
    return [...parameters, first, second].includes(-1) ? [] : [{ update, parameters, first, second }];
  });
}

/** Whether the update begins with something else than the parameter: what decay has left of it. */
export const decays = ({ start, parameter }: RecordedUpdate): boolean =>
  start.node !== parameter.node || start.output !== parameter.output;

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
