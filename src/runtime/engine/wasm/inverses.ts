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
  const work = new Float64Array(size);
  for (let each = 0; each < count; each++) {
    work.set(given.subarray(each * size, (each + 1) * size));
    if (invert(work, n)) made.set(work, each * size);
    else made.fill(0, each * size, (each + 1) * size);
  }
  return out;
}

/** Inverts a matrix [n, n] in place, row by row in memory; false for a singular one, which is left half done. */
function invert(a: Float64Array, n: number): boolean {
  let largest = 0;
  for (let i = 0; i < a.length; i++) largest = Math.max(largest, Math.abs(a[i]!));
  const exchanged = new Int32Array(n);
  for (let k = 0; k < n; k++) {
    let best = k;
    for (let i = k + 1; i < n; i++) if (Math.abs(a[i * n + k]!) > Math.abs(a[best * n + k]!)) best = i;
    const pivot = a[best * n + k]!;
    if (!(Math.abs(pivot) > SINGULAR * largest)) return false;
    exchanged[k] = best;
    const from = k * n;
    if (best !== k) {
      const row = a.slice(from, from + n);
      a.copyWithin(from, best * n, best * n + n);
      a.set(row, best * n);
    }
    a[from + k] = 1;
    for (let j = 0; j < n; j++) a[from + j]! /= pivot;
    for (let i = 0; i < n; i++) {
      if (i === k) continue;
      const to = i * n;
      const factor = a[to + k]!;
      a[to + k] = 0;
      if (factor !== 0) for (let j = 0; j < n; j++) a[to + j]! -= factor * a[from + j]!;
    }
  }
  // Rows were exchanged: the inverse has the columns exchanged, in the opposite order.
  for (let k = n - 1; k >= 0; k--) {
    const other = exchanged[k]!;
    if (other === k) continue;
    for (let i = 0; i < n; i++) {
      const held = a[i * n + k]!;
      a[i * n + k] = a[i * n + other]!;
      a[i * n + other] = held;
    }
  }
  return true;
}
