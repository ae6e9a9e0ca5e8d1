/**
 * k-means through matrix products: the clusters that NMI compares with the classes.
 *
 * Seeding is k-means++ (Arthur & Vassilvitskii 2007), drawn exactly, in batches; then Lloyd's iterations, in which only
 * the centres that moved are compared with the samples again. Called by `evaluateEmbeddings`; runs its products on the
 * current engine.
 */
import * as tf from "@tensorflow/tfjs-core";
import { counterRandom } from "../random.ts";
import type { Random } from "../random.ts";
import type { Centred } from "./centred.ts";

/** Lloyd's iterations end here if the clusters have not settled before. */
const MAX_ITERATIONS = 30;
/** They also end when the sum of squared distances falls by less than this share. */
const TOLERANCE = 1e-4;
/** Candidates for centres that one matrix product serves. */
const SEED_BATCH = 32;

/**
 * Clusters samples into (at most) k groups.
 *
 * @param centred the samples, from `centre`.
 * @param k number of clusters, at most n.
 * @param seed the run's seed: the same seed and samples give the same clusters on the same engine.
 * @returns [n], cluster of each sample, 0..k-1. Clusters are left empty only when fewer than k samples differ.
 */
export async function kMeans(centred: Centred, k: number, seed: number): Promise<Int32Array> {
  const { n, dim } = centred;
  const samples = tf.tensor2d(centred.values, [n, dim]);
  try {
    const centres = await seedCentres(centred, samples, k, counterRandom(seed, "evaluate/nmi/seeding"));
    return await lloyd(centred, samples, centres, k);
  } finally {
    samples.dispose();
  }
}

/** Dot products of every sample with these vectors [m, dim]: [n, m]. */
async function products(samples: tf.Tensor2D, vectors: Float32Array, dim: number): Promise<Float32Array> {
  const result = tf.tidy(() => {
    const right = tf.transpose(tf.tensor2d(vectors, [vectors.length / dim, dim]));
    return tf.matMul(samples, right);
  });
  try {
    return (await result.data()) as Float32Array;
  } finally {
    result.dispose();
  }
}

/**
 * k-means++: each next centre is a sample, drawn with probability proportional to its squared distance from the nearest
 * centre so far. A batch is drawn from the distances as they were before it; a candidate whose distance has shrunk
 * since is accepted with the ratio of the two, which gives the same distribution. The first of a batch always is.
 */
async function seedCentres(
  centred: Centred,
  samples: tf.Tensor2D,
  k: number,
  random: Random,
): Promise<Float32Array> {
  const { n, dim, values, squaredNorms } = centred;
  const centres = new Float32Array(k * dim);
  const distances = new Float64Array(n).fill(Infinity);
  let chosen = 0;
  let candidates = [random.int(n)];
  while (chosen < k && candidates.length > 0) {
    const before = distances.slice();
    const vectors = new Float32Array(candidates.length * dim);
    candidates.forEach((candidate, c) => vectors.set(row(values, dim, candidate), c * dim));
    const dots = await products(samples, vectors, dim);
    for (let c = 0; c < candidates.length && chosen < k; c++) {
      const candidate = candidates[c]!;
      if (c > 0 && random.uniform() * before[candidate]! >= distances[candidate]!) continue;
      centres.set(row(values, dim, candidate), chosen * dim);
      chosen++;
      for (let i = 0, p = c; i < n; i++, p += candidates.length) {
        const distance = squaredNorms[i]! + squaredNorms[candidate]! - 2 * dots[p]!;
        if (distance < distances[i]!) distances[i] = Math.max(0, distance);
      }
      distances[candidate] = 0;
    }
    candidates = drawProportional(distances, Math.min(SEED_BATCH, k), random);
  }
  // Every sample is on a centre already: the rest are copies, whose clusters stay empty.
  for (; chosen < k; chosen++) centres.set(row(centres, dim, 0), chosen * dim);
  return centres;
}

/** Draws indices with probability proportional to `weights`; none where all are 0. */
function drawProportional(weights: Float64Array, count: number, random: Random): number[] {
  const cumulative = new Float64Array(weights.length);
  let total = 0;
  for (let i = 0; i < weights.length; i++) cumulative[i] = total += weights[i]!;
  if (total === 0) return [];
  return Array.from({ length: count }, () => {
    const target = random.uniform() * total;
    let low = 0;
    let high = weights.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (cumulative[middle]! > target) high = middle;
      else low = middle + 1;
    }
    return low;
  });
}

