/** The laws of `compress: distances(to: d, fold: true)`, against ml-matrix on small data. */
import { EigenvalueDecomposition, Matrix, pseudoInverse } from "ml-matrix";
import { describe, expect, test } from "vitest";
import { fitCompression } from "../../src/runtime/ensemble/compress.ts";
import { applyHead, foldLinear, regressHead } from "../../src/runtime/ensemble/compress_fold.ts";
import type { LinearHead } from "../../src/runtime/ensemble/compress_fold.ts";
import { multiply, solvePositive } from "../../src/runtime/ensemble/linear_algebra.ts";
import { counterRandom } from "../../src/runtime/random.ts";

const N = 80;
const P = 6;
const DIMS = [3, 4];
const WIDTH = 7;

interface Scene {
  readonly features: Float32Array;
  readonly heads: readonly LinearHead[];
  /** The ensemble's, with `activation` behind each linear map. */
  readonly embeddings: Float32Array;
}

/** Two heads on features that vary unequally; `rank` of the heads' maps together. */
function scene(key: number, rank = P, activation = (row: number[]): number[] => row): Scene {
  const random = counterRandom(key, "test/fold");
  const features = Float32Array.from({ length: N * P }, (_, q) => (random.normal() + 1) / ((q % P) + 1));
  const left = new Matrix(
    Array.from({ length: P }, () => Array.from({ length: rank }, () => random.normal())),
  );
  const right = new Matrix(
    Array.from({ length: rank }, () => Array.from({ length: WIDTH }, () => random.normal())),
  );
  const all = left.mmul(right);
  const heads = DIMS.map((dim, k) => {
    const from = k === 0 ? 0 : DIMS[0]!;
    return {
      kernel: Float32Array.from(all.subMatrix(0, P - 1, from, from + dim - 1).to1DArray()),
      bias: Float32Array.from({ length: dim }, () => random.normal()),
      weight: [0.3, 0.7][k]!,
    };
  });
  const rows = Array.from({ length: N }, (_, i) =>
    heads.flatMap(({ kernel, bias, weight }) =>
      activation(
        Array.from(
          bias,
          (value, j) => value + sumOver(P, (f) => features[i * P + f]! * kernel[f * bias.length + j]!),
        ),
      ).map((value) => Math.sqrt(weight) * value),
    ),
  );
  return { features, heads, embeddings: Float32Array.from(rows.flat()) };
}

function sumOver(count: number, term: (k: number) => number): number {
  let sum = 0;
  for (let k = 0; k < count; k++) sum += term(k);
  return sum;
}

const unit = (row: number[]): number[] => row.map((value) => value / Math.hypot(...row));

const squared = (values: Float32Array, dim: number, i: number, j: number): number =>
  sumOver(dim, (a) => (values[i * dim + a]! - values[j * dim + a]!) ** 2);

function meanOverPairs(term: (i: number, j: number) => number): number {
  return sumOver(N, (i) => sumOver(N, (j) => term(i, j))) / N ** 2;
}

const matrix = (values: Float32Array, columns: number): Matrix =>
  Matrix.from1DArray(values.length / columns, columns, values);
const centred = (rows: Matrix): Matrix => rows.clone().center("column");
const descending = (symmetric: Matrix): number[] =>
  [...new EigenvalueDecomposition(symmetric).realEigenvalues].sort((a, b) => b - a);

