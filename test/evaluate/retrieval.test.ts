/** Retrieval metrics against hand-computed cases and against their definitions by brute force. */
import "@tensorflow/tfjs-backend-cpu";
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, test } from "vitest";
import { centre } from "../../src/runtime/evaluate/centred.ts";
import { evaluateEmbeddings } from "../../src/runtime/evaluate/evaluate.ts";
import { retrieve } from "../../src/runtime/evaluate/retrieve.ts";
import type { EvaluateSettings } from "../../src/runtime/program.ts";
import { randomSample, ranking, referenceMetrics } from "./brute_force.ts";
import type { Sample } from "./brute_force.ts";

beforeAll(async () => {
  await tf.setBackend("cpu");
});

const none: EvaluateSettings = { recallAt: [], mapAtR: false, rPrecision: false, nmi: false };
const retrieval: EvaluateSettings = {
  ...none,
  recallAt: [1, 2],
  mapAtR: true,
  rPrecision: true,
  knnAccuracy: 3,
};

/** Points on a line. */
function line(positions: number[], labels: number[]): [Float32Array, number, Int32Array] {
  return [Float32Array.from(positions), 1, Int32Array.from(labels)];
}

describe("hand-computed", () => {
  test("two classes on a line, one sample astray", async () => {
    // a a b a b at 0 1 3 7 8. Neighbours, nearest first:
    //   0: 1(a) 2(b) | 3(a) 4(b)    R = 2: hits a.  AP = 1/2, R-prec 1/2, top-3 a b a -> a
    //   1: 0(a) 2(b) | 3(a) 4(b)    the same
    //   2: 1(a) | 0(a) 3(a) 4(b)    R = 1: none.    0, 0, a a a -> a, wrong; R@2 0
    //   3: 4(b) 2(b) | 1(a) 0(a)    R = 2: none.    0, 0, b b a -> b, wrong; R@2 0
    //   4: 3(a) | 2(b) 1(a) 0(a)    R = 1: none.    0, 0, a b a -> a, wrong; R@2 1
    const metrics = await evaluateEmbeddings(...line([0, 1, 3, 7, 8], [0, 0, 1, 0, 1]), retrieval, 0);
    expect(metrics).toEqual({
      recall_at_1: 2 / 5,
      recall_at_2: 3 / 5,
      map_at_r: 1 / 5,
      r_precision: 1 / 5,
      knn_accuracy: 2 / 5,
    });
  });

  test("MAP@R discounts late hits: hits at ranks 2 and 3 of R = 3 give (1/2 + 2/3)/3", async () => {
    // Query 0 (class 0): 1(other) 2(own) 3(own) 4(own, rank 4). Only class 0 has others; the rest are alone.
    const settings = { ...none, mapAtR: true };
    const others = [1, 2, 3, 4];
    const own = await evaluateEmbeddings(...line([0, ...others], [0, 1, 0, 0, 0]), settings, 0);
    // 2 at position 2: ties 1 (other) and 3 at distance 1, index order: 1 first; then 0, 4 at 2: 0 first.
    //   order 1(x) 3 0 4: hits at 2, 3: (1/2 + 2/3)/3
    // 3: 2, 4 at 1; 1 at 2: 2 4 1(x) 0: (1 + 1)/3
    // 4: 3, 2, 1(x): (1 + 1)/3
    // 0: 1(x) 2 3: (1/2 + 2/3)/3
    expect(own.map_at_r).toBeCloseTo((2 * (1 / 2 + 2 / 3) + 4) / 3 / 4, 14);
  });

  test("equal distances go by index, and a query is never its own neighbour", async () => {
    // Four copies of one point: every distance is 0.
    const [embeddings, dim, labels] = line([5, 5, 5, 5], [0, 1, 1, 0]);
    const { offsets, indices } = await retrieve(
      embeddings,
      centre(embeddings, dim, "x"),
      new Int32Array(4).fill(3),
    );
    expect(Array.from(offsets)).toEqual([0, 3, 6, 9, 12]);
    expect(Array.from(indices)).toEqual([1, 2, 3, 0, 2, 3, 0, 1, 3, 0, 1, 2]);
    // Nearest: 1 (wrong), 0 (wrong), 0 (wrong), 0 (right).
    const metrics = await evaluateEmbeddings(embeddings, dim, labels, { ...none, recallAt: [1] }, 0);
    expect(metrics).toEqual({ recall_at_1: 1 / 4 });
  });

  test("a class of one sample asks nothing, but is in the gallery of the others", async () => {
    // 0(a) 1(lone) 2(a): each a finds the lone one first (2: tie-free, 1 at distance 1).
    const metrics = await evaluateEmbeddings(...line([0, 1, 2.5], [4, 9, 4]), retrieval, 0);
    expect(metrics).toEqual({
      recall_at_1: 0,
      recall_at_2: 1,
      map_at_r: 0,
      r_precision: 0,
      // Of two neighbours, one each: the nearest decides, and is wrong.
      knn_accuracy: 0,
    });
  });

  test("kNN: a majority beats the nearest; among equals the nearest wins", async () => {
    const settings = { ...none, knnAccuracy: 3 };
    // Query 0 at 0: 1(b) 2(a) 3(a) -> a, right. The others by the same rule:
    // 1 (b, 1): 0(a) 2(a, tie at 1) 3(a) -> a wrong. 2 (a, 2): 1(b) 3(a) 0(a) -> right. 3 (a, 3): 2 1 0 -> right.
    // 4 (b, 100): 3 2 1 -> a wrong.
    const majority = await evaluateEmbeddings(...line([0, 1, 2, 3, 100], [0, 1, 0, 0, 1]), settings, 0);
    expect(majority.knn_accuracy).toBe(3 / 5);
    // Query 0: nearest 1(a) 2(b) 3(c), one vote each: the nearest, right. 1: 0(a) 2(b) 3(c): right.
    // 2 and 3 are alone.
    const tie = await evaluateEmbeddings(...line([0, 1, 3, 10], [0, 0, 1, 2]), settings, 0);
    expect(tie.knn_accuracy).toBe(1);
  });

  test("K and k beyond the gallery mean the whole gallery", async () => {
    const settings = { ...none, recallAt: [50], knnAccuracy: 50 };
    const metrics = await evaluateEmbeddings(...line([0, 5, 6], [0, 1, 0]), settings, 0);
    expect(metrics).toEqual({ recall_at_50: 1, knn_accuracy: 0 });
  });
});

