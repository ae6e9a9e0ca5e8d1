/** Mined losses against the interpreter, and what a miner leaves alone. */
import { beforeAll, describe, expect, it } from "vitest";
import { LoweringError } from "../../src/ir/lower/environment.ts";
import type { LossInstance, MinerInstance } from "../../src/resolve/values.ts";
import { startEngine } from "../../src/runtime/engine/index.ts";
import { formula, loss, miner } from "../interpret/support.ts";
import { answers, batchOf, compiled, expectParity, randomBatch } from "./support.ts";

beforeAll(async () => {
  await startEngine("wasm");
});

const LABELS = {
  "P x K": [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3],
  ragged: [2, 0, 1, 0, 4, 2, 2, 1, 2],
  "one class": [1, 1, 1, 1],
  "one sample a class": [0, 1, 2, 3],
};

const MINERS: Readonly<Record<string, readonly [MinerInstance, readonly string[]]>> = {
  semi_hard: [miner("semi_hard"), ["triplet(margin: 0.3)", "triplet(smooth: true)", "margin"]],
  "semi_hard on cosine distances": [
    miner("semi_hard(margin: 0.5, distance: cosine_distance)"),
    ["triplet(margin: 0.4)"],
  ],
  batch_hard: [miner("batch_hard"), ["triplet(margin: 0.3)", "triplet(smooth: true)", "margin"]],
  multi_similarity: [
    miner("multi_similarity"),
    [
      "multi_similarity",
      "contrastive",
      "triplet(margin: 0.3)",
      "circle",
      "supcon",
      "smooth_ap(temperature: 0.1)",
    ],
  ],
  angular: [miner("angular(angle: 35deg)"), ["triplet(margin: 0.3)"]],
  pair_margin: [miner("pair_margin(positive_margin: 0.9, negative_margin: 1.3)"), ["contrastive", "circle"]],
  triplet_margin: [miner("triplet_margin(margin: 0.3)"), ["triplet(margin: 0.3)"]],
  hard_triplets: [miner("hard_triplets"), ["triplet(margin: 0.3)"]],
  easy_triplets: [miner("easy_triplets"), ["triplet(smooth: true)"]],
  hdc: [miner("hdc"), ["contrastive"]],
  ...Object.fromEntries(
    [
      "batch_easy_semi_hard",
      "batch_easy_hard",
      "batch_easy_easy",
      "batch_hard_easy",
      "batch_hard_semi_hard",
      "batch_semi_hard_hard",
      "batch_semi_hard_easy",
      "batch_all_hard",
      "batch_all_easy",
      "batch_hard_all",
      "batch_easy_all",
    ].map((name) => [name, [miner(name), ["triplet(smooth: true)"]] as const]),
  ),
  "a chain of assignments": [
    miner(
      "chained",
      `miner chained() for (a, p, n) {
         let d(i, j) = euclidean(x[i], x[j])
         p = argmin[j | same(a, j)] d(a, j)
         n = argmin[j | differs(a, j), d(a, j) > d(a, p)] d(a, j)
       }`,
    ),
    ["triplet(margin: 0.6)"],
  ],
  "a direction": [
    miner("ordered", "miner ordered() for (a, j) { a < j and euclidean(x[a], x[j]) < 1.4 }"),
    ["contrastive", "multi_similarity"],
  ],
  "pairs with a statistic of the batch": [
    miner(
      "near",
      `miner near(share: real > 0 = 1) for (a, j) {
         let typical = mean[i, k | i != k] euclidean(x[i], x[k])
         euclidean(x[a], x[j]) < share * typical
       }`,
    ),
    ["contrastive", "multi_similarity"],
  ],
};

for (const [name, [mining, uses]] of Object.entries(MINERS))
  describe(name, () => {
    for (const use of uses) {
      const instance = loss(use);
      for (const [kind, labels] of Object.entries(LABELS))
        it(`${use}, ${kind}`, () => {
          for (const seed of [1, 2]) {
            const batch = randomBatch(instance, { labels, unit: true, seed, classes: 5 });
            expectParity(instance, batch, undefined, mining);
          }
        });
      it(`${use}, ties`, () => {
        // Axes of the space: distances that are equal in both precisions.
        const rows = [0, 1, 0, 2, 1, 0].map((k) => [0, 1, 2].map((t) => (t === k ? 1 : 0)));
        expectParity(instance, batchOf(instance, rows, [0, 0, 1, 1, 0, 2]), undefined, mining);
      });
    }
  });

describe("a miner for triplets", () => {
  const hard = miner("batch_hard");
  const mined = (instance: LossInstance): void => {
    const batch = randomBatch(instance, { labels: LABELS["P x K"], unit: true });
    expectParity(instance, batch, undefined, hard);
    const alone = answers(instance, batch).compiled.value;
    expect(answers(instance, batch, hard).compiled.value).not.toBeCloseTo(alone, 3);
  };
  const distance = "let d(i, j) = euclidean(x[i], x[j])";

  it("knows its indices by what compares them, not by their order or names", () => {
    mined(formula("mean[n, q, b | differs(b, n), same(q, b)] relu(d(q, b) - d(b, n) + 1)", distance));
  });
  it("sees pairs through `let`s and conjunctions", () => {
    mined(
      formula(
        "mean[a, p, n | tuple(a, p, n)] relu(d(a, p) - d(a, n) + 1)",
        `${distance}\nlet tuple(a, p, n) = same(a, p) and (differs(a, n) and a != n)`,
      ),
    );
  });
  it("leaves reductions over fewer indices alone", () => {
    const instance = formula(
      "(mean[a, p | same(a, p)] d(a, p)) + mean[a, p, n | same(a, p), differs(a, n)] relu(d(a, p) - d(a, n) + 1)",
      distance,
    );
    mined(instance);
  });
});

describe("a miner that finds nothing to choose among is refused", () => {
  for (const [use, mining] of [
    ["normalized_softmax", "semi_hard"],
    ["contrastive", "semi_hard"],
    ["normalized_softmax", "multi_similarity"],
  ] as const)
    it(`${use} on ${mining}`, () => {
      expect(() => compiled(loss(use), [4], miner(mining))).toThrow(LoweringError);
    });
});
