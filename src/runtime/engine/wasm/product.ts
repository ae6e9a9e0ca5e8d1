/**
 * Products on the backend's memory: the general walk of `simd/product.ts` cut into its blocks, and row-major matrix
 * products, which the shipped kernel does in a plain loop when an operand is transposed or there are several. Used by
 * the kernels of this folder.
 */
import type { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import { floats, integers, loopNamed, loops, withScratch } from "./heap.ts";
import { type BlockSize, blockSizes, productName } from "./simd/product.ts";

/** Positions of the inner axis walked with one block of the result in registers. */
const POSITIONS = 256;

/** C[r, c] += sum over positions of A(r, p) * B[p, c]; lengths and steps as in `simd/product.ts`. */
export interface Walk {
  readonly a: number;
  readonly offsets: number;
  readonly rows: number;
  readonly pointStep: number;
  readonly width: number;
  readonly lineStep: number;
  readonly height: number;
  readonly b: number;
  readonly bStep: number;
  readonly c: number;
  readonly cStep: number;
  readonly columns: number;
}

/** Adds the products to C: whole blocks by the largest size, what is left by smaller ones. */
export function accumulateProduct(backend: BackendWasm, walk: Walk): void {
  const { a, offsets, rows, pointStep, width, lineStep, height, b, bStep, c, cStep, columns } = walk;
  for (const size of blockSizes) {
    const [row, rowCount] = rowPart(rows, size.rows);
    const [column, columnCount] = columnPart(columns, size.columns);
    if (rowCount === 0 || columnCount === 0) continue;
    const at = c + row * cStep + 4 * column;
    loopNamed(backend, productName(size))(
      a,
      offsets + 4 * row,
      rowCount,
      pointStep,
      width,
      lineStep,
      height,
      b + 4 * column,
      bStep,
      at,
      cStep,
      columnCount,
    );
  }
}

/** First row and number of rows for blocks of four rows, or of the single rows they leave. */
function rowPart(rows: number, block: BlockSize["rows"]): [number, number] {
  const inFours = rows - (rows % 4);
  return block === 4 ? [0, inFours] : [inFours, rows - inFours];
}

/** First column and number of columns for blocks of eight, of the four that may be left, and of single columns. */
function columnPart(columns: number, block: BlockSize["columns"]): [number, number] {
  const inEights = columns - (columns % 8);
  const inFours = columns - (columns % 4);
  if (block === 8) return [0, inEights];
  return block === 4 ? [inEights, inFours - inEights] : [inFours, columns - inFours];
}

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
  const { transpose } = loops(backend);
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
        accumulateProduct(backend, {
          a: a + from * pointStep,
          offsets,
          rows,
          pointStep,
          width,
          lineStep: 0,
          height: 1,
          b: b + from * 4 * columns,
          bStep: 4 * columns,
          c,
          cStep: 4 * columns,
          columns,
        });
      }
    }
  });
}
