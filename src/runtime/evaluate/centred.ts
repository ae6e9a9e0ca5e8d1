/**
 * Embeddings made ready for float32 matrix products: checked, moved to their mean and scaled by a power of two.
 *
 * Neither move changes which neighbour is nearer, and both keep ‖a‖² + ‖b‖² − 2a·b from losing its digits: a common
 * offset no longer cancels, and no square overflows. Used by the retrieval and by k-means. Pure: touches no engine.
 */

/** [n, dim] embeddings about their mean, none longer than 1. */
export interface Centred {
  readonly n: number;
  readonly dim: number;
  /** [n, dim], (embedding − mean) × scale, rounded to float32. */
  readonly values: Float32Array;
  /** [n], squared lengths of the rows of `values`, in float64. */
  readonly squaredNorms: Float64Array;
  /** A power of two: distances of `values` are `scale` times those of the embeddings, but for rounding. */
  readonly scale: number;
}

/**
 * Centres and scales embeddings, in float64 until the last rounding.
 *
 * @param embeddings [n, dim], row-major.
 * @param name what the embeddings are, for messages: `head pull`.
 * @throws if the length is not a multiple of `dim`, or a value is not finite (names the head and the sample).
 */
export function centre(embeddings: Float32Array, dim: number, name: string): Centred {
  if (!Number.isInteger(dim) || dim < 1 || embeddings.length % dim !== 0) {
    throw new Error(`${name}: ${embeddings.length} values do not make rows of ${dim}`);
  }
  const n = embeddings.length / dim;
  const mean = new Float64Array(dim);
  for (let i = 0, p = 0; i < n; i++) {
    for (let k = 0; k < dim; k++, p++) {
      const value = embeddings[p]!;
      if (!Number.isFinite(value)) {
        throw new Error(`${name}: the embedding of sample ${i} is not finite (${value} at dimension ${k})`);
      }
      mean[k] = mean[k]! + value;
    }
  }
  // Rounded, so that equal embeddings become exact zeros and not the mean's own rounding error.
  for (let k = 0; k < dim; k++) mean[k] = Math.fround(mean[k]! / n);

  let largest = 0;
  for (let i = 0, p = 0; i < n; i++) {
    let sum = 0;
    for (let k = 0; k < dim; k++, p++) sum += (embeddings[p]! - mean[k]!) ** 2;
    largest = Math.max(largest, sum);
  }
  // The length before rounding is at most 1/2 after scaling, so it is below 1 after rounding.
  const scale = largest > 0 ? 2 ** (-Math.ceil(Math.log2(largest) / 2) - 1) : 1;

  const values = new Float32Array(n * dim);
  const squaredNorms = new Float64Array(n);
  for (let i = 0, p = 0; i < n; i++) {
    let sum = 0;
    for (let k = 0; k < dim; k++, p++) {
      const value = Math.fround((embeddings[p]! - mean[k]!) * scale);
      values[p] = value;
      sum += value * value;
    }
    squaredNorms[i] = sum;
  }
  return { n, dim, values, squaredNorms, scale };
}
