/**
 * Tensors that stay in the session's variables from one run to the next: parameters, state and the optimiser's slots,
 * which on a GPU would otherwise travel to the host and back at every step. To tfjs they are tensors like any other; one
 * that something else wants to read is fetched at that moment.
 *
 * The session holds two generations: the current one, and one before, which the caller wanted to go on reading when it
 * asked for the step that followed. What is held longer than that is fetched before it is overwritten. Made by
 * `recorder.ts`.
 */
import * as tf from "@tensorflow/tfjs-core";
import type { NodeBackend, TensorData } from "./binding.ts";

/** The generations a session holds. */
export type Age = "current" | "previous";

/** Fetches variables: the numbers of new tensors with the values of these places. */
export type Fetch = (places: readonly number[], age: Age) => number[];

/** The data of one tensor in a variable; tfjs-node's own once it has been fetched. */
export class ResidentData implements TensorData {
  readonly shape: readonly number[];
  readonly dtype: number;
  readonly values = null;
  refCount = 1;
  /** Which variable of the session. */
  readonly place: number;
  age: Age = "current";
  #id = -1;
  #fetch: Fetch | undefined;

  constructor(shape: readonly number[], dtype: number, place: number, fetch: Fetch) {
    this.shape = shape;
    this.dtype = dtype;
    this.place = place;
    this.#fetch = fetch;
  }

  /** Whether its values are in a variable and nowhere else. */
  get inSession(): boolean {
    return this.#fetch !== undefined;
  }

  /** The binding's number of the tensor; fetches it if it is in the session. */
  get id(): number {
    const fetch = this.#fetch;
    if (fetch !== undefined) this.id = fetch([this.place], this.age)[0]!;
    return this.#id;
  }

  set id(id: number) {
    this.#id = id;
    this.#fetch = undefined;
  }

  /** Its tensor is gone, so its values are no longer wanted. */
  forget(): void {
    this.#fetch = undefined;
  }

  /** Its values are gone: another run has written over them, as whoever asked for it allowed. */
  giveUp(): void {
    this.#fetch = () => {
      throw new Error("this tensor was given up to the call that took it: its values are gone");
    };
  }
}

/** The resident tensors of one session. */
export class Residents {
  readonly #fetch: Fetch;
  /** By place; undefined where the variable's value stays the same. */
  #current: readonly (ResidentData | undefined)[] = [];
  #previous: readonly (ResidentData | undefined)[] = [];

  constructor(fetch: Fetch) {
    this.#fetch = fetch;
  }

  /** Whether this data is what the variable at `place` now holds; it may have been fetched as well. */
  holds(data: TensorData, place: number): boolean {
    return this.#current[place] === data;
  }

  /** Before the previous generation is overwritten with the current one. */
  beforeKeeping(): void {
    this.#rescue(this.#previous, "previous");
    this.#previous = [];
  }

  /** Whether something may still read the current generation. */
  get isHeld(): boolean {
    return this.#current.some((data) => data?.inSession === true);
  }

  /** Before the current generation is overwritten from outside. */
  beforeLoad(): void {
    this.#rescue(this.#current, "current");
    this.#current = [];
  }

  /** Once the current generation has been kept as the previous one. */
  kept(): void {
    for (const data of this.#current) if (data !== undefined) data.age = "previous";
    this.#previous = this.#current;
    this.#current = [];
  }

  /** After a run: the variables hold `next`, by place. What they held before and was not kept is gone. */
  afterRun(next: readonly (ResidentData | undefined)[]): void {
    for (const data of this.#current) if (data?.inSession === true) data.giveUp();
    this.#current = next;
  }

  /** Before the session is closed. */
  beforeClose(): void {
    this.#rescue(this.#previous, "previous");
    this.#rescue(this.#current, "current");
    this.#previous = [];
    this.#current = [];
  }

  #rescue(list: readonly (ResidentData | undefined)[], age: Age): void {
    const wanted = list.filter((data) => data?.inSession === true) as ResidentData[];
    if (wanted.length === 0) return;
    const ids = this.#fetch(
      wanted.map(({ place }) => place),
      age,
    );
    wanted.forEach((data, k) => (data.id = ids[k]!));
  }
}

/** Lets the backend give up a tensor that is in a session without fetching it first. */
export function disposeResidentsOf(backend: NodeBackend): void {
  const disposeData = backend.disposeData.bind(backend);
  backend.disposeData = (dataId: object, force = false): boolean => {
    const data = backend.tensorMap.has(dataId) ? backend.tensorMap.get(dataId) : undefined;
    if (!(data instanceof ResidentData) || !data.inSession) return disposeData(dataId, force);
    data.refCount--;
    if (!force && data.refCount > 0) return false;
    data.forget();
    backend.tensorMap.delete(dataId);
    return true;
  };
}

/** A tfjs tensor over resident data. */
export function residentTensor(backend: NodeBackend, data: ResidentData): tf.Tensor {
  const dataId = {};
  backend.tensorMap.set(dataId, data);
  return tf.engine().makeTensorFromTensorInfo({ dataId, shape: [...data.shape], dtype: "float32" });
}
