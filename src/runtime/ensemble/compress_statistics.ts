/** Mean, covariance and principal axes in float64: what compression is made of. Pure; called by compression. */
import { EigenvalueDecomposition, Matrix } from "ml-matrix";

export interface Statistics {
  /** [dim] */
  readonly mean: Float64Array;
  /** [dim, dim], symmetric; divided by n, so that its trace is half the mean squared distance of independent pairs. */
  readonly covariance: Float64Array;
}

export interface PrincipalAxes {
  /** [dim], variances along the axes, descending, none negative. */
  readonly variances: Float64Array;
  /** [dim, dim]: column j is the j-th axis, of unit length; its largest entry (the first of equals) is positive. */
  readonly axes: Float64Array;
}

/**
 * Mean and covariance of samples.
 *
 * @param samples [n, dim], row-major, n >= 1.
 */
export function statistics(samples: Float32Array, n: number, dim: number): Statistics {
  const mean = new Float64Array(dim);
  for (let i = 0, p = 0; i < n; i++) for (let a = 0; a < dim; a++, p++) mean[a] = mean[a]! + samples[p]!;
  for (let a = 0; a < dim; a++) mean[a] = mean[a]! / n;

  const covariance = new Float64Array(dim * dim);
  const centred = new Float64Array(dim);
  for (let i = 0; i < n; i++) {
    for (let a = 0, p = i * dim; a < dim; a++, p++) centred[a] = samples[p]! - mean[a]!;
    for (let a = 0; a < dim; a++) {
      const value = centred[a]!;
      for (let b = 0, p = a * dim; b <= a; b++, p++) covariance[p] = covariance[p]! + value * centred[b]!;
    }
  }
  for (let a = 0; a < dim; a++) {
    for (let b = 0; b <= a; b++) {
      const value = covariance[a * dim + b]! / n;
      covariance[a * dim + b] = value;
      covariance[b * dim + a] = value;
    }
  }
  return { mean, covariance };
}

/** The mean of rows [n, p], and the mean of the variances of their columns. */
export function meanAndVariance(rows: Float32Array, n: number): { mean: Float64Array; variance: number } {
  const p = rows.length / n;
  const mean = new Float64Array(p);
  for (let i = 0, q = 0; i < n; i++) for (let f = 0; f < p; f++, q++) mean[f] = mean[f]! + rows[q]! / n;
  let sum = 0;
  for (let i = 0, q = 0; i < n; i++) for (let f = 0; f < p; f++, q++) sum += (rows[q]! - mean[f]!) ** 2;
  return { mean, variance: sum / rows.length };
}

/**
 * The covariance of features [n, p] and embeddings [n, dim] about their means: [p, dim], divided by n.
 */
export function crossCovariance(
  features: Float32Array,
  featureMean: Float64Array,
  embeddings: Float32Array,
  mean: Float64Array,
  n: number,
): Float64Array {
  const [p, dim] = [featureMean.length, mean.length];
  const result = new Float64Array(p * dim);
  const centred = new Float64Array(dim);
  for (let i = 0; i < n; i++) {
    for (let a = 0; a < dim; a++) centred[a] = (embeddings[i * dim + a]! - mean[a]!) / n;
    for (let f = 0; f < p; f++) {
      const value = features[i * p + f]! - featureMean[f]!;
      for (let a = 0, q = f * dim; a < dim; a++, q++) result[q] = result[q]! + value * centred[a]!;
    }
  }
  return result;
}

/** Principal axes of a covariance [dim, dim]; rounding may leave its zero variances slightly negative, they become 0. */
export function principalAxes(covariance: Float64Array, dim: number): PrincipalAxes {
  const decomposition = new EigenvalueDecomposition(Matrix.from1DArray(dim, dim, covariance), {
    assumeSymmetric: true,
  });
  const values = decomposition.realEigenvalues;
  const vectors = decomposition.eigenvectorMatrix;
  const order = values.map((_, j) => j).sort((a, b) => values[b]! - values[a]!);

  const variances = Float64Array.from(order, (j) => Math.max(0, values[j]!));
  const axes = new Float64Array(dim * dim);
  order.forEach((column, j) => {
    let largest = 0;
    for (let i = 1; i < dim; i++) {
      if (Math.abs(vectors.get(i, column)) > Math.abs(vectors.get(largest, column))) largest = i;
    }
    const sign = vectors.get(largest, column) < 0 ? -1 : 1;
    for (let i = 0; i < dim; i++) axes[i * dim + j] = sign * vectors.get(i, column);
  });
  return { variances, axes };
}
