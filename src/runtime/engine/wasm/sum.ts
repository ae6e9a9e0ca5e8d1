/**
 * `Sum` and `Mean` for the wasm backend over axes that leave the last one in place, as in bias gradients and global
 * average pooling; the shipped kernels transpose the whole tensor first. Other axes go to the shipped kernels.
 */
import * as tf from "@tensorflow/tfjs-core";
import type { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import { type Kernel, addressOf, floats, loops } from "./heap.ts";

/** Rows summed at a time: see `simd/columns.ts`. */
const STRIP = 256;

interface Attributes {
  readonly axis: number | number[];
  readonly keepDims: boolean;
}

/** Input x; output x summed (or averaged) over the axes. Replaces `shipped`, which it may call. */
export function reduceColumns(
  kind: "sum" | "mean",
): (shipped: Kernel<"x", Attributes>) => Kernel<"x", Attributes> {
  return (shipped) => (call) => {
    const { inputs, backend, attrs } = call;
    const { x } = inputs;
    const axes = tf.util.parseAxisParam(attrs.axis, x.shape).toSorted((a, b) => a - b);
    const [first, last] = [axes[0] ?? 0, axes.at(-1) ?? 0];
    const contiguous = last - first + 1 === axes.length && axes.length > 0;
    if (x.dtype !== "float32" || !contiguous || last === x.shape.length - 1) return shipped(call);
    const outer = tf.util.sizeFromShape(x.shape.slice(0, first));
    const rows = tf.util.sizeFromShape(x.shape.slice(first, last + 1));
    const columns = tf.util.sizeFromShape(x.shape.slice(last + 1));
    if (outer * rows * columns === 0) return shipped(call);
    const shape = x.shape.flatMap((length, axis) =>
      axes.includes(axis) ? (attrs.keepDims ? [1] : []) : [length],
    );
    const out = backend.makeOutput(shape, "float32");
    const [from, to] = [addressOf(backend, x), addressOf(backend, out)];
    for (let n = 0; n < outer; n++)
      addColumns(backend, from + 4 * n * rows * columns, rows, columns, to + 4 * n * columns);
    if (kind === "mean") {
      const means = floats(backend, to, outer * columns);
      for (let i = 0; i < means.length; i++) means[i]! /= rows;
    }
    return out;
  };
}

/** Writes the column sums of [rows, columns] at `x` to `out`. */
export function addColumns(
  backend: BackendWasm,
  x: number,
  rows: number,
  columns: number,
  out: number,
): void {
  const { sumColumns } = loops(backend);
  floats(backend, out, columns).fill(0);
  eachStrip(rows, columns, (offset, count) => sumColumns(count, columns, out, x + offset));
}

/** Calls `visit` with the byte offset and the number of rows of each strip of a matrix. */
export function eachStrip(
  rows: number,
  columns: number,
  visit: (offset: number, count: number) => void,
): void {
  for (let row = 0; row < rows; row += STRIP) visit(4 * row * columns, Math.min(STRIP, rows - row));
}
