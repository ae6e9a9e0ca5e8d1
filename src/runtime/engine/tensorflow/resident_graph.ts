/**
 * Turns arguments of a recorded graph into variables of its session: see `resident.ts`. Pure; called by
 * `recorded_graph.ts`.
 *
 * Carried values are held in variables: the current generation, which the graph reads in place of the arguments and
 * writes its results to, and one that the current generation is kept in when it is to be read after a run. A value that
 * the function returns as it came is never written to but by a load. Parameters whose update TensorFlow does in one
 * operation are updated in their place (`in_place.ts`), those that one tensor is multiplied by together
 * (`parallel_products.ts`).
 */
import { before, output, outputName, type } from "./graph_def.ts";
import type { GraphNode, NodeOutput } from "./graph_def.ts";
import { GraphReading } from "./graph_reading.ts";
import { decays, inPlaceUpdates, placesOf } from "./in_place.ts";
import type { InPlaceUpdate, RecordedUpdate } from "./in_place.ts";
import { parallelProducts, together } from "./parallel_products.ts";
import type { ParallelProducts } from "./parallel_products.ts";
import type { RecordedTensor, Recording } from "./recording.ts";
import { Store } from "./store.ts";
import type { Parts } from "./side_by_side.ts";

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
}

/** The stores of a graph, being put together. */
interface Layout {
  readonly stores: { readonly store: Store; readonly places: readonly number[] }[];
  /** Nodes in the place of recorded ones of their names. */
  readonly nodes: Map<string, GraphNode>;
  readonly updates: StoredUpdate[];
}

/** An update of parameters and slots in their variables. */
interface StoredUpdate {
  readonly update: RecordedUpdate;
  readonly parameter: Store;
  readonly slots: readonly Store[];
  /** The nodes that give the parameters and the slots to the graph. */
  readonly given: readonly string[];
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
  const recorded = new GraphReading([...recording.nodes]);
  const inPlace = inPlaceUpdates(recorded, values, updates);
  const isInPlace = new Set(inPlace.flatMap(placesOf));
  const assigned = values.flatMap(({ from, to }, place) =>
    to === undefined || isInPlace.has(place) ? [] : [{ place, from, to }],
  );
  const others = [...results, ...assigned.map(({ to }) => to)];
  const products = parallelProducts(recorded.runningFor(wanted(others, inPlace)), values, inPlace);
  const layout = laidOut(recording, values, inPlace, products);
  const { stores } = layout;
  const feeds = values.map(({ from: { dtype, shape } }) =>
    output(recording.add("Placeholder", [], { dtype: type(dtype), shape: { kind: "shape", value: shape } })),
  );
  const loads = stores.map(({ store, places }) => store.load(places.map((place) => feeds[place]!)));
  const byPlace = (read: (store: Store) => readonly NodeOutput[]): string[] => {
    const all = stores.flatMap(({ store, places }) => {
      const names = read(store).map(outputName);
      return places.map((place, k): [number, string] => [place, names[k]!]);
    });
    return all.sort(([a], [b]) => a - b).map(([, name]) => name);
  };
  const changing = new Set(
    stores.filter(({ places }) => values[places[0]!]!.to !== undefined).map(({ store }) => store),
  );
  const current = byPlace((store) => store.current());
  const previous = byPlace((store) => (changing.has(store) ? store.previous() : store.current()));
  const keeps = [...changing].map((store) => store.keep());
  const rewritten = (): GraphNode[] => recording.nodes.map((node) => layout.nodes.get(node.name) ?? node);
  const running = new GraphReading(rewritten()).runningFor(wanted(others, layout.updates));
  const storeOf = (place: number): Store => stores.find(({ places }) => places.includes(place))!.store;
  const writes = [
    ...assigned.map(({ place, from, to }) => storeOf(place).now.assign(to, [before(from.node)])),
    ...layout.updates.map((each) => applied(recording, each, running)),
  ];
  const signal = (after: readonly NodeOutput[]): string =>
    outputName(recording.constant(recording.binding.TF_INT32, [], Int32Array.of(0), after));
  const fetched = { done: signal(writes), kept: signal(keeps), loaded: signal(loads) };
  return {
    ...fetched,
    nodes: rewritten(),
    feeds: feeds.map(outputName),
    current,
    previous,
  };
}

