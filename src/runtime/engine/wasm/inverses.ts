/**
 * `Inverses` for the wasm backend: matrices inverted in float64 by elimination with row exchanges. Registered by
 * `kernels.ts`; what it computes is said in `../kernel_names.ts`.
 */
import * as tf from "@tensorflow/tfjs-core";
import { type KernelCall, addressOf, floats } from "./heap.ts";

/** A pivot of at most this share of the largest entry makes a matrix singular. */
const SINGULAR = 1e-6;

/** Input x [s, n, n]; output of the same shape. */
export function inverses({ inputs, backend }: KernelCall<"x", object>): tf.TensorInfo {
  const { x } = inputs;
  const [count, n] = x.shape as [number, number, number];
  const out = backend.makeOutput([count, n, n], "float32");
  const size = n * n;
  const given = floats(backend, addressOf(backend, x), count * size);
  const made = floats(backend, addressOf(backend, out), count * size);
  for (let each = 0; each < count; each++) {
    const rows = Array.from({ length: n }, (_, i) => {
      const from = each * size + i * n;
      return Float64Array.from(given.subarray(from, from + n));
    });
    const inverse = inverted(rows);
    for (let i = 0; i < n; i++) {
      const from = each * size + i * n;
      if (inverse === undefined) made.fill(0, from, from + n);
      else made.set(inverse[i]!, from);
    }
  }
  return out;
}

/** The rows of the inverse of a matrix, whose rows are used up; undefined for a singular one. */
function inverted(rows: Float64Array[]): Float64Array[] | undefined {
  const n = rows.length;
  const largest = rows.reduce((most, row) => row.reduce((high, v) => Math.max(high, Math.abs(v)), most), 0);
  const exchanged = new Int32Array(n);
  for (let k = 0; k < n; k++) {
    let best = k;
    for (let i = k + 1; i < n; i++) if (Math.abs(rows[i]![k]!) > Math.abs(rows[best]![k]!)) best = i;
    exchanged[k] = best;
    [rows[k], rows[best]] = [rows[best]!, rows[k]!];
    const row = rows[k]!;
    const pivot = row[k]!;
    if (!(Math.abs(pivot) > SINGULAR * largest)) return undefined;
    row[k] = 1;
    for (let j = 0; j < n; j++) row[j]! /= pivot;
    for (const other of rows) {
      if (other === row) continue;
      const factor = other[k]!;
      other[k] = 0;
      if (factor !== 0) subtract(other, row, factor);
    }
  }
  // Rows were exchanged: the inverse has the columns exchanged, in the opposite order.
  for (let k = n - 1; k >= 0; k--) {
    const other = exchanged[k]!;
    if (other !== k) for (const row of rows) [row[k], row[other]] = [row[other]!, row[k]!];
  }
  return rows;
}

/** row -= factor · other, four numbers at a time: where all the time goes. */
function subtract(row: Float64Array, other: Float64Array, factor: number): void {
  const { length } = row;
  let j = 0;
  for (; j + 4 <= length; j += 4) {
    row[j]! -= factor * other[j]!;
    row[j + 1]! -= factor * other[j + 1]!;
    row[j + 2]! -= factor * other[j + 2]!;
    row[j + 3]! -= factor * other[j + 3]!;
  }
  for (; j < length; j++) row[j]! -= factor * other[j]!;
}
