/**
 * `UnsortedSegmentSum` for the WebGPU backend. Its own adds atomically, in an order that changes from run to run, takes
 * ids from the end of the segments as further ones, and reads ids as float32, exact up to 2^24 only.
 */
import * as tf from "@tensorflow/tfjs-core";
import { type Kernel, type KernelCall, runProgram } from "./program.ts";

type SegmentSum = Kernel<"x" | "segmentIds", tf.UnsortedSegmentSumAttrs>;

/** Steps of all invocations together above which the atomic form is taken: this one walks all ids for every output. */
const MOST_STEPS = 2 ** 34;

/** Inputs x [S, ..], segmentIds [S]; output [numSegments, ..]. Ids outside [0, numSegments) belong to no segment. */
export function unsortedSegmentSum(shipped: SegmentSum): SegmentSum {
  return (call: KernelCall<"x" | "segmentIds", tf.UnsortedSegmentSumAttrs>) => {
    const { inputs, backend, attrs } = call;
    const { x, segmentIds } = inputs;
    const { numSegments } = attrs;
    const rows = tf.util.sizeFromShape(segmentIds.shape);
    const inner = tf.util.sizeFromShape(x.shape.slice(1));
    if (rows * numSegments * inner > MOST_STEPS) return shipped(call);
    return runProgram(
      backend,
      {
        key: "segment_sum",
        dtype: x.dtype,
        inputs: ["x", "ids"],
        uniforms: ["rows", "inner"],
        entry: `
          let segment = index / uniforms.inner;
          let column = index - segment * uniforms.inner;
          for (var row = 0; row < uniforms.rows; row = row + 1) {
            if (ids[row] == segment) { value = value + f32(x[row * uniforms.inner + column]); }
          }`,
      },
      [x, segmentIds],
      [numSegments, ...x.shape.slice(1)],
      [rows, inner],
    );
  };
}