describe("brute force", () => {
  test.each([
    [2, 1, 1],
    [7, 3, 3],
    [40, 1, 4],
    [61, 5, 12],
    [90, 17, 2],
    [128, 33, 50],
    [200, 8, 9],
  ])("%i samples of %i dimensions in %i classes", async (n, dim, classes) => {
    const sample = randomSample(n, dim, classes, 100 + n);
    const reference = referenceMetrics(sample, 2, 3);
    const metrics = await evaluateEmbeddings(sample.embeddings, dim, sample.labels, retrieval, 0);
    expect(metrics.recall_at_2).toBeCloseTo(reference["recall"]!, 12);
    expect(metrics.map_at_r).toBeCloseTo(reference["map"]!, 12);
    expect(metrics.r_precision).toBeCloseTo(reference["rPrecision"]!, 12);
    expect(metrics.knn_accuracy).toBeCloseTo(reference["knn"]!, 12);
  });

  const TILES = [
    { rows: 1, columns: 1 },
    { rows: 7, columns: 3 },
    { rows: 16, columns: 64 },
    { rows: 1000, columns: 1000 },
  ];

  /** The neighbours of every sample, with these tiles, against the full sort. */
  async function expectExact(sample: Sample, depth: number, tiles = TILES): Promise<void> {
    const n = sample.labels.length;
    const centred = centre(sample.embeddings, sample.dim, "x");
    const depths = Int32Array.from({ length: n }, (_, q) => (q % 5 === 3 ? 0 : depth + (q % 3)));
    const expected = Array.from({ length: n }, (_, q) => ranking(sample, q).slice(0, depths[q])).flat();
    for (const tile of tiles) {
      const { indices } = await retrieve(sample.embeddings, centred, depths, tile);
      expect(Array.from(indices), `tiles of ${tile.rows} x ${tile.columns}`).toEqual(expected);
    }
  }

  test("neighbours do not depend on the tiles", async () => {
    await expectExact(randomSample(60, 6, 5, 1), 8);
  });

  test("near-duplicates far from the origin are told apart", async () => {
    // Gaps of one float32 step at 1000: squared distances of 4e-9 beside squared norms of 1e6.
    const sample = randomSample(40, 1, 4, 2);
    for (let i = 0; i < 40; i++) sample.embeddings[i] = 1000 + ((i * 17) % 40) * 2 ** -14;
    await expectExact(sample, 6);
  });

  test("many ties: a small integer grid", async () => {
    const sample = randomSample(150, 2, 4, 3);
    for (let i = 0; i < sample.embeddings.length; i++)
      sample.embeddings[i] = Math.round(sample.embeddings[i]!);
    await expectExact(sample, 10);
  });

  test("clusters tighter than float32 resolves against the whole", async () => {
    const sample = randomSample(150, 4, 3, 4);
    const { embeddings, labels } = sample;
    for (let i = 0; i < embeddings.length; i++) {
      embeddings[i] = (labels[Math.floor(i / 4)]! * 3 + (i % 4)) * 0.125 + 1e-7 * ((i * 7919) % 13);
    }
    await expectExact(sample, 12);
  });

  test("one cluster tighter than float32 resolves, larger than a list", async () => {
    const sample = randomSample(500, 3, 2, 8);
    const { embeddings } = sample;
    for (let i = 0; i < embeddings.length; i++) {
      embeddings[i] = (i < 60 ? 2 : 0.125) + 1e-7 * ((i * 7919) % 1013);
    }
    await expectExact(sample, 12, [{ rows: 128, columns: 64 }]);
  });

  test("huge and tiny values neither overflow nor vanish", async () => {
    for (const factor of [1e30, 1e-30]) {
      const sample = randomSample(50, 5, 4, 5);
      for (let i = 0; i < sample.embeddings.length; i++) sample.embeddings[i]! *= factor;
      await expectExact(sample, 5);
    }
  });

  test("products coarser than float32 are noticed and made up for", async () => {
    // An engine that rounds its operands to eleven bits, as TF32 does.
    const coarse = (x: tf.Tensor): tf.Tensor =>
      tf.tensor(
        x.dataSync().map((v) => Number(v.toPrecision(3))),
        x.shape,
      );
    const kernel = tf.getKernel("BatchMatMul", "cpu");
    tf.registerBackend("coarse", () => tf.findBackend("cpu"));
    for (const config of tf.getKernelsForBackend("cpu"))
      tf.registerKernel({ ...config, backendName: "coarse" });
    tf.unregisterKernel("BatchMatMul", "coarse");
    tf.registerKernel({
      ...kernel,
      backendName: "coarse",
      kernelFunc: (args) => {
        const { a, b } = args.inputs as { a: tf.Tensor; b: tf.Tensor };
        return kernel.kernelFunc({ ...args, inputs: { a: coarse(a), b: coarse(b) } });
      },
    });
    await tf.setBackend("coarse");
    try {
      await expectExact(randomSample(300, 6, 5, 6), 8);
    } finally {
      await tf.setBackend("cpu");
    }
  });
});

