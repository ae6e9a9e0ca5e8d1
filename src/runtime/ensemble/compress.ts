/**
 * `compress: distances(to: d)`: an ensemble's embedding in d dimensions that keeps its distances.
 *
 * The ensemble embedding is u = concat_h √v_h·f_h, its metric D² = ‖u - u'‖² = Σ_h v_h ‖f_h - f_h'‖². With V_d the d
 * axes of largest variance of u, z = V_dᵀ(u - mean) never lengthens a distance, and of all linear contractions to d
 * dimensions it loses the least squared distance on average: 2 Σ_{i>d} λ_i over independent pairs, λ the variances.
 * Among all n x d configurations whatsoever it is closest in inner products (classical scaling; Eckart & Young 1936).
 *
 * Fitted on training samples without augmentation; z is not normalised again, which would be another metric. Called
 * by the run command after training. Pure.
 */
import { principalAxes, statistics } from "./compress_statistics.ts";
import type { PrincipalAxes } from "./compress_statistics.ts";

/** What compression costs, on the samples it was fitted on. */
export interface CompressionLoss {
  /** Σ_{i>d} λ_i / Σ_i λ_i: the share of the squared distance that is lost on average. */
  readonly discardedEnergy: number;
  /** 2 Σ_{i>d} λ_i: the mean of D² - D_z² over pairs of samples drawn independently. */
  readonly expectedLostDistance: number;
}

/** z = matrixᵀ (u - mean). */
export interface Compression extends CompressionLoss {
  /** [dim, to], orthonormal columns. */
  readonly matrix: Float32Array;
  /** [dim] */
  readonly mean: Float32Array;
  /** Compresses embeddings [n, dim] to [n, to]. */
  apply(embeddings: Float32Array, n: number): Float32Array;
}

/**
 * Compression behind the heads, for any heads (those that normalise cannot be folded into one linear map).
 *
 * @param embeddings [n, dim], the ensemble's embeddings of the training samples.
 * @param to width d of the compressed embedding, 1..dim.
 * @throws if `to` is not such a width, the sizes disagree, or there are no samples.
 */
export function fitCompression(embeddings: Float32Array, n: number, dim: number, to: number): Compression {
  checkWidth(to, dim);
  if (n < 1 || embeddings.length !== n * dim) {
    throw new Error(`compress: ${embeddings.length} values are not ${n} embeddings of ${dim}`);
  }
  const { mean, covariance } = statistics(embeddings, n, dim);
  const axes = principalAxes(finite(covariance), dim);
  const kept = firstColumns(axes.axes, dim, to);
  return {
    matrix: Float32Array.from(kept),
    mean: Float32Array.from(mean),
    ...loss(axes, to),
    apply: (u, count) => project(u, count, mean, kept, to),
  };
}

/** A head that is one linear map of the shared features, f = kernelᵀ h + bias. */
export interface LinearHead {
  /** [features, dim] */
  readonly kernel: Float32Array;
  /** Width of its embedding. */
  readonly dim: number;
  /** v_h, the squared weight of the head in the ensemble embedding. */
  readonly weight: number;
}

/** One linear head in place of all: z = kernelᵀ h + bias. */
export interface FoldedHead extends CompressionLoss {
  /** [features, to] */
  readonly kernel: Float32Array;
  /** [to] */
  readonly bias: Float32Array;
}

/**
 * Folds linear heads into one linear head of width `to`: W_c = V_dᵀA, b_c = -V_dᵀAμ, where A stacks √v_h·W_h. The same
 * z as `fitCompression` on the ensemble's embeddings. The heads' own biases cancel in every distance.
 *
 * @param heads the heads, all of the same features, in the ensemble's order.
 * @param featureCovariance [features, features], of the training samples' features, divided by n.
 * @param featureMean [features], μ.
 * @param to width of the folded head, 1..sum of the heads' widths.
 * @throws if `to` is not such a width or the sizes disagree.
 */
