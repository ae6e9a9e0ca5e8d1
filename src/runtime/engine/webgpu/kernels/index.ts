/**
 * The list of kernels this engine puts in place of the WebGPU backend's own. Called once by `startWebgpu`, after the
 * backend's kernels are there.
 */
import * as tf from "@tensorflow/tfjs-core";
import { kernelsOf } from "../../registry.ts";
import { cumsum } from "./cumsum.ts";
import { elementwiseKernels } from "./elementwise.ts";
import { onGpu } from "./on_gpu.ts";
import { unsortedSegmentSum } from "./segment_sum.ts";

const { replace } = kernelsOf("webgpu");

/** Registers every kernel below for the backend `webgpu`. */
export function registerTrainingKernels(): void {
  for (const { name, kernel } of elementwiseKernels) replace(name, () => kernel);
  replace(tf.Cumsum, () => cumsum);
  replace(tf.UnsortedSegmentSum, unsortedSegmentSum);
  replace(tf.GatherNd, onGpu<string, unknown>);
}
