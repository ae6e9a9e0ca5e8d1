/**
 * The list of kernels this engine puts in place of the WebGPU backend's own. Called once by `startWebgpu`, after the
 * backend's kernels are there.
 */
import * as tf from "@tensorflow/tfjs-core";
import { cumsum } from "./cumsum.ts";
import { elementwiseKernels } from "./elementwise.ts";
import { onGpu } from "./on_gpu.ts";
import type { Kernel } from "./program.ts";
import { unsortedSegmentSum } from "./segment_sum.ts";

/** Registers every kernel below for the backend `webgpu`. */
export function registerTrainingKernels(): void {
  for (const { name, kernel } of elementwiseKernels) replace(name, () => kernel);
  replace(tf.Cumsum, () => cumsum);
  replace(tf.UnsortedSegmentSum, unsortedSegmentSum);
  replace(tf.GatherNd, onGpu);
}

/** A kernel in place of the shipped one, which it may call in the cases it does not cover. */
function replace<Inputs extends string, Attributes>(
  kernelName: string,
  make: (shipped: Kernel<Inputs, Attributes>) => Kernel<Inputs, Attributes>,
): void {
  const shipped = tf.getKernel(kernelName, "webgpu").kernelFunc;
  const kernelFunc = make(shipped as unknown as Kernel<Inputs, Attributes>) as unknown as tf.KernelFunc;
  tf.unregisterKernel(kernelName, "webgpu");
  tf.registerKernel({ kernelName, backendName: "webgpu", kernelFunc });
}
