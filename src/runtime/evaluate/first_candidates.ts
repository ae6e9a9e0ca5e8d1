/**
 * Nearest neighbours from the largest entries of each row of a matrix product, picked by the engine: only those leave
 * it, not all pairs. They are measured again in float64, and taken only where rounding cannot have hidden another.
 * Called by `retrieve`, on engines whose own selection is fast.
 */
import * as tf from "@tensorflow/tfjs-core";
import { squaredDistance } from "./candidates.ts";
import type { Centred } from "./centred.ts";
import type { Neighbours } from "./retrieve.ts";
import { productError, UNIT_ROUNDOFF } from "./rounding.ts";

export interface FirstNeighbours {
  /** Right for every query but those in `open`, whose places hold nothing. */
  readonly neighbours: Neighbours;
  /** Queries with more candidates, within the rounding error, than were looked at. */
  readonly open: readonly number[];
}

/** Whether the current engine's selection of the largest is worth asking for. */
export const selectsFast = (): boolean => tf.getBackend() === "tensorflow";

/** Entries looked at beyond the query itself and its depth. */
const SPARE = 12;
/** Beyond this depth going through all pairs is faster. */
const DEEPEST = 256;
/** Bytes of the matrix product that is held at a time. */
const BLOCK_BYTES = 2 ** 26;
/** Columns whose maximum is looked at first. */
const STRIP = 64;
/** Score of a column that is no sample: no vector is longer than 1. */
const FAR = -1e6;

/**
 * The `depths[q]` nearest other samples of each sample q, where they can be told from the engine's first candidates;
 * undefined where the depths are too large for that.
 */
export async function firstCandidates(
  embeddings: Float32Array,
  centred: Centred,
  depths: Int32Array,
): Promise<FirstNeighbours | undefined> {
  const { n, dim } = centred;
  const wanted = depths.map((depth) => Math.max(0, Math.min(depth, n - 1)));
  const deepest = wanted.reduce((a, b) => Math.max(a, b), 0);
  if (deepest > DEEPEST || deepest + 1 + SPARE > n) return undefined;
  const offsets = new Int32Array(n + 1);
  for (let q = 0; q < n; q++) offsets[q + 1] = offsets[q]! + wanted[q]!;
  const indices = new Int32Array(offsets[n]!);
  const open: number[] = [];
  const count = deepest + 1 + SPARE;
  const rows = Math.max(1, Math.floor(BLOCK_BYTES / 4 / n));
  const { queries, gallery } = operands(centred);
  try {
    for (let start = 0; start < n; start += rows) {
      const size = Math.min(rows, n - start);
      const largest = tf.tidy(() => {
        const scores = tf.matMul(tf.slice(queries, [start, 0], [size, dim + 1]), gallery);
        return largestOfRows(scores as tf.Tensor2D, count);
      });
      const scores = (await largest.values.data()) as Float32Array;
      const columns = (await largest.columns.data()) as Int32Array;
      tf.dispose([largest.values, largest.columns]);
      for (let row = 0; row < size; row++) {
        const query = start + row;
        const [from, to] = [row * count, (row + 1) * count];
        const nearest = settle(
          embeddings,
          centred,
          query,
          wanted[query]!,
          scores.subarray(from, to),
          columns.subarray(from, to),
        );
        if (nearest === undefined) open.push(query);
        else indices.set(nearest, offsets[query]!);
      }
    }
  } finally {
    tf.dispose([queries, gallery]);
  }
  return { neighbours: { offsets, indices }, open };
}

/**
 * The `count` largest entries of each row and their columns. Selecting costs more than the product does, so it is done
 * twice over little: of the maxima of strips of columns, then within the strips with the largest, which hold them all.
 */
