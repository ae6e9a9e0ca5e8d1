/**
 * `compress: distances(to: d, fold: true)`: one linear head on the backbone's features in place of all heads, z = Wᵀh + b.
 *
 * Heads that are one linear map each fold exactly: with A the maps √v_k·W_k side by side, u = Aᵀh + bias, and z = V_dᵀ(u -
 * mean) of `compress.ts` is itself such a head, W = A V_d. Its distances are those of the compression behind the heads,
 * and those of the ensemble itself where A has no more than d independent directions.
 *
 * `blend` ranks directions by (1 - ρ) cov(u) + ρ (tr cov(h) / p) AᵀA in place of cov(u): ρ = 1 looks at the heads alone
 * and at no data (W = the first d singular directions of A), which overrates directions in which features do not vary and
 * does not depend on which classes were there.
 *
 * Heads that are no linear map of the features (they normalise, or have layers of their own) are approximated by one:
 * reduced-rank regression (Izenman 1975). With B = cov(u, h) (cov(h) + εI)⁻¹ and V_d the first d axes of B cov(h) Bᵀ,
 * W = Bᵀ V_d minimises E‖(u - mean) - V_d Wᵀ(h - mean)‖², which bounds what any pair's distance is off by.
 *
 * Called by the run after training. Pure.
 */
import type { Statistics } from "./compress_statistics.ts";
import { crossCovariance, statistics } from "./compress_statistics.ts";
import { checkWidth, ensembleStatistics, keptAxes } from "./compress.ts";
import type { CompressionLoss, Metric } from "./compress.ts";
import { multiply, multiplyTransposed, solvePositive, trace } from "./linear_algebra.ts";

/** A head that is one linear map of the shared features, f = kernelᵀ h + bias. */
export interface LinearHead {
  /** [features, dim] */
  readonly kernel: Float32Array;
  /** [dim] */
  readonly bias: Float32Array;
  /** v_k, the squared weight of the head in the ensemble embedding. */
  readonly weight: number;
}

/** One linear head in place of all: z = kernelᵀ h + bias. */
export interface FoldedHead extends CompressionLoss {
  /** [features, to] */
  readonly kernel: Float32Array;
  /** [to] */
  readonly bias: Float32Array;
}

export interface FoldOptions {
  /** `strain` where absent. */
  readonly metric?: Metric;
  /** ρ in [0, 1]; 0 where absent. Above 0 with `strain` only: the kept axes are then no principal axes. */
  readonly blend?: number;
  /** With a `blend` above 0: tr cov(h) / p, the mean variance of a feature. */
  readonly featureVariance?: number;
}

/**
 * Folds linear heads into one.
 *
 * @param heads all of the same features, in the ensemble's order.
 * @param embeddings [n, dim], the ensemble's embeddings of the training samples.
 * @param to width of the folded head, 1..sum of the heads' widths.
 * @throws if `to` is not such a width, the sizes disagree, or `stress` is to be blended.
 */
export function foldLinear(
  heads: readonly LinearHead[],
  embeddings: Float32Array,
  n: number,
  to: number,
  { metric = "strain", blend = 0, featureVariance = 1 }: FoldOptions = {},
): FoldedHead {
  const dim = heads.reduce((sum, head) => sum + head.bias.length, 0);
  checkWidth(to, dim);
  if (blend > 0 && metric === "stress") throw new Error("compress: stress has no blend");
  const { mean, covariance } = ensembleStatistics(embeddings, n, dim);
  const { kernel, bias, features } = stack(heads, dim);
  const ranked =
    blend === 0 ? covariance : blended(covariance, kernel, features, dim, blend, featureVariance);
  const { basis, ...cost } = keptAxes(covariance, ranked, dim, to, metric);
  const offset = multiply(
    bias.map((value, a) => value - mean[a]!),
    basis,
    1,
    dim,
    to,
  );
  return {
    kernel: Float32Array.from(multiply(kernel, basis, features, dim, to)),
    bias: Float32Array.from(offset),
    ...cost,
  };
}