export function foldLinear(
  heads: readonly LinearHead[],
  featureCovariance: Float64Array,
  featureMean: Float64Array,
  to: number,
): FoldedHead {
  const features = featureMean.length;
  const dim = heads.reduce((sum, head) => sum + head.dim, 0);
  checkWidth(to, dim);
  if (featureCovariance.length !== features * features) {
    throw new Error(`compress: a covariance of ${featureCovariance.length} values for ${features} features`);
  }
  const stacked = stack(heads, features, dim);
  const spread = multiply(featureCovariance, stacked, features, features, dim);
  const axes = principalAxes(finite(multiplyTransposed(stacked, spread, features, dim, dim)), dim);
  const kernel = multiply(stacked, firstColumns(axes.axes, dim, to), features, dim, to);
  const offset = multiply(featureMean, kernel, 1, features, to);
  return { kernel: Float32Array.from(kernel), bias: Float32Array.from(offset, (x) => -x), ...loss(axes, to) };
}

function checkWidth(to: number, dim: number): void {
  if (!Number.isInteger(to) || to < 1) {
    throw new Error(`compress: distances(to: ${to}) needs a positive whole number of dimensions`);
  }
  if (to > dim) {
    throw new Error(
      `compress: distances(to: ${to}) is wider than the ensemble's embedding, which has ${dim} dimensions`,
    );
  }
}

function finite(covariance: Float64Array): Float64Array {
  if (!covariance.every(Number.isFinite)) {
    throw new Error("compress: the ensemble's embeddings hold values that are not finite");
  }
  return covariance;
}

function loss({ variances }: PrincipalAxes, to: number): CompressionLoss {
  // From the smallest up, so that a small remainder keeps its digits.
  const lost = variances.slice(to).reduceRight((sum, value) => sum + value, 0);
  const total = variances.reduceRight((sum, value) => sum + value, 0);
  return { discardedEnergy: total > 0 ? lost / total : 0, expectedLostDistance: 2 * lost };
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

/** [features, dim]: the heads' kernels side by side, each times √v_h. */
function stack(heads: readonly LinearHead[], features: number, dim: number): Float64Array {
  const stacked = new Float64Array(features * dim);
  let column = 0;
  for (const head of heads) {
    if (head.kernel.length !== features * head.dim) {
      throw new Error(
        `compress: a head of ${head.kernel.length} values does not map ${features} features to ${head.dim}`,
      );
    }
    const scale = Math.sqrt(head.weight);
    for (let i = 0; i < features; i++) {
      for (let k = 0; k < head.dim; k++) {
        stacked[i * dim + column + k] = scale * head.kernel[i * head.dim + k]!;
      }
    }
    column += head.dim;
  }
  return stacked;
}

/** The first `columns` columns of a [dim, dim] matrix. */
function firstColumns(matrix: Float64Array, dim: number, columns: number): Float64Array {
  const result = new Float64Array(dim * columns);
  for (let i = 0; i < dim; i++) result.set(matrix.subarray(i * dim, i * dim + columns), i * columns);
  return result;
}

/** a [m, k] times b [k, n]. */
function multiply(a: Float64Array, b: Float64Array, m: number, k: number, n: number): Float64Array {
  const result = new Float64Array(m * n);
  for (let i = 0; i < m; i++) {
    for (let l = 0; l < k; l++) {
      const value = a[i * k + l]!;
      for (let j = 0, p = i * n, q = l * n; j < n; j++, p++, q++) result[p] = result[p]! + value * b[q]!;
    }
  }
  return result;
}

/** aᵀ b of a [k, m] and b [k, n]: [m, n]. */
function multiplyTransposed(a: Float64Array, b: Float64Array, k: number, m: number, n: number): Float64Array {
  const result = new Float64Array(m * n);
  for (let l = 0; l < k; l++) {
    for (let i = 0; i < m; i++) {
      const value = a[l * m + i]!;
      for (let j = 0, p = i * n, q = l * n; j < n; j++, p++, q++) result[p] = result[p]! + value * b[q]!;
    }
  }
  return result;
}
