/** The laws of `compress: distances(to: d)`, over random embeddings of several shapes and ranks. */
import fc from "fast-check";
import { EigenvalueDecomposition, Matrix } from "ml-matrix";
import { describe, expect, test } from "vitest";
import { fitCompression } from "../../src/runtime/ensemble/compress.ts";
import { principalAxes, statistics } from "../../src/runtime/ensemble/compress_statistics.ts";
import { counterRandom } from "../../src/runtime/random.ts";

/** [n, dim] of rank at most `rank`, off the origin, with variances that fall along the axes. */
function lowRank(n: number, dim: number, rank: number, key: number): Float32Array {
  const random = counterRandom(key, "test/compress");
  const basis = Float64Array.from({ length: rank * dim }, () => random.normal());
  const offset = Float64Array.from({ length: dim }, () => 2 * random.normal());
  const samples = new Float32Array(n * dim);
  for (let i = 0; i < n; i++) {
    const scores = Array.from({ length: rank }, (_, r) => random.normal() / (r + 1));
    for (let a = 0; a < dim; a++) {
      samples[i * dim + a] =
        offset[a]! + scores.reduce((sum, score, r) => sum + score * basis[r * dim + a]!, 0);
    }
  }
  return samples;
}

function squaredDistance(values: Float32Array, dim: number, i: number, j: number): number {
  let sum = 0;
  for (let a = 0; a < dim; a++) sum += (values[i * dim + a]! - values[j * dim + a]!) ** 2;
  return sum;
}

const shapes = fc
  .record({ n: fc.integer({ min: 2, max: 30 }), dim: fc.integer({ min: 1, max: 12 }), key: fc.nat(10_000) })
  .chain(({ n, dim, key }) =>
    fc.record({
      n: fc.constant(n),
      dim: fc.constant(dim),
      key: fc.constant(key),
      rank: fc.integer({ min: 1, max: dim }),
      to: fc.integer({ min: 1, max: dim }),
    }),
  );

describe("fitCompression", () => {
  test("no distance grows, the mean loss is 2 Σ λ, and a rank within d loses nothing", () => {
    fc.assert(
      fc.property(shapes, ({ n, dim, key, rank, to }) => {
        const u = lowRank(n, dim, rank, key);
        const compression = fitCompression(u, n, dim, to);
        const z = compression.apply(u, n);
        const largest = Math.max(...Array.from({ length: n }, (_, i) => squaredDistance(u, dim, 0, i)), 1e-3);
        let lost = 0;
        let all = 0;
        for (let i = 0; i < n; i++) {
          for (let j = 0; j < n; j++) {
            const difference = squaredDistance(u, dim, i, j) - squaredDistance(z, to, i, j);
            expect(difference).toBeGreaterThan(-1e-5 * largest);
            lost += difference;
            all += squaredDistance(u, dim, i, j);
          }
        }
        expect(Math.abs(lost / n ** 2 - compression.expectedLostDistance)).toBeLessThan(1e-5 * largest);
        expect(Math.abs(lost / all - compression.discardedEnergy)).toBeLessThan(1e-5);
        if (rank <= to) expect(compression.expectedLostDistance).toBeLessThan(1e-9);
      }),
      { numRuns: 60, seed: 1 },
    );
  });

  test("by hand: variances 4 and 1 along the axes, one kept", () => {
    // u = (±2, ±1): λ = 4, 1; to 1 keeps the first axis.
    const u = Float32Array.from([2, 1, 2, -1, -2, 1, -2, -1]);
    const compression = fitCompression(u, 4, 2, 1);
    expect(compression.discardedEnergy).toBeCloseTo(1 / 5, 12);
    expect(compression.expectedLostDistance).toBeCloseTo(2, 12);
    expect(Array.from(compression.apply(u, 4))).toEqual([2, 2, -2, -2]);
  });

  test("no other orthonormal map of that width loses less on average", () => {
    const [n, dim, to] = [40, 6, 2];
    const u = lowRank(n, dim, dim, 17);
    const { covariance } = statistics(u, n, dim);
    const best = fitCompression(u, n, dim, to).expectedLostDistance;
    const total = 2 * Array.from({ length: dim }, (_, a) => covariance[a * dim + a]!).reduce((a, b) => a + b);
    for (let key = 0; key < 20; key++) {
      // Random axes: those of another random sample.
      const { axes } = principalAxes(statistics(lowRank(50, dim, dim, 100 + key), 50, dim).covariance, dim);
      let kept = 0;
      for (let j = 0; j < to; j++) {
        for (let a = 0; a < dim; a++) {
          for (let b = 0; b < dim; b++)
            kept += 2 * axes[a * dim + j]! * covariance[a * dim + b]! * axes[b * dim + j]!;
        }
      }
      expect(total - kept).toBeGreaterThanOrEqual(best - 1e-9);
    }
  });

  test("orthonormal columns with a settled sign; the same call gives the same bytes", () => {
    const [n, dim, to] = [50, 9, 4];
    const u = lowRank(n, dim, dim, 5);
    const { matrix } = fitCompression(u, n, dim, to);
    for (let j = 0; j < to; j++) {
      const column = Array.from({ length: dim }, (_, a) => matrix[a * to + j]!);
      const largest = column.reduce((a, b) => (Math.abs(b) > Math.abs(a) ? b : a));
      expect(largest).toBeGreaterThan(0);
      for (let k = 0; k <= j; k++) {
        const dot = column.reduce((sum, value, a) => sum + value * matrix[a * to + k]!, 0);
        expect(dot).toBeCloseTo(j === k ? 1 : 0, 6);
      }
    }
    expect(fitCompression(u, n, dim, to).matrix).toEqual(matrix);
  });

  test("one sample, and samples that are all the same, lose nothing", () => {
    expect(fitCompression(Float32Array.from([1, 2, 3]), 1, 3, 2).discardedEnergy).toBe(0);
    const same = fitCompression(new Float32Array(12).fill(0.7), 4, 3, 1);
    expect(same.discardedEnergy).toBe(0);
    expect(Array.from(same.apply(new Float32Array(3).fill(0.7), 1))[0]).toBeCloseTo(0, 6);
  });

  test("widths and sizes that cannot be", () => {
    const u = new Float32Array(12);
    expect(() => fitCompression(u, 4, 3, 5)).toThrow(
      "distances(to: 5) is wider than the ensemble's embedding",
    );
    expect(() => fitCompression(u, 4, 3, 0)).toThrow("positive whole number");
    expect(() => fitCompression(u, 5, 3, 2)).toThrow("not 5 embeddings of 3");
    expect(() => fitCompression(u.fill(NaN), 4, 3, 2)).toThrow("not finite");
    expect(() => fitCompression(new Float32Array(12), 4, 3, 2).apply(u, 3)).toThrow("not 3 embeddings of 3");
  });
});