describe("linear heads", () => {
  test.each([1, 3, 6, 7])("fold into one of width %d that is the compression behind them", (to) => {
    const { features, heads, embeddings } = scene(1);
    for (const metric of ["strain", "stress"] as const) {
      const folded = foldLinear(heads, embeddings, N, to, { metric });
      const behind = fitCompression(embeddings, N, WIDTH, to, metric);
      const [z, expected] = [applyHead(folded, features, N), behind.apply(embeddings, N)];
      z.forEach((value, q) => expect(Math.abs(value - expected[q]!)).toBeLessThan(1e-4));
      expect(folded.expectedLostDistance).toBe(behind.expectedLostDistance);
    }
  });

  test("exactly, where their maps have no more directions than are kept", () => {
    for (const rank of [1, 2, 4]) {
      const { features, heads, embeddings } = scene(2, rank);
      const folded = foldLinear(heads, embeddings, N, rank);
      const z = applyHead(folded, features, N);
      const scale = meanOverPairs((i, j) => squared(embeddings, WIDTH, i, j));
      for (let i = 0; i < N; i += 7)
        for (let j = 0; j < N; j++)
          expect(Math.abs(squared(z, rank, i, j) - squared(embeddings, WIDTH, i, j))).toBeLessThan(
            1e-5 * scale,
          );
      expect(folded.discardedEnergy).toBeLessThan(1e-9);
    }
  });

  test("without data, keep the largest directions of their maps: M = sum w W W', truncated", () => {
    const { heads, embeddings } = scene(3);
    const to = 3;
    const { kernel } = foldLinear(heads, embeddings, N, to, { blend: 1, featureVariance: 0.37 });
    const maps = heads.map((head) => matrix(head.kernel, head.bias.length));
    const all = maps
      .map((map, k) => map.mmul(map.transpose()).mul(heads[k]!.weight))
      .reduce((sum, each) => sum.add(each));
    const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(all);
    const order = realEigenvalues.map((_, k) => k).sort((a, b) => realEigenvalues[b]! - realEigenvalues[a]!);
    const truncated = order.slice(0, to).reduce(
      (sum, k) => {
        const axis = eigenvectorMatrix.getColumnVector(k);
        return sum.add(axis.mmul(axis.transpose()).mul(realEigenvalues[k]!));
      },
      Matrix.zeros(P, P),
    );
    const found = matrix(kernel, to);
    expect(found.mmul(found.transpose()).sub(truncated).norm("frobenius")).toBeLessThan(1e-4);
    // D² - D_z² lies between 0 and the first discarded value times the squared distance of the features.
    const random = counterRandom(8, "pairs");
    for (let trial = 0; trial < 100; trial++) {
      const delta = Matrix.columnVector(Array.from({ length: P }, () => random.normal()));
      const form = (m: Matrix): number => delta.transpose().mmul(m).mmul(delta).get(0, 0);
      const lost = form(all) - form(found.mmul(found.transpose()));
      expect(lost).toBeGreaterThan(-1e-4);
      expect(lost).toBeLessThan(realEigenvalues[order[to]!]! * delta.norm("frobenius") ** 2 + 1e-4);
    }
  });

  test("a blend lies between, and says what it loses", () => {
    const { features, heads, embeddings } = scene(4);
    const to = 2;
    const lost = [0, 0.5, 1].map((blend) => {
      const folded = foldLinear(heads, embeddings, N, to, { blend, featureVariance: 0.2 });
      const z = applyHead(folded, features, N);
      const seen = meanOverPairs((i, j) => squared(embeddings, WIDTH, i, j) - squared(z, to, i, j));
      expect(seen / folded.expectedLostDistance).toBeCloseTo(1, 4);
      for (let i = 0; i < N; i += 9)
        for (let j = 0; j < N; j++)
          expect(squared(z, to, i, j)).toBeLessThan(squared(embeddings, WIDTH, i, j) + 1e-4);
      return folded.expectedLostDistance;
    });
    expect(lost[0]).toBeLessThan(lost[1]!);
    expect(lost[1]).toBeLessThan(lost[2]!);
    expect(() => foldLinear(heads, embeddings, N, to, { blend: 0.5, metric: "stress" })).toThrow("no blend");
  });

  test("of sizes that disagree", () => {
    const { heads, embeddings } = scene(5);
    expect(() => foldLinear(heads, embeddings, N, 8)).toThrow("which has 7 dimensions");
    expect(() => foldLinear(heads, embeddings, N - 1, 2)).toThrow("not 79 embeddings of 7");
    const odd = { ...heads[1]!, kernel: new Float32Array(4) };
    expect(() => foldLinear([heads[0]!, odd], embeddings, N, 2)).toThrow("does not map 6 features to 4");
  });
});