function largestOfRows(scores: tf.Tensor2D, count: number): { values: tf.Tensor; columns: tf.Tensor } {
  const [rows, columns] = scores.shape;
  const strips = columns / STRIP;
  if (strips <= 2 * count) {
    const { values, indices } = tf.topk(scores, count);
    return { values, columns: indices };
  }
  const grid = tf.reshape(scores, [rows, strips, STRIP]);
  const { indices: chosen } = tf.topk(tf.max(grid, 2), count);
  const within = tf.reshape(tf.gather(grid, chosen as tf.Tensor2D, 1, 1), [rows, count * STRIP]);
  const { values, indices } = tf.topk(within, count);
  const strip = tf.gather(chosen, tf.cast(tf.floorDiv(indices, STRIP), "int32") as tf.Tensor2D, 1, 1);
  return { values, columns: tf.add(tf.mul(strip, STRIP), tf.mod(indices, STRIP)) };
}

/**
 * Two matrices whose product has q·x - ‖x‖²/2 in row q and column x, which is larger the nearer x is to q: [n, dim + 1]
 * and [dim + 1, m], where m is n filled up to whole strips with columns that are far from everything.
 */
function operands({ n, dim, values, squaredNorms }: Centred): { queries: tf.Tensor2D; gallery: tf.Tensor2D } {
  const filled = Math.ceil(n / STRIP) * STRIP;
  return tf.tidy(() => {
    const all = tf.tensor2d(values, [n, dim]);
    const halves = new Float32Array(filled).fill(FAR);
    squaredNorms.forEach((norm, x) => (halves[x] = -norm / 2));
    return {
      queries: tf.concat([all, tf.ones([n, 1])], 1) as tf.Tensor2D,
      gallery: tf.concat(
        [
          tf.transpose(
            tf.pad(all, [
              [0, filled - n],
              [0, 0],
            ]),
          ),
          tf.tensor2d(halves, [1, filled]),
        ],
        0,
      ) as tf.Tensor2D,
    };
  });
}

/**
 * The `depth` nearest of a query among its first candidates, by their distance in float64, then index; undefined if one
 * that was not among them could be nearer. Key of a candidate: D² - ‖query‖², that is -2 times its score.
 */
function settle(
  embeddings: Float32Array,
  { dim, scale, squaredNorms }: Centred,
  query: number,
  depth: number,
  scores: Float32Array,
  columns: Int32Array,
): number[] | undefined {
  if (depth === 0) return [];
  const norm = squaredNorms[query]!;
  const found: { index: number; squared: number }[] = [];
  let worst = 0;
  for (let k = 0; k < scores.length; k++) {
    const index = columns[k]!;
    if (index === query) continue;
    const squared = squaredDistance(embeddings, dim, query, index);
    const exact = squared * scale * scale - norm;
    worst = Math.max(worst, Math.abs(exact + 2 * scores[k]!));
    found.push({ index, squared });
  }
  found.sort((a, b) => a.squared - b.squared || a.index - b.index);
  const farthest = found[depth - 1];
  if (farthest === undefined) return undefined;
  // Nothing that was left out has a higher score than the last that was not, within the error of both; products coarser than float32 show in the distances measured twice.
  const error = Math.max(bound(dim, norm), 4 * worst);
  const leastLeftOut = -2 * scores[scores.length - 1]! - error;
  if (farthest.squared * scale * scale - norm >= leastLeftOut) return undefined;
  return found.slice(0, depth).map(({ index }) => index);
}

/**
 * Bound on the error of -2 times a score as an estimate of the key, no vector being longer than 1: the product of
 * dim + 1 terms is within γ(‖q‖‖x‖ + ‖x‖²/2) (`productError`), and rounding moved each vector by at most u times its
 * length, and half the squared norm likewise.
 */
function bound(dim: number, squaredNorm: number): number {
  const gamma = productError(dim + 1);
  const length = Math.sqrt(squaredNorm);
  return 2 * gamma * (length + 0.5) + 2.1 * UNIT_ROUNDOFF * (length + 1) ** 2;
}
