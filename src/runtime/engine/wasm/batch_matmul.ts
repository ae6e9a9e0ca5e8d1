/**
 * `BatchMatMul` for the wasm backend in place of the shipped kernel, which takes a plain loop as soon as an operand is
 * transposed or there is more than one matrix: both are the rule in gradients.
 */
import * as tf from "@tensorflow/tfjs-core";
import { type KernelCall, addressOf } from "./heap.ts";
import { multiply } from "./product.ts";

/** Inputs a [.., I, K] and b [.., K, J] (or transposed in the last two axes) with broadcast batch axes; output [.., I, J]. */
export function batchMatMul({
  inputs,
  backend,
  attrs,
}: KernelCall<"a" | "b", tf.BatchMatMulAttrs>): tf.TensorInfo {
  const { a, b } = inputs;
  const { transposeA, transposeB } = attrs;
  if (a.dtype !== "float32" || b.dtype !== "float32")
    throw new Error("matMul needs float32 operands on wasm");
  const [aOuter, bOuter] = [a.shape.slice(0, -2), b.shape.slice(0, -2)];
  const [aRows, aColumns] = a.shape.slice(-2) as [number, number];
  const [bRows, bColumns] = b.shape.slice(-2) as [number, number];
  const [rows, inner] = transposeA ? [aColumns, aRows] : [aRows, aColumns];
  const [bInner, columns] = transposeB ? [bColumns, bRows] : [bRows, bColumns];
  tf.util.assert(inner === bInner, () => `matMul of shapes ${a.shape} and ${b.shape}: inner sizes differ`);
  const outer = tf.broadcast_util.assertAndGetBroadcastShape(aOuter, bOuter);
  const out = backend.makeOutput([...outer, rows, columns], "float32");
  const [aCount, bCount, count] = [aOuter, bOuter, outer].map((shape) => tf.util.sizeFromShape(shape)) as [
    number,
    number,
    number,
  ];
  const sizes = { rows, inner, columns, transposeA, transposeB };
  const at = { a: addressOf(backend, a), b: addressOf(backend, b), c: addressOf(backend, out) };
  const [aStep, bStep] = [4 * rows * inner, 4 * inner * columns];
  if ((aCount === count || aCount === 1) && (bCount === count || bCount === 1)) {
    multiply(backend, { ...at, ...sizes }, count, aCount === 1 ? 0 : aStep, bCount === 1 ? 0 : bStep);
    return out;
  }
  const aIndex = broadcastIndex(outer, aOuter);
  const bIndex = broadcastIndex(outer, bOuter);
  for (let n = 0; n < count; n++) {
    const [from, by] = [at.a + aIndex(n) * aStep, at.b + bIndex(n) * bStep];
    multiply(backend, { ...sizes, a: from, b: by, c: at.c + n * 4 * rows * columns }, 1, 0, 0);
  }
  return out;
}

/** Position in an operand's batch of the n-th matrix of the broadcast batch. */
function broadcastIndex(outer: number[], own: number[]): (n: number) => number {
  const padded = [...Array<number>(outer.length - own.length).fill(1), ...own];
  return (n) => {
    let [rest, index, step] = [n, 0, 1];
    for (let axis = outer.length - 1; axis >= 0; axis--) {
      const coordinate = rest % outer[axis]!;
      rest = Math.floor(rest / outer[axis]!);
      if (padded[axis] !== 1) index += coordinate * step;
      step *= padded[axis]!;
    }
    return index;
  };
}
