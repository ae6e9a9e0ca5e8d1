/**
 * The list of kernels this engine adds to tfjs's wasm backend or puts in place of its own. Called once by `startWasm`,
 * after the backend is up (its own kernels are then set up and can still be called by a replacement).
 */
import * as tf from "@tensorflow/tfjs-core";
import {
  BATCH_NORM_BACKWARD,
  BATCH_NORM_FORWARD,
  BATCH_STATISTICS,
  INVERSES,
  RELU_GRADIENT,
} from "../kernel_names.ts";
import { kernelsOf } from "../registry.ts";
import { batchMatMul } from "./batch_matmul.ts";
import { batchNormBackward, batchNormForward, batchStatistics } from "./batch_norm.ts";
import { broadcastKernel } from "./broadcast.ts";
import { conv2D } from "./conv2d.ts";
import { conv2DFilterGradient } from "./conv2d_filter_gradient.ts";
import { conv2DInputGradient } from "./conv2d_input_gradient.ts";
import { gather, tile } from "./copies.ts";
import { identity } from "./identity.ts";
import { inverses } from "./inverses.ts";
import { averagePoolGradient, maxPool, maxPoolGradient } from "./pool.ts";
import { reluGradient } from "./relu_gradient.ts";
import { reduceColumns } from "./sum.ts";
import { runKernels } from "./simd/runs.ts";
import { unsortedSegmentSum } from "./unsorted_segment_sum.ts";

const { add, replace } = kernelsOf("wasm");

/** Registers every kernel below for the backend `wasm`. */
export function registerTrainingKernels(): void {
  add(tf.Conv2DBackpropFilter, conv2DFilterGradient);
  add(tf.UnsortedSegmentSum, unsortedSegmentSum);
  add(BATCH_STATISTICS, batchStatistics);
  add(BATCH_NORM_FORWARD, batchNormForward);
  add(BATCH_NORM_BACKWARD, batchNormBackward);
  add(RELU_GRADIENT, reluGradient);
  add(INVERSES, inverses);
  replace(tf.BatchMatMul, () => batchMatMul);
  replace(tf.Conv2D, conv2D);
  replace(tf.Conv2DBackpropInput, () => conv2DInputGradient);
  replace(tf.Identity, () => identity);
  replace(tf.MaxPool, maxPool);
  replace(tf.MaxPoolGrad, () => maxPoolGradient);
  replace(tf.AvgPoolGrad, () => averagePoolGradient);
  replace(tf.Sum, reduceColumns("sum"));
  replace(tf.Mean, reduceColumns("mean"));
  replace(tf.Tile, tile);
  replace(tf.GatherV2, gather);
  for (const { name, types, result } of runKernels) replace(name, broadcastKernel(name, types, result));
}
