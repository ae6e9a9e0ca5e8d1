/**
 * Which updates of a recorded graph can be done in the session's variables, by TensorFlow's own operation. Pure; called
 * by `resident_graph.ts`.
 */
import { outputName } from "./graph_def.ts";
import type { NodeOutput } from "./graph_def.ts";
import type { GraphReading } from "./graph_reading.ts";
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

/** The updates of which all, parameters and slots, are carried from one run to the next. */
export function inPlaceUpdates(
  graph: GraphReading,
  values: readonly CarriedValue[],
  updates: readonly RecordedUpdate[],
): InPlaceUpdate[] {
  /** What an output is, whatever its shape. */
  const origin = (of: NodeOutput): string => outputName(graph.origin(of));
  const keyOf = (from: string, to: string): string => `${from} ${to}`;
  const carried = values.map(({ from, to }) =>
    to === undefined ? undefined : keyOf(origin(from), origin(to)),
  );
  const placeOf = (from: NodeOutput, to: NodeOutput): number =>
    carried.indexOf(keyOf(origin(from), origin(to)));
  /** The places of parameters that were put end to end for their update, and taken apart after it. */
  const placesWithin = ({ parameter, next }: RecordedUpdate): number[] => {
    const joined = graph.node(parameter);
    const taken = graph.nodes.find(
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
