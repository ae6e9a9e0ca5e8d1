/**
 * The metrics that read nearest neighbours: Recall@K, MAP@R, R-precision and kNN accuracy. Pure functions of the
 * neighbours and the labels, called by `evaluateEmbeddings`.
 *
 * The query is never in its own gallery. R is the number of other samples of the query's class; queries with R = 0
 * have no right answer and are left out of every mean.
 */
import type { Neighbours } from "./retrieve.ts";

/** [n], number of other samples of each sample's class. */
export function othersOfClass(labels: Int32Array): Int32Array {
  const sizes = new Map<number, number>();
  for (const label of labels) sizes.set(label, (sizes.get(label) ?? 0) + 1);
  return labels.map((label) => sizes.get(label)! - 1);
}

/** Mean of `score(query, R)` over the queries whose class has other samples. */
function meanOverQueries(relevant: Int32Array, score: (query: number, R: number) => number): number {
  let sum = 0;
  let queries = 0;
  for (let query = 0; query < relevant.length; query++) {
    const R = relevant[query]!;
    if (R === 0) continue;
    sum += score(query, R);
    queries++;
  }
  return sum / queries;
}

/** Share of the queries with a sample of their class among their K nearest. */
export function recallAt(
  K: number,
  neighbours: Neighbours,
  labels: Int32Array,
  relevant: Int32Array,
): number {
  const { offsets, indices } = neighbours;
  return meanOverQueries(relevant, (query) => {
    const end = Math.min(offsets[query]! + K, offsets[query + 1]!);
    for (let p = offsets[query]!; p < end; p++) if (labels[indices[p]!] === labels[query]) return 1;
    return 0;
  });
}

/** Mean over the queries of the share of their class among their R nearest. */
export function rPrecision(neighbours: Neighbours, labels: Int32Array, relevant: Int32Array): number {
  const { offsets, indices } = neighbours;
  return meanOverQueries(relevant, (query, R) => {
    let hits = 0;
    for (let p = offsets[query]!; p < offsets[query]! + R; p++) {
      if (labels[indices[p]!] === labels[query]) hits++;
    }
    return hits / R;
  });
}

/**
 * Mean over the queries of (1/R) Σ_{i ≤ R} P(i)·[the i-th nearest is of the class], P(i) the precision among the i
 * nearest (Musgrave, Belongie & Lim 2020, "A metric learning reality check", §3.2).
 */
export function mapAtR(neighbours: Neighbours, labels: Int32Array, relevant: Int32Array): number {
  const { offsets, indices } = neighbours;
  return meanOverQueries(relevant, (query, R) => {
    let hits = 0;
    let sum = 0;
    for (let rank = 1; rank <= R; rank++) {
      if (labels[indices[offsets[query]! + rank - 1]!] !== labels[query]) continue;
      hits++;
      sum += hits / rank;
    }
    return sum / R;
  });
}

/** Share of the queries whose class is the most frequent among their k nearest; the class of the nearest wins ties. */
export function knnAccuracy(
  k: number,
  neighbours: Neighbours,
  labels: Int32Array,
  relevant: Int32Array,
): number {
  const { offsets, indices } = neighbours;
  return meanOverQueries(relevant, (query) => {
    const end = Math.min(offsets[query]! + k, offsets[query + 1]!);
    const votes = new Map<number, number>();
    for (let p = offsets[query]!; p < end; p++) {
      const label = labels[indices[p]!]!;
      votes.set(label, (votes.get(label) ?? 0) + 1);
    }
    let winner: number | undefined;
    // A Map iterates in order of insertion, nearest first, and only a strictly larger count displaces the winner.
    for (const [label, count] of votes)
      if (winner === undefined || count > votes.get(winner)!) winner = label;
    return winner === labels[query] ? 1 : 0;
  });
}
