/**
 * `UnsortedSegmentSum` for the wasm backend, which ships without it: the gradient of tf.gather needs it.
 */
import * as tf from "@tensorflow/tfjs-core";
import { type KernelCall, addressOf, floats, integers } from "./heap.ts";

/** Inputs x [S, ..], segmentIds [S]; output [numSegments, ..]. Ids outside [0, numSegments) belong to no segment. */
export function unsortedSegmentSum({
  inputs,
  backend,
  attrs,
}: KernelCall<"x" | "segmentIds", tf.UnsortedSegmentSumAttrs>): tf.TensorInfo {
  const { x, segmentIds } = inputs;
  const { numSegments } = attrs;
  if (x.dtype !== "float32") throw new Error("unsortedSegmentSum needs float32 values on wasm");
  const inner = tf.util.sizeFromShape(x.shape.slice(1));
  const count = tf.util.sizeFromShape(segmentIds.shape);
  const out = backend.makeOutput([numSegments, ...x.shape.slice(1)], "float32");
  const values = floats(backend, addressOf(backend, x), count * inner);
  const ids = integers(backend, addressOf(backend, segmentIds), count);
  const sums = floats(backend, addressOf(backend, out), numSegments * inner).fill(0);
  for (let i = 0; i < count; i++) {
    const id = ids[i]!;
    if (id < 0 || id >= numSegments) continue;
    for (let j = 0, from = i * inner, to = id * inner; j < inner; j++) sums[to + j]! += values[from + j]!;
  }
  return out;
}
