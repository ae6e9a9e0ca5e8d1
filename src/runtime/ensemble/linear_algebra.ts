/** Products of row-major float64 matrices and solutions of positive definite systems. Pure; called by compression. */

/** a [m, k] times b [k, n]: [m, n]. */
export function multiply(
  a: Float64Array,
  b: Float64Array,
  m: number,
  k: number,
  n: number,
): Float64Array<ArrayBuffer> {
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
export function multiplyTransposed(
  a: Float64Array,
  b: Float64Array,
  k: number,
  m: number,
  n: number,
): Float64Array<ArrayBuffer> {
  const result = new Float64Array(m * n);
  for (let l = 0; l < k; l++) {
    for (let i = 0; i < m; i++) {
      const value = a[l * m + i]!;
      for (let j = 0, p = i * n, q = l * n; j < n; j++, p++, q++) result[p] = result[p]! + value * b[q]!;
    }
  }
  return result;
}

/** The sum of the diagonal of a [n, n] matrix. */
export function trace(matrix: Float64Array, n: number): number {
  let sum = 0;
  for (let i = 0; i < n; i++) sum += matrix[i * n + i]!;
  return sum;
}

/**
 * x [n, columns] with matrix · x = right, by Cholesky's factors.
 *
 * @param matrix [n, n], symmetric and positive definite; overwritten by its lower factor.
 * @throws if it is not positive definite.
 */
export function solvePositive(
  matrix: Float64Array,
  right: Float64Array,
  n: number,
  columns: number,
): Float64Array<ArrayBuffer> {
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = matrix[i * n + j]!;
      for (let k = 0, p = i * n, q = j * n; k < j; k++, p++, q++) sum -= matrix[p]! * matrix[q]!;
      if (i === j && !(sum > 0)) throw new Error("a matrix that should be positive definite is not");
      matrix[i * n + j] = i === j ? Math.sqrt(sum) : sum / matrix[j * n + j]!;
    }
  }
  const x = Float64Array.from(right);
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < i; k++) subtract(x, i, k, matrix[i * n + k]!, columns);
    scale(x, i, 1 / matrix[i * n + i]!, columns);
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let k = i + 1; k < n; k++) subtract(x, i, k, matrix[k * n + i]!, columns);
    scale(x, i, 1 / matrix[i * n + i]!, columns);
  }
  return x;
}

/** Row i less `factor` times row k. */
function subtract(x: Float64Array, i: number, k: number, factor: number, columns: number): void {
  for (let c = 0, p = i * columns, q = k * columns; c < columns; c++, p++, q++) x[p] = x[p]! - factor * x[q]!;
}

function scale(x: Float64Array, i: number, factor: number, columns: number): void {
  for (let c = 0, p = i * columns; c < columns; c++, p++) x[p] = x[p]! * factor;
}
