/**
 * Calls of the backend's own kernels on values that lie at known addresses, without the tensors and the bookkeeping of
 * tfjs. Called by `compile.ts` for whatever is not a generated loop.
 *
 * A kernel finds its operands by data ids and asks the backend for room for its result. Ids of values that stay in place
 * are registered once; those of arguments and results are the tensors' own. While a kernel runs, the backend gives it
 * the place of the result when it asks for one of that type and size. If the kernel took that place for something else
 * or returns another one, its result is copied.
 */
import * as tf from "@tensorflow/tfjs-core";
import type { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import { bytes } from "../heap.ts";
import { type Node, type Value, bytesOf } from "./graph.ts";

/** Kernels that keep something prepared for the id of an operand, and so must see a new id whenever the data change. */
const remembering = new Set<string>([
  tf._FusedMatMul,
  tf.FusedConv2D,
  tf.FusedDepthwiseConv2D,
  tf.DepthwiseConv2dNative,
  tf.Conv2D,
  tf.Prelu,
]);

/** References that no kernel gives back: the data of a recording outlive every kernel. */
const MANY = 2 ** 40;

interface Info {
  dataId: object;
  readonly shape: number[];
  readonly dtype: tf.DataType;
}

interface Registered {
  readonly id: number;
  readonly memoryOffset: number;
  refCount: number;
}

/** The ids under which kernels know the values of a recording. */
export class Ids {
  readonly #backend: BackendWasm;
  readonly #placeOf: (value: Value) => number | undefined;
  readonly #fixed = new Map<Value, object>();
  readonly #bound: { readonly info: Info; readonly value: Value }[] = [];

  constructor(backend: BackendWasm, placeOf: (value: Value) => number | undefined) {
    this.#backend = backend;
    this.#placeOf = placeOf;
  }

  /** What a kernel is told of a value; of one that moves, after `bind`. */
  info(value: Value, shape: readonly number[]): Info {
    const info: Info = { dataId: {}, shape: [...shape], dtype: value.type };
    const address = this.#placeOf(value);
    if (address === undefined) {
      this.#bound.push({ info, value });
      return info;
    }
    const known = this.#fixed.get(value);
    info.dataId = known ?? register(this.#backend, address, info);
    this.#fixed.set(value, info.dataId);
    return info;
  }

  /** Runs `body` with the movable values known under the ids that `idOf` gives, which no kernel then gives back. */
  protect(idOf: (value: Value) => tf.DataId, body: () => void): void {
    const before = new Map<Registered, number>();
    for (const { info, value } of this.#bound) {
      info.dataId = idOf(value);
      const data = this.#backend.dataIdMap.get(info.dataId) as unknown as Registered;
      if (!before.has(data)) before.set(data, data.refCount);
      data.refCount = MANY;
    }
    try {
      body();
    } finally {
      for (const [data, count] of before) data.refCount = count;
    }
  }

  dispose(): void {
    for (const dataId of this.#fixed.values()) unregister(this.#backend, dataId);
  }
}

/** An id for data at an address that is not the backend's to free. */
function register(backend: BackendWasm, address: number, { shape, dtype }: Info): object {
  const { dataId } = backend.makeOutput(shape, dtype, address);
  (backend.dataIdMap.get(dataId) as unknown as Registered).refCount = MANY;
  return dataId;
}

function unregister(backend: BackendWasm, dataId: object): void {
  const { id } = backend.dataIdMap.get(dataId) as unknown as Registered;
  (backend.wasm as unknown as { tfjs: { disposeData(id: number): void } }).tfjs.disposeData(id);
  backend.dataIdMap.delete(dataId);
}

/** A function that runs one kernel. */
export function callOf(backend: BackendWasm, node: Node, ids: Ids): () => void {
  const { kernelFunc } = tf.getKernel(node.kernel, "wasm");
  const entries = Object.entries(node.inputs).map(
    ([name, { value, shape }]) => [name, ids.info(value, shape)] as const,
  );
  const results = node.outputs.map(({ value, shape }) => ({ value, info: ids.info(value, shape) }));
  const attrs = node.attributes as tf.NamedAttrMap;
  const inputs = namedInputs(entries, node.list);
  const call = { inputs, backend, attrs };
  if (!remembering.has(node.kernel)) return () => into(backend, results, () => kernelFunc(call));
  return () => {
    const renamed = entries.map(([name, info]) => {
      const { memoryOffset } = backend.dataIdMap.get(info.dataId) as unknown as Registered;
      return [name, { ...info, dataId: register(backend, memoryOffset, info) }] as const;
    });
    into(backend, results, () => kernelFunc({ ...call, inputs: namedInputs(renamed, node.list) }));
    for (const [, { dataId }] of renamed) unregister(backend, dataId);
  };
}

function namedInputs(entries: readonly (readonly [string, Info])[], list: boolean): tf.NamedTensorInfoMap {
  const named = list ? entries.map(([, info]) => info) : Object.fromEntries(entries);
  return named as unknown as tf.NamedTensorInfoMap;
}

/** Runs a kernel so that its results lie where they belong. */
function into(
  backend: BackendWasm,
  results: readonly { readonly value: Value; readonly info: Info }[],
  run: () => tf.TensorInfo | tf.TensorInfo[],
): void {
  const free = [...results];
  const { makeOutput } = backend;
  backend.makeOutput = (shape, dtype, address, values) => {
    const size = tf.util.sizeFromShape(shape);
    const asksForRoom = (address ?? undefined) === undefined && (values ?? undefined) === undefined;
    const place = asksForRoom
      ? free.findIndex(({ value }) => value.type === dtype && value.size === size)
      : -1;
    if (place < 0) return makeOutput.call(backend, shape, dtype, address, values);
    const [{ info }] = free.splice(place, 1) as [(typeof results)[number]];
    return { dataId: info.dataId, shape, dtype };
  };
  let made: tf.TensorInfo | tf.TensorInfo[];
  try {
    made = run();
  } finally {
    // Put back, not deleted: an object loses its fast form when it loses a property.
    backend.makeOutput = makeOutput;
  }
  (Array.isArray(made) ? made : [made]).forEach(({ dataId }, index) => {
    const { value, info } = results[index]!;
    if (dataId === info.dataId) return;
    const from = backend.getMemoryOffset(dataId);
    bytes(backend).copyWithin(backend.getMemoryOffset(info.dataId), from, from + bytesOf(value));
    backend.disposeData(dataId);
  });
}
