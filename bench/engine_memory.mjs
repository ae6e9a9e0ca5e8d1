/**
 * What tfjs and its engine hold: numbers that garbage has no part in. Used by memory_flat.mjs and by
 * test/train/memory_flat.test.ts.
 */
import * as tf from "@tensorflow/tfjs-core";

/** @returns what is held now; the handles of tfjs-node's binding and wasm's memory where the engine has them */
export function engineMemory() {
  const { numTensors, numBytes } = tf.memory();
  const { binding, wasm } = tf.backend();
  return {
    tensors: numTensors,
    tensor_bytes: numBytes,
    ...(binding?.getNumOfTensors === undefined ? {} : { binding_handles: binding.getNumOfTensors() }),
    ...(wasm === undefined ? {} : { wasm_bytes: wasm.HEAPU8.length }),
  };
}
