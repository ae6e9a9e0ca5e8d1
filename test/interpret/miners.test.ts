/** Miners restrict tuples and carry no gradient. */
import { describe, expect, it } from "vitest";
import { interpretLoss } from "../../src/interpret/index.ts";
import { batchOf, formula, loss, miner, randomBatch } from "./support.ts";

const batch = batchOf([[0], [1], [3], [1.5], [7]], [0, 0, 0, 1, 1]);
/** d(a, p) - d(a, n) of every triplet that is taken. */
const differences = formula(
  "sum[a, p, n | same(a, p), differs(a, n)] (euclidean(x[a], x[p]) - euclidean(x[a], x[n]))",
);
const triplets = formula("sum[a, p, n | same(a, p), differs(a, n)] (1 + 0 * x[a, 0])");

describe("miners for triplets", () => {
  it("without one, all are taken", () =>
    expect(interpretLoss(triplets, batch).value).toBe(3 * 2 * 2 + 2 * 3));

  it("semi_hard takes the negatives beyond the positive, within the margin", () => {
    // (0: p 1, n 1.5), (1: p 0, n none at 1 < d <= 1.6), (2: p 1, n none at 2 < d <= 2.6), …
    const taken = interpretLoss(triplets, batch, { miner: miner("semi_hard(margin: 0.6)") }).value;
    let expected = 0;
    const { data } = batch.views[0]!;
    const d = (i: number, j: number): number => Math.abs(data[i]! - data[j]!);
    for (let a = 0; a < 5; a++)
      for (let p = 0; p < 5; p++)
        for (let n = 0; n < 5; n++) {
          const same = a !== p && batch.labels[a] === batch.labels[p];
          const differs = batch.labels[a] !== batch.labels[n];
          if (same && differs && d(a, p) < d(a, n) && d(a, n) <= d(a, p) + 0.6) expected++;
        }
    expect(expected).toBeGreaterThan(0);
    expect(taken).toBe(expected);
  });

  it("batch_hard takes the farthest positive and the nearest negative of each anchor", () => {
    const mined = { miner: miner("batch_hard") };
    expect(interpretLoss(triplets, batch, mined).value).toBe(5);
    expect(interpretLoss(differences, batch, mined).value).toBeCloseTo(
      3 - 1.5 + (2 - 0.5) + (3 - 1.5) + (5.5 - 0.5) + (5.5 - 4),
      12,
    );
  });

  it("batch_hard takes nothing where there is no positive", () => {
    const result = interpretLoss(triplets, batchOf([[0], [1]], [0, 1]), { miner: miner("batch_hard") });
    expect(result).toMatchObject({ value: 0, valid: false });
  });

  it("carries no gradient: the mined loss has that of its tuples", () => {
    const instance = loss("triplet(margin: 0.5)");
    const random = randomBatch(instance, { classes: 3, samples: 3, dim: 4 });
    const mined = interpretLoss(instance, random, { miner: miner("batch_hard"), gradient: true });
    const step = 1e-6;
    const { data } = random.views[0]!;
    data.forEach((held, i) => {
      data[i] = held + step;
      const above = interpretLoss(instance, random, { miner: miner("batch_hard") }).value;
      data[i] = held - step;
      const below = interpretLoss(instance, random, { miner: miner("batch_hard") }).value;
      data[i] = held;
      expect((above - below) / (2 * step)).toBeCloseTo(mined.gradient!.views[0]![i]!, 6);
    });
  });
});

describe("miners for pairs", () => {
  it("multi_similarity keeps the pairs within epsilon of the other kind's hardest", () => {
    const random = randomBatch(triplets, { classes: 3, samples: 4, dim: 3, seed: 4 });
    const { data } = random.views[0]!;
    const all = [...random.labels.keys()];
    const s = (i: number, j: number): number =>
      [0, 1, 2].reduce((sum, t) => sum + data[3 * i + t]! * data[3 * j + t]!, 0);
    const same = (a: number, j: number): boolean => a !== j && random.labels[a] === random.labels[j];
    const differs = (a: number, j: number): boolean => random.labels[a] !== random.labels[j];
    for (const epsilon of [0, 0.1, 0.5]) {
      const mined = { miner: miner(`multi_similarity(epsilon: ${epsilon})`) };
      const count = (kind: string): number =>
        interpretLoss(formula(`sum[i, j | ${kind}(i, j)] (1 + 0 * x[i, 0] * x[j, 0])`), random, mined).value;
      let positives = 0;
      let negatives = 0;
      for (const a of all) {
        const nearest = Math.max(...all.filter((n) => differs(a, n)).map((n) => s(a, n)));
        const farthest = Math.min(...all.filter((p) => same(a, p)).map((p) => s(a, p)));
        positives += all.filter((p) => same(a, p) && s(a, p) - epsilon < nearest).length;
        negatives += all.filter((n) => differs(a, n) && s(a, n) + epsilon > farthest).length;
      }
      expect([count("same"), count("differs")]).toEqual([positives, negatives]);
      expect(positives + negatives).toBeLessThan((3 + 8) * all.length);
    }
  });

  it("multi_similarity takes nothing where there is no positive, or no negative", () => {
    const mined = { miner: miner("multi_similarity") };
    for (const labels of [
      [0, 0],
      [0, 1],
    ])
      expect(interpretLoss(loss("contrastive"), batchOf([[1], [2]], labels), mined)).toMatchObject({
        value: 0,
        valid: false,
      });
  });

  const near = miner("near", "miner near() for (a, j) { euclidean(x[a], x[j]) < 1.2 }");

  it("restrict every same and differs", () => {
    expect(
      interpretLoss(formula("sum[i, j | same(i, j)] (1 + 0 * x[i, 0])"), batch, { miner: near }).value,
    ).toBe(2);
    expect(
      interpretLoss(formula("sum[i, j | differs(i, j)] (1 + 0 * x[i, 0])"), batch, { miner: near }).value,
    ).toBe(2);
  });

  it("restrict guards, not bodies", () => {
    const counted = formula("sum[i, j] (same(i, j) + 0 * x[i, 0] + 0 * x[j, 0])");
    const guarded = formula("sum[i, j | same(i, j)] (same(i, j) + 0 * x[i, 0])");
    expect(() => interpretLoss(counted, batch, { miner: near })).toThrow(
      /no tuples that near could choose among/,
    );
    expect(interpretLoss(guarded, batch, { miner: near }).value).toBe(2);
  });
});

it("a miner on a loss without its tuples is refused", () => {
  const softmax = loss("normalized_softmax");
  const random = randomBatch(softmax, { classes: 2, samples: 2, dim: 2 });
  expect(() => interpretLoss(softmax, random, { miner: miner("semi_hard") })).toThrow(/no tuples/);
});