describe("what cannot be judged", () => {
  test("a value that is not finite names the embedding and the sample", async () => {
    const [embeddings, dim, labels] = line([0, NaN, 2], [0, 0, 0]);
    await expect(evaluateEmbeddings(embeddings, dim, labels, retrieval, 0, "head pull")).rejects.toThrow(
      "head pull: the embedding of sample 1 is not finite (NaN at dimension 0)",
    );
  });

  test("labels that do not match, rows that do not fit, and classes that are all alone", async () => {
    const three = Int32Array.from([0, 1, 2]);
    await expect(evaluateEmbeddings(new Float32Array(2), 1, three, retrieval, 0)).rejects.toThrow(
      "2 embeddings but 3",
    );
    await expect(evaluateEmbeddings(new Float32Array(5), 2, three, retrieval, 0)).rejects.toThrow(
      "rows of 2",
    );
    await expect(evaluateEmbeddings(new Float32Array(3), 1, three, retrieval, 0)).rejects.toThrow(
      "no class has two",
    );
  });

  test("no samples at all", async () => {
    const nmi = { ...none, nmi: true };
    await expect(evaluateEmbeddings(new Float32Array(0), 2, new Int32Array(0), nmi, 0)).rejects.toThrow(
      "no samples",
    );
  });

  test("only what was asked for, in a stable order, and no tensor is left behind", async () => {
    const sample = randomSample(30, 4, 3, 7);
    const before = tf.memory().numTensors;
    const all: EvaluateSettings = { ...retrieval, recallAt: [1, 4], nmi: true };
    const metrics = await evaluateEmbeddings(sample.embeddings, 4, sample.labels, all, 0);
    expect(Object.keys(metrics)).toEqual([
      "recall_at_1",
      "recall_at_4",
      "map_at_r",
      "r_precision",
      "nmi",
      "knn_accuracy",
    ]);
    expect(await evaluateEmbeddings(sample.embeddings, 4, sample.labels, none, 0)).toEqual({});
    expect(tf.memory().numTensors).toBe(before);
  });
});
