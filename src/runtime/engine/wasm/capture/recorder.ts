/**
 * Captured functions on the wasm engine: a function runs once while its kernel calls are noted; the record is
 * simplified, put together into loops and calls, and replayed on memory laid out beforehand. `startEngine` hands this
 * out; `../../capture/capture.ts` uses it.
 *
 *   record.ts → simplify.ts → groups.ts → recompute.ts → memory.ts → loop.ts, products.ts, pieces.ts, calls.ts
 *
 * the last five put together by compile.ts.
 */
import * as tf from "@tensorflow/tfjs-core";
import type { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import type { Recorded, Recorder, Recording } from "../../capture/recorder.ts";
import { compile } from "./compile.ts";
import type { Constant, Graph, Result, Value, View } from "./graph.ts";
import { recordRun, refuseInside } from "./record.ts";
import { simplify } from "./simplify.ts";

/** The recorder of the wasm engine, which must have been started. */
export const wasmRecorder: Recorder = {
  record(_label, fn, inputs): Recorded {
    const backend = tf.backend() as BackendWasm;
    const { graph, values, outputs } = recordRun(backend, fn, inputs);
    return { outputs, recording: recordingOf(backend, simplify(graph, values)) };
  },
};

/** How a result is made: given the tensors and data ids of a replay. */
type MakeResult = (inputs: readonly tf.Tensor[], ids: ReadonlyMap<Value, tf.DataId>) => tf.Tensor;

function recordingOf(backend: BackendWasm, graph: Graph): Recording {
  const computed = new Map<Value, View>();
  const makers = graph.results.map((result) => makerOf(backend, graph, result, computed));
  const compiled = compile(backend, graph, [...graph.arguments, ...computed.keys()]);
  return {
    replay(inputs) {
      refuseInside();
      const ids = new Map(graph.arguments.map((value, index) => [value, inputs[index]!.dataId]));
      for (const [value, { shape }] of computed) {
        ids.set(value, backend.makeOutput([...shape], value.type).dataId);
      }
      try {
        compiled.run((value) => ids.get(value)!);
      } catch (error) {
        for (const value of computed.keys()) backend.disposeData(ids.get(value)!);
        throw error;
      }
      return makers.map((make) => make(inputs, ids));
    },
    dispose: () => compiled.dispose(),
  };
}

/** How one result is made; a value that is computed for it is added to `computed`. */
function makerOf(backend: BackendWasm, graph: Graph, result: Result, computed: Map<Value, View>): MakeResult {
  if ("argument" in result) return (inputs) => inputs[result.argument]!;
  const { value } = result.view;
  const shape = [...result.view.shape];
  const constant = graph.constants.get(value);
  if (constant !== undefined) {
    const numbers = numbersOf(value, constant);
    return () => tf.engine().makeTensor(numbers, shape, value.type, backend) as tf.Tensor;
  }
  const first = !computed.has(value) && !graph.arguments.includes(value);
  if (first) computed.set(value, result.view);
  return (_, ids) => {
    const dataId = ids.get(value)!;
    if (!first) backend.incRef(dataId);
    return tf.engine().makeTensorFromTensorInfo({ dataId, shape, dtype: value.type }, backend);
  };
}

function numbersOf({ type, size }: Value, constant: Constant): Float32Array | Int32Array | Uint8Array {
  const Numbers = { float32: Float32Array, int32: Int32Array, bool: Uint8Array }[type];
  if (constant.uniform !== undefined) return new Numbers(size).fill(constant.uniform);
  const { buffer, byteOffset } = constant.bytes;
  return new Numbers(buffer as ArrayBuffer, byteOffset, size);
}
