/**
 * Matrix products and transpositions of a recording, as calls of the engine's loops with everything that does not change
 * worked out beforehand. Called by `compile.ts`; `simplify.ts` has taken transposed right-hand matrices apart into a
 * transposition, shared by all products with that matrix, and a product.
 */
import * as tf from "@tensorflow/tfjs-core";
import type { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import { floats, integers, loopNamed, loops } from "../heap.ts";
import { blockSizes, productName } from "../simd/product.ts";
import { type Node, type Value, sizeOf } from "./graph.ts";

/** Positions of the inner axis walked with one block of the result in registers. */
const POSITIONS = 256;

export interface Surroundings {
  /** The address of a value at this replay. */
  readonly at: (value: Value) => number;
  /** The address of memory that no other step touches. */
  readonly own: number;
}

/** Memory of its own that a step needs, in bytes; undefined for a call that is no step of this file. */
export function ownBytes(node: Node): number | undefined {
  if (isSwap(node)) return 0;
  return isProduct(node) ? 4 * sizesOf(node).rows : undefined;
}

export function stepOf(backend: BackendWasm, node: Node, around: Surroundings): () => void {
  return isSwap(node) ? swapStep(backend, node, around) : productStep(backend, node, around);
}

/** A transposition of the last two axes. */
function isSwap({ kernel, inputs, attributes }: Node): boolean {
  if (kernel !== tf.Transpose || inputs["x"]!.value.type !== "float32") return false;
  const perm = attributes["perm"] as readonly number[];
  const rank = perm.length;
  return rank >= 2 && perm.every((axis, place) => axis === (place < rank - 2 ? place : 2 * rank - 3 - place));
}

function swapStep(backend: BackendWasm, { inputs, outputs }: Node, { at }: Surroundings): () => void {
  const { value, shape } = inputs["x"]!;
  const [rows, columns] = shape.slice(-2) as [number, number];
  const count = sizeOf(shape.slice(0, -2));
  const result = outputs[0]!.value;
  const { transpose } = loops(backend);
  const step = 4 * rows * columns;
  return () => {
    const [from, to] = [at(value), at(result)];
    for (let n = 0; n < count; n++) transpose(to + n * step, from + n * step, rows, columns);
  };
}

/** Batches of products of which either matrix may be one for all. */
function isProduct({ kernel, inputs, attributes, outputs }: Node): boolean {
  if (kernel !== tf.BatchMatMul || attributes["transposeB"] === true) return false;
  const { a, b } = inputs as { a: Node["outputs"][number]; b: Node["outputs"][number] };
  if (a.value.type !== "float32" || b.value.type !== "float32" || outputs[0]!.value.size === 0) return false;
  const count = sizeOf(outputs[0]!.shape.slice(0, -2));
  return [a, b].every(({ shape }) => [1, count].includes(sizeOf(shape.slice(0, -2))));
}

function sizesOf({ inputs, attributes, outputs }: Node): { rows: number; inner: number; columns: number } {
  const [rows, columns] = outputs[0]!.shape.slice(-2) as [number, number];
  return { rows, columns, inner: inputs["a"]!.shape.at(attributes["transposeA"] === true ? -2 : -1)! };
}

function productStep(backend: BackendWasm, node: Node, { at, own }: Surroundings): () => void {
  const { rows, inner, columns } = sizesOf(node);
  const transposed = node.attributes["transposeA"] === true;
  const [a, b] = [node.inputs["a"]!, node.inputs["b"]!];
  const result = node.outputs[0]!.value;
  const count = result.size / (rows * columns);
  const aStep = a.value.size === rows * inner ? 0 : 4 * rows * inner;
  const bStep = b.value.size === inner * columns ? 0 : 4 * inner * columns;
  const rowStep = transposed ? 4 : 4 * inner;
  const pointStep = transposed ? 4 * rows : 4;
  integers(backend, own, rows).forEach((_, row, all) => (all[row] = row * rowStep));
  const [fours, eights] = [rows - (rows % 4), columns - (columns % 8)];
  const blocks = blockSizes
    .map((size) => {
      const [row, rowCount] = size.rows === 4 ? [0, fours] : [fours, rows - fours];
      const edge = columns - (columns % 4);
      const [column, columnCount] =
        size.columns === 8
          ? [0, eights]
          : size.columns === 4
            ? [eights, edge - eights]
            : [edge, columns - edge];
      return { run: loopNamed(backend, productName(size)), row, rowCount, column, columnCount };
    })
    .filter(({ rowCount, columnCount }) => rowCount > 0 && columnCount > 0);
  const line = 4 * columns;
  return () => {
    const [left, right, to] = [at(a.value), at(b.value), at(result)];
    floats(backend, to, result.size).fill(0);
    for (let n = 0; n < count; n++) {
      const [aAt, bAt, cAt] = [left + n * aStep, right + n * bStep, to + n * rows * line];
      for (let from = 0; from < inner; from += POSITIONS) {
        const width = Math.min(POSITIONS, inner - from);
        for (const { run, row, rowCount, column, columnCount } of blocks) {
          run(
            aAt + from * pointStep,
            own + 4 * row,
            rowCount,
            pointStep,
            width,
            0,
            1,
            bAt + from * line + 4 * column,
            line,
            cAt + row * line + 4 * column,
            line,
            columnCount,
          );
        }
      }
    }
  };
}
