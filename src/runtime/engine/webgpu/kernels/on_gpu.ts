/**
 * Kernels of the backend that must not take its way round the GPU: small operands whose values are still on the CPU are
 * computed there, and `GatherNd` then leaves what it has reshaped behind.
 */
import * as tf from "@tensorflow/tfjs-core";
import type { Kernel } from "./program.ts";

const FLAG = "WEBGPU_CPU_FORWARD";

/** The kernel, always on the GPU. */
export function onGpu<Inputs extends string, Attributes>(
  shipped: Kernel<Inputs, Attributes>,
): Kernel<Inputs, Attributes> {
  return (call) => {
    const before = tf.env().getBool(FLAG);
    tf.env().set(FLAG, false);
    try {
      return shipped(call);
    } finally {
      tf.env().set(FLAG, before);
    }
  };
}
