/**
 * The list of kernels this engine adds to tfjs's wasm backend or puts in place of its own. Called once by `startWasm`,
 * after the backend is up (its own kernels are then set up and can still be called by a replacement).
 */
import * as tf from "@tensorflow/tfjs-core";
import { batchMatMul } from "./batch_matmul.ts";
import { conv2DFilterGradient } from "./conv2d_filter_gradient.ts";
import { conv2DInputGradient } from "./conv2d_input_gradient.ts";
import { unsortedSegmentSum } from "./unsorted_segment_sum.ts";

/** Registers every kernel below for the backend `wasm`. */
export function registerTrainingKernels(): void {
  install(tf.BatchMatMul, batchMatMul);
  install(tf.Conv2DBackpropInput, conv2DInputGradient);
  install(tf.UnsortedSegmentSum, unsortedSegmentSum);
  install(tf.Conv2DBackpropFilter, conv2DFilterGradient);
}

function install(kernelName: string, kernelFunc: unknown): void {
  if (tf.getKernel(kernelName, "wasm") !== undefined) tf.unregisterKernel(kernelName, "wasm");
  tf.registerKernel({ kernelName, backendName: "wasm", kernelFunc: kernelFunc as tf.KernelFunc });
}
