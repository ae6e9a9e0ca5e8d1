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
import { neededFor, readersOf } from "./graph_reading.ts";
import { decays, inPlaceUpdates, placesOf } from "./in_place.ts";
import type { InPlaceUpdate, RecordedUpdate } from "./in_place.ts";
import { parallelProducts, together } from "./parallel_products.ts";
import type { RecordedTensor, Recording } from "./recording.ts";
import { Store } from "./store.ts";
import type { Form } from "./store.ts";

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
  const inPlace = inPlaceUpdates(recording.nodes, values, updates);
  const isInPlace = new Set(inPlace.flatMap(placesOf));
  const assigned = values.flatMap(({ from, to }, place) =>
    to === undefined || isInPlace.has(place) ? [] : [{ place, from, to }],
  );
  const others = [...results, ...assigned.map(({ to }) => to)];
  const layout = laidOut(recording, values, inPlace, others);
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
  const nodes = recording.nodes.map((node) => layout.nodes.get(node.name) ?? node);
  const running = neededFor(nodes, [...others, ...layout.updates.flatMap(({ update }) => readBy(update))]);
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
    nodes: recording.nodes.map((node) => layout.nodes.get(node.name) ?? node),
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
  others: readonly NodeOutput[],
): Layout {
  const layout: Layout = { stores: [], nodes: new Map(), updates: [] };
  const stored = new Set<number>();
  const store = (places: readonly number[], form?: Form): Store => {
    const tensors = places.map((place) => values[place]!.from);
    const made = new Store(recording, places.join("_"), tensors, form);
    layout.stores.push({ store: made, places });
    for (const place of places) stored.add(place);
    for (const node of made.arguments()) layout.nodes.set(node.name, node);
    return made;
  };
  const update = (
    of: readonly InPlaceUpdate[],
    forms: { readonly parameter: Form; readonly slot?: Form },
    written: (parameter: Store) => RecordedUpdate,
  ): void => {
    const parameter = store(
      of.flatMap(({ parameters }) => parameters),
      forms.parameter,
    );
    const slots = [of.map(({ first }) => first), of.map(({ second }) => second)].map((places) =>
      store(places, forms.slot),
    );
    const own = written(parameter);
    const places = of.flatMap(placesOf);
    const given = [own.parameter.node, ...places.map((place) => values[place]!.from.node)];
    layout.updates.push({ update: own, parameter, slots, given });
  };

  const needed = neededFor(recording.nodes, [...others, ...inPlace.flatMap((each) => readBy(each.update))]);
  for (const products of parallelProducts(needed, values, inPlace)) {
    const { members } = products;
    const [first] = members;
    const form = { parts: members.map(({ parameter }) => parameter.shape) };
    update(
      members.map(({ place }) => place),
      { parameter: form, slot: form },
      (parameter) => {
        const whole = parameter.now.value();
        const one = together(recording, products, whole);
        for (const node of one.nodes) layout.nodes.set(node.name, node);
        return { ...first!.place.update, parameter: whole, ...one.update };
      },
    );
  }
  for (const each of inPlace) {
    const [place, ...more] = each.parameters;
    if (stored.has(place!)) continue;
    // Parameters are updated beside their slots, in their shape.
    const { shape } = values[each.first]!.from;
    const parts = each.parameters.map((own) => [sizeOf(values[own]!.from)]);
    update([each], { parameter: more.length === 0 ? { shape } : { parts } }, () => each.update);
  }
  values.forEach((_, place) => {
    if (!stored.has(place)) store([place]);
  });
  return layout;
}

const sizeOf = ({ shape }: RecordedTensor): number => shape.reduce((a, b) => a * b, 1);

/** What an update in place reads of the graph. */
const readBy = (update: RecordedUpdate): NodeOutput[] => [
  ...(decays(update) ? [update.start] : []),
  update.gradient,
  update.rate,
  update.epsilon,
];

/**
 * Updates parameters and slots in their variables once everything has read them; gives what tells so.
 *
 * @param running the nodes that run.
 */
function applied(
  recording: Recording,
  { update, parameter, slots, given }: StoredUpdate,
  running: readonly GraphNode[],
): NodeOutput {
  const { dtype } = parameter;
  const scalar = (value: number): NodeOutput => recording.constant(dtype, [], Float32Array.of(value));
  const names = new Set(running.map(({ name }) => name));
  const readers = given.flatMap((name) => (names.has(name) ? [name, ...readersOf(name, running)] : []));
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
