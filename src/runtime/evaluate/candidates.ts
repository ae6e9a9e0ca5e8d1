/**
 * For each query, the samples that may still be among its nearest: what `retrieve` fills while it scans the pairs.
 *
 * A candidate carries a key, the rounded estimate of D² - ‖query‖². Between pruning, a list may hold more than it
 * needs; nothing is dropped that could be nearer, within the error bound, than the candidates that are kept. Pure.
 */
import type { Centred } from "./centred.ts";
import type { Neighbours } from "./retrieve.ts";

/** Room beyond twice the depth, so that pruning is rare. */
const SPARE = 64;

export class CandidateLists {
  /** [n]: a candidate whose key is above its query's limit cannot be among its neighbours. */
  readonly limits: Float64Array;
  /** Largest error of a key relative to its bound, over all pairs measured exactly. Above 1, the bound was wrong. */
  worstErrorRatio = 0;

  private readonly embeddings: Float32Array;
  private readonly centred: Centred;
  private readonly depths: Int32Array;
  private readonly bounds: Float64Array;
  private readonly starts: Float64Array;
  private readonly counts: Int32Array;
  private readonly indices: Int32Array;
  private readonly keys: Float64Array;

  /**
   * @param depths [n], neighbours wanted of each query.
   * @param bounds [n], bound on the error of each query's keys.
   */
  constructor(embeddings: Float32Array, centred: Centred, depths: Int32Array, bounds: Float64Array) {
    const { n } = centred;
    this.embeddings = embeddings;
    this.centred = centred;
    this.depths = depths.map((depth) => Math.min(depth, n - 1));
    this.bounds = bounds;
    this.limits = new Float64Array(n);
    this.starts = new Float64Array(n + 1);
    this.counts = new Int32Array(n);
    for (let q = 0; q < n; q++) {
      const depth = this.depths[q]!;
      this.limits[q] = depth > 0 ? Infinity : -Infinity;
      this.starts[q + 1] = this.starts[q]! + (depth > 0 ? Math.min(2 * depth + SPARE, n - 1) : 0);
    }
    this.indices = new Int32Array(this.starts[n]!);
    this.keys = new Float64Array(this.starts[n]!);
  }

  /**
   * Adds sample `index` to the list of `query`. The caller has held its key against the limit, and offers each query
   * its candidates in ascending order of index.
   */
  offer(query: number, index: number, key: number): void {
    const position = this.starts[query]! + this.counts[query]!;
    this.indices[position] = index;
    this.keys[position] = key;
    this.counts[query] = this.counts[query]! + 1;
    if (position + 1 === this.starts[query + 1]!) {
      this.pruneByKey(query);
      if (this.counts[query]! > this.depths[query]! + SPARE / 2) this.pruneExactly(query);
    }
  }

  /** The final neighbours, all measured exactly. */
  neighbours(): Neighbours {
    const { n } = this.centred;
    const offsets = new Int32Array(n + 1);
    for (let q = 0; q < n; q++) offsets[q + 1] = offsets[q]! + this.depths[q]!;
    const indices = new Int32Array(offsets[n]!);
    for (let q = 0; q < n; q++) {
      if (this.depths[q] === 0) continue;
      this.pruneByKey(q);
      this.pruneExactly(q);
      const start = this.starts[q]!;
      indices.set(this.indices.subarray(start, start + this.depths[q]!), offsets[q]!);
    }
    return { offsets, indices };
  }

  /** Drops what is farther than the depth-th nearest by more than the keys' errors can explain. */
  private pruneByKey(query: number): void {
    const start = this.starts[query]!;
    const count = this.counts[query]!;
    const depth = this.depths[query]!;
    if (count <= depth) return;
    const sorted = this.keys.slice(start, start + count).sort();
    const limit = Math.min(this.limits[query]!, sorted[depth - 1]! + 2 * this.bounds[query]!);
    let kept = start;
    for (let p = start; p < start + count; p++) {
      if (this.keys[p]! > limit) continue;
      this.keys[kept] = this.keys[p]!;
      this.indices[kept] = this.indices[p]!;
      kept++;
    }
    this.counts[query] = kept - start;
    this.limits[query] = limit;
  }

  /** Measures every candidate in float64, sorts by distance, then index, and keeps no more than the depth. */
  private pruneExactly(query: number): void {
    const { dim, scale, squaredNorms } = this.centred;
    const start = this.starts[query]!;
    const bound = this.bounds[query]!;
    const candidates: { index: number; key: number; squared: number; exact: number }[] = [];
    for (let p = start; p < start + this.counts[query]!; p++) {
      const index = this.indices[p]!;
      const squared = squaredDistance(this.embeddings, dim, query, index);
      const exact = squared * scale * scale - squaredNorms[query]!;
      const error = Math.abs(exact - this.keys[p]!);
      if (error > bound * this.worstErrorRatio) this.worstErrorRatio = error / bound;
      candidates.push({ index, key: this.keys[p]!, squared, exact });
    }
    candidates.sort((a, b) => a.squared - b.squared || a.index - b.index);
    const kept = Math.min(candidates.length, this.depths[query]!);
    for (let rank = 0; rank < kept; rank++) {
      this.indices[start + rank] = candidates[rank]!.index;
      this.keys[start + rank] = candidates[rank]!.key;
    }
    this.counts[query] = kept;
    if (kept === this.depths[query]) {
      const farthest = candidates[kept - 1]!;
      // Copies of the query fill the list: nothing is nearer, and what is still to come has a higher index.
      this.limits[query] = farthest.squared === 0 ? -Infinity : farthest.exact + bound;
    }
  }
}

/** Squared Euclidean distance of rows `a` and `b` of [n, dim] embeddings, in float64. */
export function squaredDistance(embeddings: Float32Array, dim: number, a: number, b: number): number {
  let sum = 0;
  for (let p = a * dim, q = b * dim, end = p + dim; p < end; p++, q++) {
    const difference = embeddings[p]! - embeddings[q]!;
    sum += difference * difference;
  }
  return sum;
}
