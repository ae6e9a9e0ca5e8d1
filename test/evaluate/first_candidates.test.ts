/** Neighbours from an engine's first candidates: right or left open, never wrong. */
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, test } from "vitest";
import { centre } from "../../src/runtime/evaluate/centred.ts";
import { firstCandidates } from "../../src/runtime/evaluate/first_candidates.ts";
import { randomSample, ranking } from "./brute_force.ts";
import type { Sample } from "./brute_force.ts";

beforeAll(async () => {
  await tf.setBackend("cpu");
});

/** How many queries were left open; all others are held against the full sort. */
async function openOf(sample: Sample, depth: number): Promise<number> {
  const n = sample.labels.length;
  const depths = Int32Array.from({ length: n }, (_, q) => (q % 5 === 3 ? 0 : depth + (q % 3)));
  const centred = centre(sample.embeddings, sample.dim, "x");
  const { neighbours, open } = (await firstCandidates(sample.embeddings, centred, depths))!;
  const left = new Set(open);
  for (let q = 0; q < n; q++) {
    if (left.has(q)) continue;
    const own = neighbours.indices.subarray(neighbours.offsets[q], neighbours.offsets[q + 1]);
    expect(Array.from(own), `query ${q}`).toEqual(ranking(sample, q).slice(0, depths[q]));
  }
  return open.length;
}

describe("first candidates", () => {
  test.each([
    [40, 1, 3],
    [90, 17, 8],
    [200, 8, 20],
    [3000, 5, 2],
  ])("%i samples of %i dimensions, %i deep: every query is settled", async (n, dim, depth) => {
    expect(await openOf(randomSample(n, dim, 5, 100 + n), depth)).toBe(0);
  });

  test("near-duplicates that rounding cannot tell apart are told apart, or left open", async () => {
    const sample = randomSample(120, 6, 4, 7);
    for (let i = 0; i < 120; i++) {
      for (let t = 0; t < 6; t++)
        sample.embeddings[i * 6 + t] = 3 + 1e-6 * sample.embeddings[(i % 40) * 6 + t]! * i;
    }
    await openOf(sample, 4);
  });

  test("more equal distances than are looked at leave a query open", async () => {
    const sample = randomSample(60, 3, 4, 9);
    sample.embeddings.fill(1);
    // One in five asks nothing.
    expect(await openOf(sample, 2)).toBe(48);
  });

  test("copies within what is looked at are ordered by index", async () => {
    const sample = randomSample(50, 4, 5, 11);
    for (let t = 0; t < 4; t++) {
      for (const copy of [7, 20, 33]) sample.embeddings[copy * 4 + t] = sample.embeddings[t]!;
    }
    expect(await openOf(sample, 5)).toBe(0);
  });

  test("is not for depths near the number of samples", async () => {
    const sample = randomSample(20, 4, 5, 11);
    const centred = centre(sample.embeddings, sample.dim, "x");
    expect(await firstCandidates(sample.embeddings, centred, new Int32Array(20).fill(19))).toBeUndefined();
  });
});