describe("heads of unit length", () => {
  const to = 3;
  const { features, embeddings } = scene(6, P, unit);
  const head = regressHead(features, embeddings, N, to);
  const z = applyHead(head, features, N);
  const [H, U] = [centred(matrix(features, P)), centred(matrix(embeddings, WIDTH))];
  const fit = H.mmul(pseudoInverse(H)).mmul(U);
  const spread = (rows: Matrix): Matrix => rows.transpose().mmul(rows).div(N);

  test("are regressed on with the least error of any map of that rank", () => {
    // The error of predicting u from z, against that of the reduced-rank regression by least squares.
    const Z = centred(matrix(z, to));
    const left = U.clone().sub(Z.mmul(pseudoInverse(Z)).mmul(U));
    const kept = descending(spread(fit)).slice(0, to);
    const least = spread(U).trace() - kept.reduce((a, b) => a + b);
    expect(spread(left).trace() / least).toBeGreaterThan(1 - 1e-6);
    expect(spread(left).trace() / least).toBeLessThan(1 + 1e-3);
    expect(head.unexplained).toBeCloseTo(1 - spread(fit).trace() / spread(U).trace(), 2);
    expect(head.unexplained).toBeGreaterThan(0.01);
  });

  test("lose as much as is said, in both metrics", () => {
    for (const metric of ["strain", "stress"] as const) {
      const other = regressHead(features, embeddings, N, to, metric);
      const y = applyHead(other, features, N);
      const seen = meanOverPairs((i, j) => squared(embeddings, WIDTH, i, j) - squared(y, to, i, j));
      expect(seen / other.expectedLostDistance).toBeCloseTo(1, 4);
    }
    const mean = (y: Float32Array): number =>
      meanOverPairs((i, j) => (squared(embeddings, WIDTH, i, j) - squared(y, to, i, j)) ** 2);
    const stretched = applyHead(regressHead(features, embeddings, N, to, "stress"), features, N);
    expect(mean(stretched)).toBeLessThan(mean(z));
  });
});

test("linear heads are what a regression finds too, up to its ridge", () => {
  const { features, heads, embeddings } = scene(7);
  const [exact, fitted] = [foldLinear(heads, embeddings, N, 4), regressHead(features, embeddings, N, 4)];
  expect(fitted.unexplained).toBeLessThan(0.02);
  const [a, b] = [applyHead(exact, features, N), applyHead(fitted, features, N)];
  const difference = meanOverPairs((i, j) => Math.abs(squared(a, 4, i, j) - squared(b, 4, i, j)));
  expect(difference / meanOverPairs((i, j) => squared(a, 4, i, j))).toBeLessThan(0.03);
});

test("features that do not vary make a head that gives one point", () => {
  const { embeddings } = scene(8);
  const head = regressHead(new Float32Array(N * P).fill(0.5), embeddings, N, 2);
  expect(head.unexplained).toBe(1);
  expect(
    Array.from(applyHead(head, new Float32Array(2 * P), 2)).every((value) => Math.abs(value) < 1e-9),
  ).toBe(true);
});

test("systems are solved as ml-matrix solves them", () => {
  const random = counterRandom(1, "system");
  const root = new Matrix(Array.from({ length: 9 }, () => Array.from({ length: 9 }, () => random.normal())));
  const system = root.mmul(root.transpose()).add(Matrix.eye(9));
  const right = Float64Array.from({ length: 18 }, () => random.normal());
  const x = solvePositive(Float64Array.from(system.to1DArray()), right, 9, 2);
  multiply(Float64Array.from(system.to1DArray()), x, 9, 9, 2).forEach((value, k) =>
    expect(value).toBeCloseTo(right[k]!, 9),
  );
  expect(() => solvePositive(Float64Array.of(1, 2, 2, 1), Float64Array.of(1, 1), 2, 1)).toThrow(
    "positive definite",
  );
});
