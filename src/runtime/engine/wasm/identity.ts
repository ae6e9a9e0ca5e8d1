/**
 * `Identity` for the wasm backend: shares the data (tensors do not change), where the shipped kernel copies it. Clones
 * and casts to the same type use it.
 */
import type * as tf from "@tensorflow/tfjs-core";
import type { KernelCall } from "./heap.ts";

export function identity({ inputs, backend }: KernelCall<"x">): tf.TensorInfo {
  const { dataId, shape, dtype } = inputs.x;
  backend.incRef(dataId);
  return { dataId, shape, dtype };
}
