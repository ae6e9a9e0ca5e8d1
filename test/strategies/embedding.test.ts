import { describe, expect, test } from "vitest";
import { ensembleDim, ensembleEmbedding, permutedWeights } from "../../src/runtime/ensemble/embedding.ts";
import type { HeadSpec } from "../../src/runtime/program.ts";
import { counterRandom } from "../../src/runtime/random.ts";
import { pixelEmbeddings } from "../../src/runtime/train/embed.ts";
import { drawShapes } from "../train/shapes.ts";

const head = (name: string, dim: number, weight: number): HeadSpec => ({
  name,
  dim,
  weight,
  unit: false,
  losses: [],
});

function squaredDistance(rows: Float32Array, dim: number, i: number, j: number): number {
  let sum = 0;
  for (let k = 0; k < dim; k++) sum += (rows[i * dim + k]! - rows[j * dim + k]!) ** 2;
  return sum;
}

describe("the ensemble's embedding", () => {
  test("has the weighted sum of the heads' squared distances", () => {
    const heads = [head("a", 3, 0.2), head("b", 5, 0.5), head("c", 1, 0.3)];
    const random = counterRandom(1, "embedding");
    const embeddings = Object.fromEntries(
      heads.map(({ name, dim }) => [name, Float32Array.from({ length: 4 * dim }, () => random.normal())]),
    );
    const joined = ensembleEmbedding(heads, embeddings, 4);
    expect(ensembleDim(heads)).toBe(9);
    expect(joined.length).toBe(36);
    for (const [i, j] of [
      [0, 1],
      [1, 3],
      [2, 0],
    ] as const) {
      const expected = heads.reduce(
        (sum, { name, dim, weight }) => sum + weight * squaredDistance(embeddings[name]!, dim, i, j),
        0,
      );
      expect(squaredDistance(joined, 9, i, j)).toBeCloseTo(expected, 5);
    }
  });

  test("stands in the order of the heads", () => {
    const heads = [head("a", 1, 0.25), head("b", 2, 1)];
    const joined = ensembleEmbedding(heads, { b: Float32Array.of(1, 2, 3, 4), a: Float32Array.of(8, 6) }, 2);
    expect(Array.from(joined)).toEqual([4, 1, 2, 3, 3, 4]);
  });
});

describe("pixels as an embedding", () => {
  test("are centred and of unit length, so that distance is correlation", async () => {
    const dataset = drawShapes(2, 2);
    const { embeddings: rows } = await pixelEmbeddings(dataset, Int32Array.of(1, 3));
    expect(rows.length).toBe(2 * 144);
    for (const row of [rows.subarray(0, 144), rows.subarray(144)]) {
      expect(row.reduce((sum, value) => sum + value, 0)).toBeCloseTo(0, 5);
      expect(row.reduce((sum, value) => sum + value * value, 0)).toBeCloseTo(1, 5);
    }
  });

  test("an image of one colour is the zero vector", async () => {
    const dataset = { ...drawShapes(1, 1), pixels: new Uint8Array(144).fill(7) };
    const { embeddings } = await pixelEmbeddings(dataset, Int32Array.of(0));
    expect(embeddings.every((value) => value === 0)).toBe(true);
  });

  test("large images are made smaller by means over squares, cut short at the edges", async () => {
    // 33 x 2: squares of two pixels a side, the last one pixel wide.
    const pixels = new Uint8Array(66).fill(10);
    pixels.set([50], 32);
    pixels.set([90], 65);
    const dataset = { ...drawShapes(1, 1), image: [2, 33, 1] as const, pixels };
    const { embeddings, dim } = await pixelEmbeddings(dataset, Int32Array.of(0));
    expect(dim).toBe(17);
    const mean = (16 * 10 + 70) / 17;
    const norm = Math.sqrt(16 * (10 - mean) ** 2 + (70 - mean) ** 2);
    expect(embeddings[0]).toBeCloseTo((10 - mean) / norm, 6);
    expect(embeddings[16]).toBeCloseTo((70 - mean) / norm, 6);
  });
});

describe("weights of heads for each sample", () => {
  const heads = [head("a", 2, 0.5), head("b", 1, 0.5)];
  const embeddings = { a: Float32Array.of(1, 2, 3, 4), b: Float32Array.of(5, 6) };

  test("take the place of the fixed ones, per sample or for all", () => {
    const perSample = { a: Float32Array.of(1, 0.25), b: Float32Array.of(0, 0.75) };
    const [, , dropped, x, y, z] = ensembleEmbedding(heads, embeddings, 2, perSample);
    expect([dropped, x, y]).toEqual([0, 1.5, 2]);
    expect(z).toBeCloseTo(Math.sqrt(0.75) * 6, 5);
    const same = ensembleEmbedding(heads, embeddings, 2, { a: Float32Array.of(4), b: Float32Array.of(1) });
    expect(Array.from(same)).toEqual([2, 4, 5, 6, 8, 6]);
    // A head that is not named keeps its own.
    const partly = ensembleEmbedding(heads, embeddings, 2, { b: Float32Array.of(1) });
    expect(partly[0]).toBeCloseTo(Math.SQRT1_2, 6);
  });

  test("permuted: the same gate vectors, each at another sample, by the seed alone", () => {
    const count = 200;
    const a = Float32Array.from({ length: count }, (_, i) => i / count);
    const b = a.map((value) => 1 - value);
    const permuted = permutedWeights({ a, b, fixed: Float32Array.of(0.3) }, count, 7)!;
    expect(Array.from(permuted["a"]!).sort()).toEqual(Array.from(a).sort());
    permuted["a"]!.forEach((value, i) => expect(permuted["b"]![i]).toBeCloseTo(1 - value, 6));
    expect(permuted["a"]!.filter((value, i) => value === a[i]).length).toBeLessThan(10);
    expect(permuted["fixed"]).toEqual(Float32Array.of(0.3));
    expect(permutedWeights({ a, b }, count, 7)!["a"]).toEqual(permuted["a"]);
    expect(permutedWeights({ a, b }, count, 8)!["a"]).not.toEqual(permuted["a"]);
  });

  test("there is no control where no weight differs between samples", () => {
    expect(permutedWeights({}, 5, 7)).toBeUndefined();
    expect(permutedWeights({ a: Float32Array.of(0.5) }, 5, 7)).toBeUndefined();
  });
});
