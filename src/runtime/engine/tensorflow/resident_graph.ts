/**
 * Turns arguments of a recorded graph into variables of its session: see `resident.ts`. Pure; called by
 * `recorded_graph.ts`.
 *
 * Each carried value has a variable for the current generation, which the graph reads in place of its argument and
 * writes its result to, and one that the current generation is kept in when it is to be read after a run. A value that
 * the function returns as it came has the first only, and nothing writes to it but a load. Parameters whose update
 * TensorFlow does in one operation are updated in their place: see `in_place.ts`.
 */
import { before, output, outputName, type } from "./graph_def.ts";
import type { GraphNode, NodeOutput } from "./graph_def.ts";
import { decays, inPlaceUpdates, neededFor, readersOf } from "./in_place.ts";
import type { InPlaceUpdate, RecordedUpdate } from "./in_place.ts";
import type { RecordedTensor, Recording } from "./recording.ts";
import type { Age } from "./resident.ts";
import { Variable } from "./variable.ts";

/** A carried value: its argument, and the result that follows it; undefined if it stays the same. */
export interface CarriedValue {
  readonly from: RecordedTensor;
  readonly to: RecordedTensor | undefined;
}

/** Names of outputs, to feed or to fetch. */
export interface ResidentGraph {
  readonly nodes: readonly GraphNode[];
  /** Fetched with a run: all variables have been written. */
  readonly done: string;
  /** Fetched before a run: the current variables' values are kept. */
  readonly kept: string;
  /** Fetched with `feeds` fed: the current variables have been written from outside. */
  readonly loaded: string;
  readonly feeds: readonly string[];
  /** The current variables' values, and those that were kept. */
  readonly current: readonly string[];
  readonly previous: readonly string[];
  /** How many parameters are updated in their place. */
  readonly inPlace: number;
}

/**
 * @param results what else is fetched with a run.
 * @param updates what the function told of its updates.
 */
export function residentGraph(
  recording: Recording,
  values: readonly CarriedValue[],
  results: readonly NodeOutput[],
  updates: readonly RecordedUpdate[],
): ResidentGraph {
  const recorded = [...recording.nodes];
  const inPlace = inPlaceUpdates(recorded, values, updates);
  const inPlaces = new Set(inPlace.flatMap(({ parameter, first, second }) => [parameter, first, second]));
  // A parameter is updated beside its slots, in their shape.
  const shapes = new Map(inPlace.map(({ parameter, first }) => [parameter, values[first]!.from.shape]));
  const variables = (age: Age): Variable[] =>
    values.map(({ from }, place) => new Variable(recording, `${age}_${place}`, from, shapes.get(place)));
  const [now, last] = [variables("current"), variables("previous")];
  // Under the names of the arguments' placeholders, so that everything that reads the one reads the other.
  const reads = new Map(
    values.map(({ from: { node } }, place) => [node, { ...now[place]!.reading(), name: node }]),
  );
  const current = now.map((variable) => outputName(variable.value()));
  const feeds = values.map(({ from: { dtype, shape } }) =>
    output(recording.add("Placeholder", [], { dtype: type(dtype), shape: { kind: "shape", value: shape } })),
  );
  const loads = now.map((variable, place) => variable.assign(feeds[place]!));
  const changes = (place: number): boolean => values[place]!.to !== undefined;
  const keeps = last.flatMap((variable, place) => (changes(place) ? [variable.copy(now[place]!)] : []));
  const previous = last.map((variable, place) =>
    changes(place) ? outputName(variable.value()) : current[place]!,
  );
  const assigned = values.flatMap(({ from, to }, place) =>
    to === undefined || inPlaces.has(place) ? [] : [{ place, from, to }],
  );
  const wanted = [
    ...results,
    ...assigned.map(({ to }) => to),
    ...inPlace.flatMap(({ update }) => readBy(update)),
  ];
  const needed = neededFor(recorded, wanted);
  const writes = [
    ...assigned.map(({ place, from, to }) => now[place]!.assign(to, [before(from.node)])),
    ...inPlace.map((each) => applied(recording, each, values, now, needed)),
  ];
  const signal = (after: readonly NodeOutput[]): string =>
    outputName(recording.constant(recording.binding.TF_INT32, [], Int32Array.of(0), after));
  return {
    done: signal(writes),
    kept: signal(keeps),
    loaded: signal(loads),
    nodes: recording.nodes.map((node) => reads.get(node.name) ?? node),
    feeds: feeds.map(outputName),
    current,
    previous,
    inPlace: inPlace.length,
  };
}

/** What an update in place reads of the graph. */
const readBy = (update: RecordedUpdate): NodeOutput[] => [
  ...(decays(update) ? [update.start] : []),
  update.gradient,
  update.rate,
  update.epsilon,
];

/** Updates a parameter and its slots in their variables once everything has read them; gives what tells so. */
function applied(
  recording: Recording,
  { update, parameter, first, second }: InPlaceUpdate,
  values: readonly CarriedValue[],
  now: readonly Variable[],
  needed: readonly GraphNode[],
): NodeOutput {
  const { dtype } = values[parameter]!.from;
  const scalar = (value: number): NodeOutput => recording.constant(dtype, [], Float32Array.of(value));
  const places = [parameter, first, second];
  const readers = places.flatMap((place) => {
    const { node } = values[place]!.from;
    return [node, ...readersOf(node, needed)];
  });
  let after = [...new Set(readers)].map(before);
  if (decays(update)) after = [now[parameter]!.assign(update.start, after)];
  const { rate, epsilon, gradient, beta1, beta2 } = update;
  // The rate and epsilon hold the step's corrections: as if the powers of β₁ and β₂ had come to 0.
  const [noPower1, noPower2] = [scalar(0), scalar(0)];
  const numbers = [noPower1, noPower2, rate, scalar(beta1), scalar(beta2), epsilon];
  const handles = places.map((place) => now[place]!.handle);
  const inputs = [...handles, ...numbers, gradient, ...after];
  return before(recording.add("ResourceApplyAdam", inputs, { T: type(dtype) }));
}
