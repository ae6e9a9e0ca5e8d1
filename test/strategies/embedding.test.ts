import { describe, expect, test } from "vitest";
import { ensembleDim, ensembleEmbedding } from "../../src/runtime/ensemble/embedding.ts";
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
  test("are centred and of unit length, so that distance is correlation", () => {
    const dataset = drawShapes(2, 2);
    const rows = pixelEmbeddings(dataset, Int32Array.of(1, 3));
    expect(rows.length).toBe(2 * 144);
    for (const row of [rows.subarray(0, 144), rows.subarray(144)]) {
      expect(row.reduce((sum, value) => sum + value, 0)).toBeCloseTo(0, 5);
      expect(row.reduce((sum, value) => sum + value * value, 0)).toBeCloseTo(1, 5);
    }
  });

  test("an image of one colour is the zero vector", () => {
    const dataset = { ...drawShapes(1, 1), pixels: new Uint8Array(144).fill(7) };
    expect(pixelEmbeddings(dataset, Int32Array.of(0)).every((value) => value === 0)).toBe(true);
  });
});
