/**
 * Row-major matrix products on the backend's memory: C = A·B for one pair of matrices, either of them transposed. The
 * shipped kernel multiplies transposed and batched operands in a plain loop. Used by the kernels of this folder.
 */
import type { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import { floats, integers, loops, withScratch } from "./heap.ts";

/** Positions of the inner axis walked with one block of the result in registers. */
const POSITIONS = 256;

export interface Product {
  /** Addresses of A [rows, inner] or its transpose, B [inner, columns] or its transpose, and C [rows, columns]. */
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly rows: number;
  readonly inner: number;
  readonly columns: number;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

/** Computes `count` products whose matrices lie `aStep`, `bStep` and C's size in bytes apart. */
export function multiply(
  backend: BackendWasm,
  first: Product,
  count: number,
  aStep: number,
  bStep: number,
): void {
  const { rows, inner, columns, transposeA, transposeB } = first;
  if (rows * columns * count === 0) return;
  floats(backend, first.c, rows * columns * count).fill(0);
  const { accumulateProduct, transpose } = loops(backend);
  withScratch(backend, [4 * rows, transposeB ? 4 * inner * columns : 0], (offsets, turned) => {
    const rowStep = transposeA ? 4 : 4 * inner;
    const pointStep = transposeA ? 4 * rows : 4;
    integers(backend, offsets, rows).forEach((_, row, all) => (all[row] = row * rowStep));
    for (let n = 0; n < count; n++) {
      const a = first.a + n * aStep;
      const c = first.c + n * 4 * rows * columns;
      let b = first.b + n * bStep;
      if (transposeB) {
        if (n === 0 || bStep !== 0) transpose(turned, b, columns, inner);
        b = turned;
      }
      for (let from = 0; from < inner; from += POSITIONS) {
        const width = Math.min(POSITIONS, inner - from);
        accumulateProduct(
          a + from * pointStep,
          offsets,
          rows,
          pointStep,
          width,
          0,
          1,
          b + from * 4 * columns,
          4 * columns,
          c,
          4 * columns,
          columns,
        );
      }
    }
  });
}