/** Lloyd's iterations from these centres [k, dim], which are moved in place. */
async function lloyd(
  centred: Centred,
  samples: tf.Tensor2D,
  centres: Float32Array,
  k: number,
): Promise<Int32Array> {
  const { n, dim, squaredNorms } = centred;
  const dots = new Float32Array(n * k);
  const assignment = new Int32Array(n).fill(-1);
  const distances = new Float64Array(n);
  let moved = Array.from({ length: k }, (_, c) => c);
  let previous = Infinity;
  for (let iteration = 0; iteration < MAX_ITERATIONS && moved.length > 0; iteration++) {
    const vectors = new Float32Array(moved.length * dim);
    moved.forEach((c, m) => vectors.set(row(centres, dim, c), m * dim));
    const fresh = await products(samples, vectors, dim);
    for (let i = 0, p = 0; i < n; i++) for (const c of moved) dots[i * k + c] = fresh[p++]!;

    const changed = new Set<number>();
    const norms = Float64Array.from({ length: k }, (_, c) => squaredNorm(centres, dim, c));
    let total = 0;
    for (let i = 0; i < n; i++) {
      let nearest = 0;
      let lowest = Infinity;
      for (let c = 0, p = i * k; c < k; c++, p++) {
        const key = norms[c]! - 2 * dots[p]!;
        if (key < lowest) {
          lowest = key;
          nearest = c;
        }
      }
      distances[i] = Math.max(0, squaredNorms[i]! + lowest);
      total += distances[i]!;
      if (assignment[i] === nearest) continue;
      if (assignment[i]! >= 0) changed.add(assignment[i]!);
      changed.add(nearest);
      assignment[i] = nearest;
    }
    refillEmptyClusters(assignment, distances, k, changed);
    moved = [...changed].sort((a, b) => a - b);
    if (previous - total <= TOLERANCE * total) break;
    previous = total;
    moveCentres(centred.values, assignment, centres, dim, changed);
  }
  return assignment;
}

/** Gives each empty cluster the sample that is farthest from its centre, as long as one is off its centre. */
function refillEmptyClusters(
  assignment: Int32Array,
  distances: Float64Array,
  k: number,
  changed: Set<number>,
): void {
  const sizes = new Int32Array(k);
  for (const c of assignment) sizes[c] = sizes[c]! + 1;
  for (let empty = 0; empty < k; empty++) {
    if (sizes[empty] !== 0) continue;
    let farthest = -1;
    for (let i = 0; i < distances.length; i++) {
      if (sizes[assignment[i]!]! < 2 || distances[i] === 0) continue;
      if (farthest < 0 || distances[i]! > distances[farthest]!) farthest = i;
    }
    if (farthest < 0) return;
    const donor = assignment[farthest]!;
    sizes[donor] = sizes[donor]! - 1;
    sizes[empty] = 1;
    assignment[farthest] = empty;
    distances[farthest] = 0;
    changed.add(donor).add(empty);
  }
}

/** Moves the centres of the changed clusters to the means of their samples; an empty cluster's stays. */
function moveCentres(
  values: Float32Array,
  assignment: Int32Array,
  centres: Float32Array,
  dim: number,
  changed: Set<number>,
): void {
  const sums = new Map([...changed].map((c) => [c, { sum: new Float64Array(dim), size: 0 }]));
  for (let i = 0; i < assignment.length; i++) {
    const cluster = sums.get(assignment[i]!);
    if (cluster === undefined) continue;
    cluster.size++;
    for (let d = 0, p = i * dim; d < dim; d++, p++) cluster.sum[d] = cluster.sum[d]! + values[p]!;
  }
  for (const [c, { sum, size }] of sums) {
    if (size > 0)
      centres.set(
        sum.map((value) => value / size),
        c * dim,
      );
  }
}

function row(values: Float32Array, dim: number, index: number): Float32Array {
  return values.subarray(index * dim, (index + 1) * dim);
}

function squaredNorm(values: Float32Array, dim: number, index: number): number {
  let sum = 0;
  for (let p = index * dim; p < (index + 1) * dim; p++) sum += values[p]! * values[p]!;
  return sum;
}