describe("metric: stress", () => {
  /** 2 ‖E‖² + (tr E)²: the mean of (D² - D_z²)² over normally distributed pairs, E the covariance of what they differ in. */
  function stress(covariance: Matrix, basis: Matrix): number {
    const { realEigenvalues: values, eigenvectorMatrix: vectors } = new EigenvalueDecomposition(covariance);
    const root = vectors
      .mmul(Matrix.diag(values.map((value) => Math.sqrt(Math.max(0, 2 * value)))))
      .mmul(vectors.transpose());
    const rest = Matrix.eye(covariance.rows).sub(basis.mmul(basis.transpose()));
    const error = root.mmul(rest).mmul(root);
    return 2 * error.norm("frobenius") ** 2 + error.trace() ** 2;
  }

  test("stretches what is kept by what is lost, and nothing near it is closer", () => {
    const [n, dim, to] = [60, 6, 2];
    const u = lowRank(n, dim, dim, 23);
    const covariance = Matrix.from1DArray(dim, dim, statistics(u, n, dim).covariance);
    const basisOf = (metric: "strain" | "stress"): Matrix =>
      Matrix.from1DArray(dim, to, fitCompression(u, n, dim, to, metric).matrix);
    const [strain, best] = [basisOf("strain"), basisOf("stress")];
    const least = stress(covariance, best);
    expect(least).toBeLessThan(0.9 * stress(covariance, strain));
    // The residual of the optimum: what is discarded, doubled, is lambda'.
    const lost = [...new EigenvalueDecomposition(covariance).realEigenvalues]
      .sort((a, b) => b - a)
      .slice(to)
      .map((value) => 2 * value);
    const sum = lost.reduce((a, b) => a + b);
    const residual = 2 * lost.reduce((all, value) => all + value ** 2, 0) + (2 * sum ** 2) / (to + 2);
    expect(least / residual).toBeCloseTo(1, 4);
    const random = counterRandom(9, "test/stress");
    for (let trial = 0; trial < 200; trial++) {
      const size = 10 ** (-1 - (trial % 3));
      const other = best.clone().add(
        Matrix.zeros(dim, to).apply(function (this: Matrix, i, j) {
          this.set(i, j, size * random.normal());
        }),
      );
      expect(stress(covariance, other)).toBeGreaterThan(least * (1 - 1e-6));
    }
  });

  test("says what it loses, and is exact where nothing is lost", () => {
    for (const [rank, to] of [
      [5, 3],
      [2, 3],
    ] as const) {
      const [n, dim] = [30, 5];
      const u = lowRank(n, dim, rank, 31);
      const compression = fitCompression(u, n, dim, to, "stress");
      const z = compression.apply(u, n);
      let lost = 0;
      let all = 0;
      for (let i = 0; i < n; i++)
        for (let j = 0; j < n; j++) {
          lost += squaredDistance(u, dim, i, j) - squaredDistance(z, to, i, j);
          all += squaredDistance(u, dim, i, j);
        }
      expect(Math.abs(lost / n ** 2 - compression.expectedLostDistance)).toBeLessThan((1e-5 * all) / n ** 2);
      expect(Math.abs(lost / all - compression.discardedEnergy)).toBeLessThan(1e-5);
      if (rank <= to) expect(compression.discardedEnergy).toBeLessThan(1e-9);
    }
  });
});
