/**
 * A recorded function in TensorFlow's session: what is fed and fetched when it runs again, and which of its arguments
 * stay in the session's variables. Made by `recorder.ts`.
 */
import type * as tf from "@tensorflow/tfjs-core";
import { CaptureRefused } from "../capture/recorder.ts";
import type { Carried } from "../capture/recorder.ts";
import type { NodeBackend } from "./binding.ts";
import { outputName } from "./graph_def.ts";
import type { RecordedUpdate } from "./in_place.ts";
import type { RecordedTensor, Recording } from "./recording.ts";
import { ResidentData, Residents, residentTensor } from "./resident.ts";
import type { Fetch } from "./resident.ts";
import { residentGraph } from "./resident_graph.ts";
import type { CarriedValue } from "./resident_graph.ts";
import { Session } from "./session.ts";

/** Where a result comes from: an input, a variable, or an output of the graph. */
type Source = { readonly input: number } | { readonly place: number } | { readonly fetch: number };

/** What of the results a run fetches. */
interface Fetched {
  readonly names: string;
  /** By result; undefined where it is left out. */
  readonly sources: readonly (Source | undefined)[];
}

/** A carried value with its places among the arguments and the results. */
export interface Pair extends CarriedValue, Carried {}

export interface Form {
  readonly fed: readonly RecordedTensor[];
  readonly computed: readonly (RecordedTensor | undefined)[];
  /** Which results are carried. */
  readonly carried: ReadonlySet<number>;
  /** Those of them that are variables, and what they follow. */
  readonly pairs: readonly Pair[];
  readonly updates: readonly RecordedUpdate[];
  readonly inputs: readonly tf.Tensor[];
  readonly outputs: readonly tf.Tensor[];
}

/** A recorded function in its session. */
export class RecordedGraph {
  readonly #backend: NodeBackend;
  readonly #session: Session;
  readonly #residents: Residents;
  readonly #fetch: Fetch;
  readonly #pairs: readonly Pair[];
  /** Arguments that are fed at every run. */
  readonly #fedInputs: readonly number[];
  readonly #feeds: string;
  readonly #all: Fetched;
  readonly #carriedOnly: Fetched;
  readonly #kept: string;
  readonly #loadFeeds: string;
  readonly #loaded: string;
  /** Data that was loaded into a variable that nothing writes to, by place. */
  #constants: readonly (object | undefined)[];

  constructor(backend: NodeBackend, label: string, recording: Recording, form: Form) {
    const { fed, computed, carried, pairs, updates, inputs, outputs } = form;
    this.#backend = backend;
    this.#pairs = pairs;
    const places = outputs.map((_, output) => pairs.findIndex((pair) => pair.output === output));
    const results = computed.filter((made, output) => made !== undefined && places[output] === -1);
    const graph = residentGraph(recording, pairs, results as RecordedTensor[], updates);
    const fetching = (isWanted: (output: number) => boolean): Fetched => {
      const names: string[] = [];
      const sources = outputs.map((tensor, output): Source | undefined => {
        const made = computed[output];
        if (made === undefined) return { input: inputs.indexOf(tensor) };
        if (places[output] !== -1) return { place: places[output]! };
        return isWanted(output) ? { fetch: names.push(outputName(made)) - 1 } : undefined;
      });
      return { names: [...names, graph.done].join(), sources };
    };
    this.#all = fetching(() => true);
    this.#carriedOnly = fetching((output) => carried.has(output));
    this.#session = open(label, () => new Session(backend.binding, graph.nodes));
    this.#fetch = (places, age) => {
      const names = places.map((place) => graph[age][place]!).join();
      return this.#session.run([], "", names).map(({ id }) => id);
    };
    this.#residents = new Residents(this.#fetch);
    this.#constants = pairs.map(() => undefined);
    const resident = new Set(pairs.map(({ input }) => input));
    this.#fedInputs = fed.flatMap((_, input) => (resident.has(input) ? [] : [input]));
    this.#feeds = this.#fedInputs.map((input) => outputName(fed[input]!)).join();
    this.#kept = graph.kept;
    this.#loadFeeds = graph.feeds.join();
    this.#loaded = graph.loaded;
  }

  replay(values: readonly tf.Tensor[]): tf.Tensor[] {
    if (!this.#isLoaded(values)) this.#load(values);
    if (this.#residents.isHeld) this.#keep();
    return this.#run(values, this.#all) as tf.Tensor[];
  }

  advance(values: readonly tf.Tensor[]): (tf.Tensor | undefined)[] {
    if (!this.#isLoaded(values)) this.#load(values);
    return this.#run(values, this.#carriedOnly);
  }

  #run(values: readonly tf.Tensor[], { names, sources }: Fetched): (tf.Tensor | undefined)[] {
    const backend = this.#backend;
    const ids = backend.getInputTensorIds(this.#fedInputs.map((input) => values[input]!));
    const handles = this.#session.run(ids, this.#feeds, names);
    const done = handles.pop()!;
    backend.binding.deleteTensor(done.id);
    const data = this.#pairs.map(({ from, to }, place) =>
      to === undefined ? undefined : new ResidentData(from.shape, from.dtype, place, this.#fetch),
    );
    this.#residents.afterRun(data);
    const results = handles.map((handle) => backend.createOutputTensor(handle));
    return sources.map((source) => {
      if (source === undefined) return undefined;
      if ("input" in source) return values[source.input]!;
      if ("fetch" in source) return results[source.fetch]!;
      return residentTensor(backend, data[source.place]!);
    });
  }

  /** Keeps the current values as the previous ones: the run that follows may write over them. */
  #keep(): void {
    this.#residents.beforeKeeping();
    const [kept] = this.#session.run([], "", this.#kept);
    this.#backend.binding.deleteTensor(kept!.id);
    this.#residents.kept();
  }

  dispose(): void {
    this.#residents.beforeClose();
    this.#session.close();
  }

  /** Whether the variables hold these arguments. */
  #isLoaded(values: readonly tf.Tensor[]): boolean {
    return this.#pairs.every(({ input, to }, place) => {
      const { dataId } = values[input]!;
      if (to === undefined) return this.#constants[place] === dataId;
      return this.#residents.holds(this.#backend.tensorMap.get(dataId), place);
    });
  }

  /** Writes the arguments to the variables. */
  #load(values: readonly tf.Tensor[]): void {
    const backend = this.#backend;
    const tensors = this.#pairs.map(({ input }) => values[input]!);
    const ids = backend.getInputTensorIds(tensors);
    this.#residents.beforeLoad();
    const [loaded] = this.#session.run(ids, this.#loadFeeds, this.#loaded);
    backend.binding.deleteTensor(loaded!.id);
    this.#constants = this.#pairs.map(({ to }, place) =>
      to === undefined ? tensors[place]!.dataId : undefined,
    );
  }
}

function open(label: string, make: () => Session): Session {
  try {
    return make();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CaptureRefused(`TensorFlow does not take the graph of the ${label}: ${reason}`);
  }
}
