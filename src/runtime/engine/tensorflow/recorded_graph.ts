/**
 * A recorded function in TensorFlow's session: what is fed and fetched when it runs again, and which of its arguments
 * stay in the session's variables. Made by `recorder.ts`.
 */
import type * as tf from "@tensorflow/tfjs-core";
import { CaptureRefused } from "../capture/recorder.ts";
import type { Carried } from "../capture/recorder.ts";
import type { NodeBackend } from "./binding.ts";
import type { RecordedTensor, Recording } from "./recording.ts";
import { ResidentData, Residents, residentTensor } from "./resident.ts";
import type { Fetch } from "./resident.ts";
import { residentGraph } from "./resident_graph.ts";
import type { CarriedValue } from "./resident_graph.ts";
import { Session } from "./session.ts";

/** Where a result comes from: an input, a variable, or an output of the graph. */
type Source = { readonly input: number } | { readonly place: number } | { readonly fetch: number };

/** A carried value with its places among the arguments and the results. */
export interface Pair extends CarriedValue, Carried {}

export interface Form {
  readonly fed: readonly RecordedTensor[];
  readonly computed: readonly (RecordedTensor | undefined)[];
  readonly pairs: readonly Pair[];
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
  readonly #fetches: string;
  readonly #sources: readonly Source[];
  readonly #loadFeeds: string;
  readonly #loaded: string;
  /** Data that was loaded into a variable that nothing writes to, by place. */
  #constants: readonly (object | undefined)[];

  constructor(backend: NodeBackend, label: string, recording: Recording, form: Form) {
    const { fed, computed, pairs, inputs, outputs } = form;
    this.#backend = backend;
    this.#pairs = pairs;
    const graph = residentGraph(recording, pairs);
    this.#session = open(label, () => new Session(backend.binding, graph.nodes));
    this.#fetch = (places, age) => {
      const names = places.map((place) => graph[age][place]!).join();
      return this.#session.run([], "", names).map(({ id }) => id);
    };
    this.#residents = new Residents(this.#fetch);
    this.#constants = pairs.map(() => undefined);
    const resident = new Set(pairs.map(({ input }) => input));
    this.#fedInputs = fed.flatMap((_, input) => (resident.has(input) ? [] : [input]));
    this.#feeds = this.#fedInputs.map((input) => nameOf(fed[input]!)).join();
    this.#loadFeeds = graph.feeds.join();
    this.#loaded = graph.loaded;
    const fetched: string[] = [];
    this.#sources = outputs.map((tensor, output): Source => {
      const made = computed[output];
      if (made === undefined) return { input: inputs.indexOf(tensor) };
      const place = pairs.findIndex((pair) => pair.output === output);
      return place >= 0 ? { place } : { fetch: fetched.push(nameOf(made)) - 1 };
    });
    this.#fetches = [...fetched, graph.done].join();
  }

  replay(values: readonly tf.Tensor[]): tf.Tensor[] {
    const backend = this.#backend;
    if (!this.#isLoaded(values)) this.#load(values);
    this.#residents.beforeRun();
    const ids = backend.getInputTensorIds(this.#fedInputs.map((input) => values[input]!));
    const handles = this.#session.run(ids, this.#feeds, this.#fetches);
    const done = handles.pop()!;
    backend.binding.deleteTensor(done.id);
    const data = this.#pairs.map(({ from, to }, place) =>
      to === undefined ? undefined : new ResidentData(from.shape, from.dtype, place, this.#fetch),
    );
    this.#residents.afterRun(data);
    const results = handles.map((handle) => backend.createOutputTensor(handle));
    return this.#sources.map((source) => {
      if ("input" in source) return values[source.input]!;
      if ("fetch" in source) return results[source.fetch]!;
      return residentTensor(backend, data[source.place]!);
    });
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

const nameOf = ({ node, output }: RecordedTensor): string => `${node}:${output}`;

function open(label: string, make: () => Session): Session {
  try {
    return make();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CaptureRefused(`TensorFlow does not take the graph of the ${label}: ${reason}`);
  }
}
