/**
 * The list of kernels this engine adds to tfjs's wasm backend or puts in place of its own. Called once by `startWasm`,
 * after the backend is up (its own kernels are then set up and can still be called by a replacement).
 */
import * as tf from "@tensorflow/tfjs-core";
import { conv2DFilterGradient } from "./conv2d_filter_gradient.ts";

/** Registers every kernel below for the backend `wasm`. */
export function registerTrainingKernels(): void {
  install(tf.Conv2DBackpropFilter, conv2DFilterGradient);
}

function install(kernelName: string, kernelFunc: unknown): void {
  if (tf.getKernel(kernelName, "wasm") !== undefined) tf.unregisterKernel(kernelName, "wasm");
  tf.registerKernel({ kernelName, backendName: "wasm", kernelFunc: kernelFunc as tf.KernelFunc });
}
