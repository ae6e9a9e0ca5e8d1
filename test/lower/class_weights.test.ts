/**
 * Losses weighed by class: the compiled form and the interpreter agree on value and gradients, what they are is the mean
 * of the weighed shares, and weights of 1 change nothing.
 */
import { beforeAll, describe, expect, it } from "vitest";
import { compileLoss } from "../../src/cli/compiled_loss.ts";
import { interpretLoss } from "../../src/interpret/index.ts";
import type { LossInstance } from "../../src/resolve/values.ts";
import { startEngine } from "../../src/runtime/engine/index.ts";
import { weightsByClass } from "../../src/runtime/init.ts";
import { formula, loss } from "../interpret/support.ts";
import { randomBatch } from "./support.ts";

beforeAll(async () => {
  await startEngine("wasm");
});

const LABELS = [0, 0, 0, 1, 1, 1, 2, 2, 2];
const WEIGHTS = weightsByClass("balanced", [30, 6, 12]);
const PARTS = `
  param b: real[classes] = constant(0.5)
  let d(i, j) = euclidean(x[i], x[j])
  1 - 0.3 * mean[i, j | same(i, j)] d(i, j)
    + (sum[i, j | differs(i, j)] relu(2 - d(i, j))) / (batch * batch)
    + ratio(count[i, j | i != j] d(i, j) < 1, batch)
    + (sum[m in [1, 2]] mean[i] norm(prefix(x[i], m)))
    + sum[k] b[k]^2`;

const near = (actual: ArrayLike<number>, exact: ArrayLike<number>, what: string): void => {
  const wanted = Array.from(exact);
  const size = Math.max(...wanted.map(Math.abs));
  wanted.forEach((value, k) =>
    expect(Math.abs(value - actual[k]!), what).toBeLessThanOrEqual(3e-5 * size + 2e-6),
  );
};

const cases: readonly (readonly [string, LossInstance])[] = [
  ...[
    "contrastive",
    "triplet",
    "arcface",
    "multi_similarity",
    "supcon",
    "normalized_softmax",
    "smooth_ap",
  ].map((name) => [name, loss(name)] as const),
  ["parts of every kind", formula(PARTS)],
];

describe("a loss weighed by class", () => {
  it.each(cases)("%s", (_, instance) => {
    const batch = randomBatch(instance, { labels: LABELS, unit: true });
    const exact = interpretLoss(instance, batch, { gradient: true, classWeights: WEIGHTS });
    const { terms } = interpretLoss(instance, batch, { terms: true });
    const shares = Array.from(terms!.perSample!, (share, k) => WEIGHTS[LABELS[k]!]! * share);
    expect(exact.value).toBeCloseTo(shares.reduce((a, b) => a + b) / shares.length + terms!.constant, 10);
    const ones = interpretLoss(instance, batch, { gradient: true, classWeights: [1, 1, 1] });
    const plain = interpretLoss(instance, batch, { gradient: true });
    expect(ones.value).toBeCloseTo(plain.value, 10);
    expect(Math.abs(exact.value - plain.value)).toBeGreaterThan(1e-4);
    for (const samples of [undefined, 3]) {
      const options = { classWeights: "balanced", ...(samples === undefined ? {} : { samples }) } as const;
      const answer = compileLoss(instance, [6], options).evaluate({ ...batch, classWeights: WEIGHTS });
      near([answer.value], [exact.value], "value");
      near(answer.gradient.views[0]!, exact.gradient!.views[0]!, "gradient");
      for (const [name, slopes] of exact.gradient!.params)
        near(answer.gradient.params.get(name)!, slopes, `gradient of ${name}`);
    }
  });

  it("by another label has that label's weights", () => {
    const coarse = { labels: LABELS.map((label) => (label === 2 ? 1 : 0)), classes: 2 };
    const instance = loss("contrastive");
    const batch = { ...randomBatch(instance, { labels: LABELS }), further: new Map([["coarse", coarse]]) };
    const exact = interpretLoss(instance, batch, { by: "coarse", classWeights: [0.5, 2] });
    const compiled = compileLoss(instance, [6], { by: "coarse", classWeights: "inverse_sqrt", samples: 3 });
    near([compiled.evaluate({ ...batch, classWeights: [0.5, 2] }).value], [exact.value], "value");
  });

  it("without a valid tuple is 0", () => {
    const instance = formula("1 + mean[i, j | same(i, j)] euclidean(x[i], x[j])");
    const batch = randomBatch(instance, { labels: [0, 1, 2] });
    expect(interpretLoss(instance, batch, { classWeights: WEIGHTS }).value).toBe(0);
    const compiled = compileLoss(instance, [6], { classWeights: "balanced" });
    const answer = compiled.evaluate({ ...batch, classWeights: WEIGHTS });
    expect([answer.value, answer.valid]).toEqual([0, false]);
  });

  it("is refused where it is no mean over samples", () => {
    const instance = loss("proxy_anchor");
    const batch = randomBatch(instance, { labels: LABELS });
    expect(() => interpretLoss(instance, batch, { classWeights: WEIGHTS })).toThrow("no mean over samples");
    expect(() => compileLoss(instance, [6], { classWeights: "balanced" })).toThrow("share of each sample");
  });
});

describe("the weights", () => {
  it.each(["balanced", "inverse_sqrt"] as const)("%s have mean 1 over the samples", (kind) => {
    const counts = [30, 6, 12, 1];
    const weights = weightsByClass(kind, counts);
    const mean = weights.reduce((sum, weight, k) => sum + weight * counts[k]!, 0) / 49;
    expect(mean).toBeCloseTo(1, 12);
    const power = kind === "balanced" ? 1 : 0.5;
    weights.forEach((weight, k) =>
      expect(weight * counts[k]! ** power).toBeCloseTo(weights[0]! * 30 ** power, 12),
    );
  });
});