/** ε of the regression, in units of a feature's mean variance. */
const RIDGE = 1e-3;

export interface RegressedHead extends FoldedHead {
  /** The share of the embeddings' variance that no linear map of the features explains. */
  readonly unexplained: number;
}

/**
 * The linear head closest to any heads.
 *
 * @param features [n, p], of the training samples.
 * @param embeddings [n, dim], the ensemble's embeddings of the same samples.
 * @param to width of the head, 1..dim.
 */
export function regressHead(
  features: Float32Array,
  embeddings: Float32Array,
  n: number,
  to: number,
  metric: Metric = "strain",
): RegressedHead {
  const p = features.length / n;
  const dim = embeddings.length / n;
  checkWidth(to, dim);
  const u = ensembleStatistics(embeddings, n, dim);
  const h: Statistics = statistics(features, n, p);
  // [p, dim]
  const cross = crossCovariance(features, h.mean, embeddings, u.mean, n);
  const system = Float64Array.from(h.covariance);
  const variance = trace(h.covariance, p) / p;
  for (let i = 0; i < p; i++) system[i * p + i] = system[i * p + i]! + (variance > 0 ? RIDGE * variance : 1);
  const map = solvePositive(system, cross, p, dim);
  const spread = multiply(h.covariance, map, p, p, dim);
  const explained = multiplyTransposed(map, spread, p, dim, dim);
  const total = trace(u.covariance, dim);
  const { basis, ...cost } = keptAxes(explained, explained, dim, to, metric, total);
  const kernel = multiply(map, basis, p, dim, to);
  const offset = multiply(h.mean, kernel, 1, p, to);
  return {
    kernel: Float32Array.from(kernel),
    bias: Float32Array.from(offset, (value) => -value),
    ...cost,
    unexplained: total > 0 ? Math.max(0, 1 - trace(explained, dim) / total) : 0,
  };
}

/** z of features [n, p]: [n, to]. */
export function applyHead({ kernel, bias }: FoldedHead, features: Float32Array, n: number): Float32Array {
  const to = bias.length;
  const p = kernel.length / to;
  if (features.length !== n * p)
    throw new Error(`compress: ${features.length} values are not ${n} times ${p} features`);
  const result = new Float32Array(n * to);
  const sums = new Float64Array(to);
  for (let i = 0; i < n; i++) {
    sums.set(bias);
    for (let f = 0; f < p; f++) {
      const value = features[i * p + f]!;
      for (let k = 0, q = f * to; k < to; k++, q++) sums[k] = sums[k]! + value * kernel[q]!;
    }
    result.set(sums, i * to);
  }
  return result;
}

/** (1 - ρ) cov(u) + ρ · variance · AᵀA */
function blended(
  covariance: Float64Array,
  kernel: Float64Array,
  features: number,
  dim: number,
  blend: number,
  variance: number,
): Float64Array {
  const squares = multiplyTransposed(kernel, kernel, features, dim, dim);
  return covariance.map((value, i) => (1 - blend) * value + blend * variance * squares[i]!);
}

/** The heads side by side, each times √v_k: kernel [features, dim] and bias [dim]. */
function stack(heads: readonly LinearHead[], dim: number) {
  const features = heads[0]!.kernel.length / heads[0]!.bias.length;
  const kernel = new Float64Array(features * dim);
  const bias = new Float64Array(dim);
  let column = 0;
  for (const head of heads) {
    const width = head.bias.length;
    if (head.kernel.length !== features * width) {
      throw new Error(
        `compress: a head of ${head.kernel.length} values does not map ${features} features to ${width}`,
      );
    }
    const scale = Math.sqrt(head.weight);
    for (let k = 0; k < width; k++) {
      bias[column + k] = scale * head.bias[k]!;
      for (let i = 0; i < features; i++) kernel[i * dim + column + k] = scale * head.kernel[i * width + k]!;
    }
    column += width;
  }
  return { kernel, bias, features };
}