/** Decides on what is stored together, and puts what the graph reads of it in the place of the arguments. */
function laidOut(
  recording: Recording,
  values: readonly CarriedValue[],
  inPlace: readonly InPlaceUpdate[],
  products: readonly ParallelProducts[],
): Layout {
  const layout: Layout = { stores: [], nodes: new Map(), updates: [] };
  const stored = new Set<number>();
  const shapeOf = (place: number): readonly number[] => values[place]!.from.shape;
  const store = (places: readonly number[], parts: Parts): Store => {
    const tensors = places.map((place) => values[place]!.from);
    const made = new Store(recording, places.join("_"), tensors, parts);
    layout.stores.push({ store: made, places });
    for (const place of places) stored.add(place);
    for (const node of made.arguments()) layout.nodes.set(node.name, node);
    return made;
  };
  const update = (
    of: readonly InPlaceUpdate[],
    parts: { readonly parameters: Parts; readonly slots: Parts },
    written: (parameter: Store) => RecordedUpdate,
  ): void => {
    const parameter = store(
      of.flatMap(({ parameters }) => parameters),
      parts.parameters,
    );
    const slots = [of.map(({ first }) => first), of.map(({ second }) => second)].map((places) =>
      store(places, parts.slots),
    );
    const own = written(parameter);
    const places = of.flatMap(placesOf);
    const given = [own.parameter.node, ...places.map((place) => values[place]!.from.node)];
    layout.updates.push({ update: own, parameter, slots, given });
  };

  for (const each of products) {
    const { members } = each;
    const [first] = members;
    const parts = members.map(({ parameter }) => parameter.shape);
    update(
      members.map(({ place }) => place),
      { parameters: parts, slots: parts },
      (parameter) => {
        const whole = parameter.now.value();
        const one = together(recording, each, whole);
        for (const node of one.nodes) layout.nodes.set(node.name, node);
        return { ...first!.place.update, parameter: whole, ...one.update };
      },
    );
  }
  for (const each of inPlace) {
    const { parameters, first } = each;
    if (stored.has(first)) continue;
    // Parameters are updated beside their slots: one in their shape, several end to end.
    const slots = [shapeOf(first)];
    const ends = parameters.map((place) => [shapeOf(place).reduce((a, b) => a * b, 1)]);
    update([each], { parameters: parameters.length === 1 ? slots : ends, slots }, () => each.update);
  }
  values.forEach((_, place) => {
    if (!stored.has(place)) store([place], [shapeOf(place)]);
  });
  return layout;
}

/** What is read of the graph: `others`, and by updates in place. */
const wanted = (
  others: readonly NodeOutput[],
  updates: readonly { readonly update: RecordedUpdate }[],
): NodeOutput[] => [
  ...others,
  ...updates.flatMap(({ update }) => [
    ...(decays(update) ? [update.start] : []),
    update.gradient,
    update.rate,
    update.epsilon,
  ]),
];

/**
 * Updates parameters and slots in their variables once everything has read them; gives what tells so.
 *
 * @param running what runs.
 */
function applied(
  recording: Recording,
  { update, parameter, slots, given }: StoredUpdate,
  running: GraphReading,
): NodeOutput {
  const { dtype } = parameter;
  const scalar = (value: number): NodeOutput => recording.constant(dtype, [], Float32Array.of(value));
  const readers = given.flatMap((name) => (running.has(name) ? [name, ...running.memoryReaders(name)] : []));
  let after = [...new Set(readers)].map(before);
  if (decays(update)) after = [parameter.now.assign(update.start, after)];
  const { rate, epsilon, gradient, beta1, beta2 } = update;
  // The rate and epsilon hold the step's corrections: as if the powers of β₁ and β₂ had come to 0.
  const [noPower1, noPower2] = [scalar(0), scalar(0)];
  const numbers = [noPower1, noPower2, rate, scalar(beta1), scalar(beta2), epsilon];
  const handles = [parameter, ...slots].map(({ now }) => now.handle);
  const inputs = [...handles, ...numbers, gradient, ...after];
  return before(recording.add("ResourceApplyAdam", inputs, { T: type(dtype) }));
}
