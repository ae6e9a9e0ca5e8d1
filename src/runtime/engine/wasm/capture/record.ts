/**
 * Runs a function once as it is, and notes every kernel call of the wasm backend. Called by `recorder.ts`. While the
 * function runs it puts itself before the backend's kernels and reads, and takes itself away afterwards.
 *
 * What depends on no argument is a constant: its value is noted, not how it came about. The function runs on copies of
 * its arguments, so that a tensor it knows from elsewhere is never taken for an argument with the same data.
 */
import * as tf from "@tensorflow/tfjs-core";
import type { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import { CaptureRefused, type TensorFunction } from "../../capture/recorder.ts";
import {
  type Constant,
  type ElementType,
  type Graph,
  type Node,
  type Result,
  type View,
  type Value,
} from "./graph.ts";
import { Values } from "./graph.ts";

/** Kernels whose results have shapes that depend on the numbers, or that draw numbers. */
const unrepeatable = new Set<string>([
  tf.Multinomial,
  tf.NonMaxSuppressionV3,
  tf.NonMaxSuppressionV4,
  tf.NonMaxSuppressionV5,
  tf.Unique,
  tf.SparseFillEmptyRows,
  tf.SparseReshape,
  tf.StaticRegexReplace,
]);
/** Kernels whose result depends on the shape of their input only. */
const ofShape = new Set<string>([tf.ZerosLike, tf.OnesLike]);

/** Whether a function is being recorded: what another recording does then would go unseen. */
let recording = false;

/** @throws CaptureRefused while a function is being recorded. */
export function refuseInside(): void {
  if (recording) throw new CaptureRefused("it calls a function that is captured itself");
}

export interface Run {
  readonly graph: Graph;
  readonly values: Values;
  /** The function's own results. */
  readonly outputs: tf.Tensor[];
}

/** @throws CaptureRefused when what the function did cannot be repeated; what it throws passes through. */
export function recordRun(backend: BackendWasm, fn: TensorFunction, inputs: readonly tf.Tensor[]): Run {
  const tape = new Tape(backend);
  const copies = inputs.map((input) => copyOf(backend, input));
  try {
    const args = copies.map((copy) => tape.argument(copy));
    const results = tape.during(() => fn(copies));
    const outputs = results.map((result) => {
      const argument = copies.indexOf(result);
      return argument < 0 ? result : inputs[argument]!;
    });
    const spec = results.map((result): Result => {
      const argument = copies.indexOf(result);
      return argument < 0 ? { view: tape.view(result) } : { argument };
    });
    return {
      graph: { nodes: tape.nodes, arguments: args, constants: tape.constants, results: spec },
      values: tape.values,
      outputs,
    };
  } finally {
    for (const copy of copies) copy.dispose();
  }
}

function copyOf(backend: BackendWasm, input: tf.Tensor): tf.Tensor {
  const type = elementType(input);
  const values = backend.readSync(input.dataId) as Float32Array | Int32Array | Uint8Array;
  return tf.keep(tf.engine().makeTensor(values, input.shape, type, backend) as tf.Tensor);
}

function elementType({ dtype }: tf.TensorInfo): ElementType {
  if (dtype !== "float32" && dtype !== "int32" && dtype !== "bool") {
    throw new CaptureRefused(`it computes with tensors of type ${dtype}`);
  }
  return dtype;
}

class Tape {
  readonly values = new Values();
  readonly nodes: Node[] = [];
  readonly constants = new Map<Value, Constant>();
  readonly #backend: BackendWasm;
  /** Values by the data they were computed in; data of constants may be listed or not. */
  readonly #known = new WeakMap<object, Value>();
  /** Constants with equal content are one value. */
  readonly #contents = new Map<string, { readonly value: Value; readonly bytes: Uint8Array }[]>();

  constructor(backend: BackendWasm) {
    this.#backend = backend;
  }

  argument(tensor: tf.Tensor): Value {
    const value = this.values.make(elementType(tensor), tensor.size);
    this.#known.set(tensor.dataId, value);
    return value;
  }

  /** The value of a tensor, which is a constant unless it came from a recorded call or is an argument. */
  view(tensor: tf.TensorInfo): View {
    const shape = [...tensor.shape];
    const known = this.#known.get(tensor.dataId);
    if (known !== undefined) return { value: known, shape };
    const constant = this.#constant(tensor);
    this.#known.set(tensor.dataId, constant);
    return { value: constant, shape };
  }

  /** Runs `body` with every outer kernel call noted and every read checked. */
  during<T>(body: () => T): T {
    const kernels = tf.getKernelsForBackend("wasm").map((config) => ({ config, shipped: config.kernelFunc }));
    const { readSync } = this.#backend;
    let inside = false;
    refuseInside();
    recording = true;
    for (const { config, shipped } of kernels) {
      config.kernelFunc = (call) => {
        if (inside) return shipped(call);
        inside = true;
        try {
          const outputs = shipped(call);
          this.#note(config.kernelName, call.inputs, call.attrs ?? {}, outputs);
          return outputs;
        } finally {
          inside = false;
        }
      };
    }
    this.#backend.readSync = (dataId, start, end) => {
      if (!inside && this.#depends(dataId)) {
        throw new CaptureRefused("it reads a value back while it runs, and may act on it");
      }
      return readSync.call(this.#backend, dataId, start, end);
    };
    try {
      return body();
    } finally {
      recording = false;
      for (const { config, shipped } of kernels) config.kernelFunc = shipped;
      // Put back, not deleted: an object loses its fast form when it loses a property.
      this.#backend.readSync = readSync;
    }
  }

  #depends(dataId: object): boolean {
    const value = this.#known.get(dataId);
    return value !== undefined && !this.constants.has(value);
  }

  #note(
    kernel: string,
    given: tf.NamedTensorInfoMap,
    attributes: Record<string, unknown>,
    outputs: tf.TensorInfo | tf.TensorInfo[],
  ): void {
    const tensors = Object.entries(given).filter(
      (entry): entry is [string, tf.TensorInfo] => entry[1] !== undefined && entry[1] !== null,
    );
    if (ofShape.has(kernel) || !tensors.some(([, { dataId }]) => this.#depends(dataId))) return;
    if (unrepeatable.has(kernel)) throw new CaptureRefused(`${kernel} gives something else on other numbers`);
    const inputs = Object.fromEntries(tensors.map(([name, tensor]) => [name, this.view(tensor)]));
    const results = Array.isArray(outputs) ? outputs : [outputs];
    // A result that shares the data of an input is that value in another shape.
    const shares = results.filter((output) => tensors.some(([, { dataId }]) => dataId === output.dataId));
    if (shares.length === results.length) return;
    if (shares.length > 0) throw new CaptureRefused(`${kernel} gives some of its inputs back`);
    const views = results.map((output) => {
      const value = this.values.make(elementType(output), tf.util.sizeFromShape(output.shape));
      this.#known.set(output.dataId, value);
      return { value, shape: [...output.shape] };
    });
    this.nodes.push({
      kernel,
      inputs,
      list: Array.isArray(given),
      attributes: { ...attributes },
      outputs: views,
    });
  }

  #constant(tensor: tf.TensorInfo): Value {
    const type = elementType(tensor);
    const size = tf.util.sizeFromShape(tensor.shape);
    const held = this.#backend.readSync(tensor.dataId) as Float32Array | Int32Array | Uint8Array;
    const uniform = uniformNumber(held);
    const bytes =
      uniform === undefined
        ? new Uint8Array(held.buffer, held.byteOffset, held.byteLength)
        : new Uint8Array();
    const key = `${type} ${size} ${uniform ?? hash(bytes)}`;
    const same = this.#contents.get(key) ?? [];
    const found = same.find((each) => uniform !== undefined || equalBytes(each.bytes, bytes));
    if (found !== undefined) return found.value;
    const value = this.values.make(type, size);
    this.#contents.set(key, [...same, { value, bytes }]);
    this.constants.set(value, uniform === undefined ? { bytes, uniform } : { uniform });
    return value;
  }
}

/** The number all elements are; undefined where they differ, where there are none, and for a NaN or a negative zero. */
function uniformNumber(values: Float32Array | Int32Array | Uint8Array): number | undefined {
  const first = values[0];
  if (first === undefined || Object.is(first, -0)) return undefined;
  for (const value of values) if (value !== first || Object.is(value, -0)) return undefined;
  return first;
}

function hash(bytes: Uint8Array): number {
  let state = 2166136261;
  for (const byte of bytes) state = Math.imul(state ^ byte, 16777619);
  return state;
}

const equalBytes = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, index) => byte === b[index]);
