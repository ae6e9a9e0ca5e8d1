/**
 * Exact nearest neighbours of every sample among all the others, by Euclidean distance.
 *
 * The distances of all pairs are computed as float32 matrix products in tiles, each tile serving both its triangle's
 * halves. Rounding is bounded, everything that may belong to a query's neighbours within that bound is kept, and what
 * is kept is measured again in float64 from the embeddings as given. So the result does not depend on the engine, on
 * the tiles, or on near-duplicates, and equal distances are ordered by index. One call serves all retrieval metrics.
 *
 * An engine that sorts fast finds the candidates itself (`first_candidates.ts`); queries for which that is not proven to
 * be enough go through all pairs.
 */
import * as tf from "@tensorflow/tfjs-core";
import { CandidateLists } from "./candidates.ts";
import type { Centred } from "./centred.ts";
import { firstCandidates, selectsFast } from "./first_candidates.ts";
import { productError, UNIT_ROUNDOFF } from "./rounding.ts";

/** The neighbours of query q are `indices[offsets[q]] .. indices[offsets[q + 1] - 1]`, nearest first, never q itself. */
export interface Neighbours {
  /** [n + 1] */
  readonly offsets: Int32Array;
  readonly indices: Int32Array;
}

/** How many pairs are held at a time; results do not depend on it. */
export interface Tile {
  readonly rows: number;
  readonly columns: number;
}

/** 8 MB of float32: large enough for full speed of the matrix product, small enough to stay near the processor. */
const DEFAULT_TILE: Tile = { rows: 4096, columns: 512 };

/**
 * The `depths[q]` nearest other samples of each sample q, nearest first; equal distances by lowest index.
 *
 * @param embeddings [n, dim], as given.
 * @param centred the same embeddings, from `centre`.
 * @param depths [n], number of neighbours wanted of each query; 0 leaves a query out, more than n - 1 means all.
 * @param tile how many pairs to hold at a time.
 */
export async function retrieve(
  embeddings: Float32Array,
  centred: Centred,
  depths: Int32Array,
  tile: Tile = DEFAULT_TILE,
): Promise<Neighbours> {
  if (depths.every((depth) => depth <= 0)) {
    return { offsets: new Int32Array(centred.n + 1), indices: new Int32Array(0) };
  }
  const first = selectsFast() ? await firstCandidates(embeddings, centred, depths) : undefined;
  if (first === undefined) return allPairs(embeddings, centred, depths, tile);
  if (first.open.length === 0) return first.neighbours;
  // What could not be told from the first candidates alone: equal distances, mostly.
  const open = new Int32Array(depths.length);
  for (const query of first.open) open[query] = depths[query]!;
  return merged(first.neighbours, await allPairs(embeddings, centred, open, tile), first.open);
}

/** Neighbours of the queries in `open` from `second`, of all others from `first`. */
function merged(first: Neighbours, second: Neighbours, open: readonly number[]): Neighbours {
  for (const query of open) {
    const [from, to] = [second.offsets[query]!, second.offsets[query + 1]!];
    first.indices.set(second.indices.subarray(from, to), first.offsets[query]!);
  }
  return first;
}

/** Neighbours by going through all pairs. */
async function allPairs(
  embeddings: Float32Array,
  centred: Centred,
  depths: Int32Array,
  tile: Tile,
): Promise<Neighbours> {
  const bounds = errorBounds(centred);
  for (;;) {
    const lists = new CandidateLists(embeddings, centred, depths, bounds);
    await scan(centred, lists, tile);
    const neighbours = lists.neighbours();
    // An engine whose products are coarser than float32 (TF32) shows in the distances measured twice: widen, repeat.
    if (lists.worstErrorRatio <= 1) return neighbours;
    for (let q = 0; q < bounds.length; q++) bounds[q] = bounds[q]! * 4 * lists.worstErrorRatio;
  }
}

/**
 * Bound on the error of `squaredNorms[j] - 2 * product(q, j)` as an estimate of (scaled) D² - ‖q‖², for every j.
 *
 * The dot product of two float32 vectors is within γ‖a‖‖b‖ (`productError`); rounding the centred vectors moves each by
 * at most u times its length.
 */
function errorBounds(centred: Centred): Float64Array {
  const { n, dim, squaredNorms } = centred;
  const gamma = productError(dim);
  const longest = Math.sqrt(squaredNorms.reduce((a, b) => Math.max(a, b), 0));
  const bounds = new Float64Array(n);
  for (let q = 0; q < n; q++) {
    const length = Math.sqrt(squaredNorms[q]!);
    bounds[q] = 2 * gamma * length * longest + 2.1 * UNIT_ROUNDOFF * (length + longest) ** 2;
  }
  return bounds;
}

/** Offers every ordered pair of different samples to the lists, tile by tile of the lower triangle. */
async function scan(centred: Centred, lists: CandidateLists, tile: Tile): Promise<void> {
  const { n, dim, values } = centred;
  const all = tf.tensor2d(values, [n, dim]);
  try {
    for (let column = 0; column < n; column += tile.columns) {
      const columns = Math.min(tile.columns, n - column);
      // Transposed here, once: products with a transposed operand are an order slower on wasm.
      const transposed = tf.tidy(() => tf.transpose(tf.slice(all, [column, 0], [columns, dim])));
      try {
        for (let row = column; row < n; row += tile.rows) {
          const rows = Math.min(tile.rows, n - row);
          const product = tf.tidy(() => tf.matMul(tf.slice(all, [row, 0], [rows, dim]), transposed));
          try {
            offerTile((await product.data()) as Float32Array, row, rows, column, columns, centred, lists);
          } finally {
            product.dispose();
          }
        }
      } finally {
        transposed.dispose();
      }
    }
  } finally {
    all.dispose();
  }
}

/** Offers the pairs (i, j), j < i, of one tile of dot products [rows, columns] to both their lists. */
function offerTile(
  products: Float32Array,
  row: number,
  rows: number,
  column: number,
  columns: number,
  centred: Centred,
  lists: CandidateLists,
): void {
  const { squaredNorms } = centred;
  const { limits } = lists;
  for (let i = row; i < row + rows; i++) {
    const norm = squaredNorms[i]!;
    const end = Math.min(column + columns, i);
    for (let j = column, p = (i - row) * columns; j < end; j++, p++) {
      const twice = 2 * products[p]!;
      const keyOfJ = squaredNorms[j]! - twice;
      if (keyOfJ <= limits[i]!) lists.offer(i, j, keyOfJ);
      const keyOfI = norm - twice;
      if (keyOfI <= limits[j]!) lists.offer(j, i, keyOfI);
    }
  }
}
