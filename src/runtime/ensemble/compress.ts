/**
 * `compress: distances(to: d)`: an ensemble's embedding in d dimensions that keeps its distances, behind the heads. What
 * every form of compression shares stands here too; `compress_fold.ts` has those that replace the heads.
 *
 * The ensemble embedding is u = concat_h √v_h·f_h, its metric D² = ‖u - u'‖² = Σ_h v_h ‖f_h - f_h'‖². With V_d the d
 * axes of largest variance of u, z = V_dᵀ(u - mean) never lengthens a distance, and of all linear contractions to d
 * dimensions it loses the least squared distance on average: 2 Σ_{i>d} λ_i over independent pairs, λ the variances.
 * Among all n x d configurations whatsoever it is closest in inner products (`strain`: classical scaling; Eckart & Young
 * 1936).
 *
 * `stress` asks for the closest squared distances in the mean of squares. For normally distributed u the axes are the same,
 * and the variances that are kept grow by what the others have lost: λ_i + c with c = Σ_{i>d} λ_i / (d + 2).
 *
 * Fitted on training samples without augmentation; z is not normalised again, which would be another metric. Called
 * by the run command after training. Pure.
 */
import { principalAxes, statistics } from "./compress_statistics.ts";
import { multiply, multiplyTransposed, trace } from "./linear_algebra.ts";

/** What is kept as well as can be: inner products, or squared distances. */
export type Metric = "strain" | "stress";

/** What compression costs, on the samples it was fitted on. */
export interface CompressionLoss {
  /** The share of the squared distance that is lost on average; Σ_{i>d} λ_i / Σ_i λ_i for `strain`. */
  readonly discardedEnergy: number;
  /** The mean of D² - D_z² over pairs of samples drawn independently; 2 Σ_{i>d} λ_i for `strain`. */
  readonly expectedLostDistance: number;
}

/** z = matrixᵀ (u - mean). */
export interface Compression extends CompressionLoss {
  /** [dim, to]; orthonormal columns for `strain`. */
  readonly matrix: Float32Array;
  /** [dim] */
  readonly mean: Float32Array;
  /** Compresses embeddings [n, dim] to [n, to]. */
  apply(embeddings: Float32Array, n: number): Float32Array;
}

/**
 * Compression behind the heads, for any heads.
 *
 * @param embeddings [n, dim], the ensemble's embeddings of the training samples.
 * @param to width d of the compressed embedding, 1..dim.
 * @throws if `to` is not such a width, the sizes disagree, or there are no samples.
 */
export function fitCompression(
  embeddings: Float32Array,
  n: number,
  dim: number,
  to: number,
  metric: Metric = "strain",
): Compression {
  checkWidth(to, dim);
  const { mean, covariance } = ensembleStatistics(embeddings, n, dim);
  const { basis, ...cost } = keptAxes(covariance, covariance, dim, to, metric);
  return {
    matrix: Float32Array.from(basis),
    mean: Float32Array.from(mean),
    ...cost,
    apply: (u, count) => project(u, count, mean, basis, to),
  };
}

/** Mean and covariance of the ensemble's embeddings; throws if the sizes disagree or a value is not finite. */
export function ensembleStatistics(embeddings: Float32Array, n: number, dim: number) {
  if (n < 1 || embeddings.length !== n * dim) {
    throw new Error(`compress: ${embeddings.length} values are not ${n} embeddings of ${dim}`);
  }
  const found = statistics(embeddings, n, dim);
  if (!found.covariance.every(Number.isFinite)) {
    throw new Error("compress: the ensemble's embeddings hold values that are not finite");
  }
  return found;
}

export interface KeptAxes extends CompressionLoss {
  /** [dim, to]: the axes, for `stress` each times √((λ + c) / λ). */
  readonly basis: Float64Array;
}

/**
 * The first `to` axes of `ranked`, and what is lost of `covariance` beside them.
 *
 * @param covariance [dim, dim], of what is to be compressed.
 * @param ranked [dim, dim], the covariance itself, or what else ranks directions.
 * @param total the whole variance, where `covariance` is that of a part: the trace of `covariance` if left out.
 */
export function keptAxes(
  covariance: Float64Array,
  ranked: Float64Array,
  dim: number,
  to: number,
  metric: Metric,
  total = trace(covariance, dim),
): KeptAxes {
  const { variances, axes } = principalAxes(ranked, dim);
  const basis = firstColumns(axes, dim, to);
  // Where the axes are those of the covariance, the sum of the small variances has digits that a difference loses.
  const isOwn = ranked === covariance;
  const beside = total - trace(covariance, dim);
  const kept = multiplyTransposed(basis, multiply(covariance, basis, dim, dim, to), dim, to, to);
  const inner = isOwn
    ? variances.slice(to).reduceRight((sum, value) => sum + value, 0)
    : Math.max(0, trace(covariance, dim) - trace(kept, to));
  const lost = inner + Math.max(0, beside);
  let regained = 0;
  if (metric === "stress") {
    const directions = Array.from({ length: to }, (_, i) => kept[i * to + i]!);
    const least = 1e-12 * Math.max(...directions);
    const rank = directions.filter((variance) => variance > least).length;
    const c = lost / (rank + 2);
    regained = rank * c;
    directions.forEach((variance, i) => {
      // An axis along which nothing varies has nothing to stretch.
      if (!(variance > least)) return;
      const factor = Math.sqrt((variance + c) / variance);
      for (let a = 0; a < dim; a++) basis[a * to + i] = factor * basis[a * to + i]!;
    });
  }
  return {
    basis,
    discardedEnergy: total > 0 ? (lost - regained) / total : 0,
    expectedLostDistance: 2 * (lost - regained),
  };
}

export function checkWidth(to: number, dim: number): void {
  if (!Number.isInteger(to) || to < 1) {
    throw new Error(`compress: distances(to: ${to}) needs a positive whole number of dimensions`);
  }
  if (to > dim) {
    throw new Error(
      `compress: distances(to: ${to}) is wider than the ensemble's embedding, which has ${dim} dimensions`,
    );
  }
}

/** (u - mean) times `matrix` [dim, to], row by row: [n, to]. */
function project(
  u: Float32Array,
  n: number,
  mean: Float64Array,
  matrix: Float64Array,
  to: number,
): Float32Array {
  const dim = mean.length;
  if (u.length !== n * dim) throw new Error(`compress: ${u.length} values are not ${n} embeddings of ${dim}`);
  const result = new Float32Array(n * to);
  const sums = new Float64Array(to);
  for (let i = 0; i < n; i++) {
    sums.fill(0);
    for (let a = 0; a < dim; a++) {
      const value = u[i * dim + a]! - mean[a]!;
      for (let k = 0, p = a * to; k < to; k++, p++) sums[k] = sums[k]! + value * matrix[p]!;
    }
    result.set(sums, i * to);
  }
  return result;
}

/** The first `columns` columns of a [dim, dim] matrix. */
function firstColumns(matrix: Float64Array, dim: number, columns: number): Float64Array {
  const result = new Float64Array(dim * columns);
  for (let i = 0; i < dim; i++) result.set(matrix.subarray(i * dim, i * dim + columns), i * columns);
  return result;
}
