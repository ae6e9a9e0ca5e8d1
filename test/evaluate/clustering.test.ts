/** NMI against hand values, and k-means on clusters that are known. */
import "@tensorflow/tfjs-backend-wasm";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, test } from "vitest";
import { centre } from "../../src/runtime/evaluate/centred.ts";
import { evaluateEmbeddings } from "../../src/runtime/evaluate/evaluate.ts";
import { kMeans } from "../../src/runtime/evaluate/kmeans.ts";
import { normalizedMutualInformation } from "../../src/runtime/evaluate/nmi.ts";
import { counterRandom } from "../../src/runtime/random.ts";

beforeAll(async () => {
  await tf.setBackend("wasm");
});

const groups = (...values: number[]): Int32Array => Int32Array.from(values);

describe("NMI", () => {
  test("2 I / (H + H) by hand", () => {
    // Classes {0 0 0 1 1 1}, clusters {0 0 1 1 1 1}: joint counts (2, 1; 0, 3).
    const information =
      (2 / 6) * Math.log((2 * 6) / (3 * 2)) +
      (1 / 6) * Math.log((1 * 6) / (3 * 4)) +
      (3 / 6) * Math.log((3 * 6) / (3 * 4));
    const entropies = Math.log(2) - ((2 / 6) * Math.log(2 / 6) + (4 / 6) * Math.log(4 / 6));
    const nmi = normalizedMutualInformation(groups(0, 0, 0, 1, 1, 1), groups(0, 0, 1, 1, 1, 1));
    expect(nmi).toBeCloseTo((2 * information) / entropies, 14);
    expect(nmi).toBeCloseTo(0.4787, 4);
  });

  test("equal groupings under other names 1, independent ones 0, symmetric", () => {
    expect(normalizedMutualInformation(groups(7, 7, 3, 3, 9), groups(0, 0, 1, 1, 2))).toBeCloseTo(1, 14);
    expect(normalizedMutualInformation(groups(0, 0, 1, 1), groups(0, 1, 0, 1))).toBe(0);
    expect(normalizedMutualInformation(groups(0, 0, 0), groups(1, 1, 1))).toBe(1);
    expect(normalizedMutualInformation(groups(0, 1, 2), groups(1, 1, 1))).toBe(0);
    const a = groups(0, 1, 1, 2, 2, 2, 0);
    const b = groups(1, 1, 0, 0, 2, 2, 1);
    expect(normalizedMutualInformation(a, b)).toBeCloseTo(normalizedMutualInformation(b, a), 14);
  });
});

/** `perClass` samples about each of `classes` random centres. */
function blobs(classes: number, perClass: number, dim: number, noise: number): [Float32Array, Int32Array] {
  const random = counterRandom(11, "test/blobs");
  const centres = Float64Array.from({ length: classes * dim }, () => random.normal());
  const labels = Int32Array.from({ length: classes * perClass }, (_, i) => i % classes);
  const embeddings = new Float32Array(labels.length * dim);
  for (let p = 0; p < embeddings.length; p++) {
    embeddings[p] = centres[labels[Math.floor(p / dim)]! * dim + (p % dim)]! + noise * random.normal();
  }
  return [embeddings, labels];
}

/** Sum of squared distances from the means of the clusters. */
function inertia(embeddings: Float32Array, dim: number, clusters: Int32Array): number {
  const sizes = new Map<number, number>();
  const sums = new Map<string, number>();
  clusters.forEach((c, i) => {
    sizes.set(c, (sizes.get(c) ?? 0) + 1);
    for (let d = 0; d < dim; d++) {
      sums.set(`${c} ${d}`, (sums.get(`${c} ${d}`) ?? 0) + embeddings[i * dim + d]!);
    }
  });
  let total = 0;
  clusters.forEach((c, i) => {
    for (let d = 0; d < dim; d++) {
      total += (embeddings[i * dim + d]! - sums.get(`${c} ${d}`)! / sizes.get(c)!) ** 2;
    }
  });
  return total;
}

describe("k-means", () => {
  test("finds clusters that are far apart, nearly all of many", async () => {
    const [few, fewLabels] = blobs(4, 10, 8, 0.01);
    expect(normalizedMutualInformation(fewLabels, await kMeans(centre(few, 8, "x"), 4, 3))).toBeCloseTo(
      1,
      12,
    );
    const [many, manyLabels] = blobs(60, 12, 16, 0.05);
    const settings = { recallAt: [], mapAtR: false, rPrecision: false, nmi: true };
    const { nmi } = await evaluateEmbeddings(many, 16, manyLabels, settings, 3);
    expect(nmi).toBeGreaterThan(0.97);
  });

  test("ends near a local optimum: no worse than the true classes of overlapping blobs", async () => {
    const [embeddings, labels] = blobs(12, 25, 6, 1.2);
    const clusters = await kMeans(centre(embeddings, 6, "x"), 12, 5);
    expect(new Set(clusters).size).toBe(12);
    expect(inertia(embeddings, 6, clusters)).toBeLessThan(inertia(embeddings, 6, labels));
  });

  test("the same seed gives the same clusters, and each seed its own start", async () => {
    const [embeddings] = blobs(10, 12, 4, 1);
    const run = async (seed: number): Promise<string> =>
      (await kMeans(centre(embeddings, 4, "x"), 10, seed)).join();
    expect(await run(1)).toBe(await run(1));
    expect(new Set([await run(1), await run(2), await run(3)]).size).toBeGreaterThan(1);
  });

  test("k = n puts every distinct sample by itself; copies leave clusters empty", async () => {
    const distinct = Float32Array.from([0, 1, 2, 4, 8, 16]);
    expect(new Set(await kMeans(centre(distinct, 1, "x"), 6, 1)).size).toBe(6);
    const copies = Float32Array.from([1, 1, 1, 5, 5, 5]);
    const clusters = await kMeans(centre(copies, 1, "x"), 4, 1);
    expect(normalizedMutualInformation(groups(0, 0, 0, 1, 1, 1), clusters)).toBe(1);
    const collapsed = await kMeans(centre(new Float32Array(12).fill(0.3), 2, "x"), 3, 1);
    expect(new Set(collapsed).size).toBe(1);
  });
});
