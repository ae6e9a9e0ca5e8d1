/**
 * `sample`: draws follow their weights, interpreter and compiled form draw the same, and what a draw depends on is what is
 * written around it.
 */
import { beforeAll, describe, expect, it } from "vitest";
import { compileLoss } from "../../src/cli/compiled_loss.ts";
import { interpretLoss } from "../../src/interpret/index.ts";
import type { LossBatch } from "../../src/interpret/index.ts";
import { LoweringError } from "../../src/ir/lower/environment.ts";
import type { LossInstance, MinerInstance } from "../../src/resolve/values.ts";
import { startEngine } from "../../src/runtime/engine/index.ts";
import { formula, loss, miner } from "../interpret/support.ts";
import { randomBatch } from "./support.ts";

beforeAll(async () => {
  await startEngine("wasm");
});

/** Where the numbers of a draw come close to a boundary, single precision may choose its neighbour. */
const STEPS = [0, 1, 2, 3];

function expectAlike(instance: LossInstance, on?: MinerInstance, samples?: number): void {
  const compiled = compileLoss(instance, [4], { miner: on, ...(samples === undefined ? {} : { samples }) });
  for (const step of STEPS) {
    const labels = samples === undefined ? [0, 0, 1, 2, 1, 0, 2] : [0, 0, 0, 1, 1, 1, 2, 2, 2];
    const batch = {
      ...randomBatch(instance, { labels, dim: 4, seed: 3 + step, classes: 3 }),
      randomness: { seed: 5, step },
    };
    const exact = interpretLoss(instance, batch, {
      gradient: true,
      ...(on === undefined ? {} : { miner: on }),
    });
    const answer = compiled.evaluate(batch);
    expect(answer.value).toBeCloseTo(exact.value, 4);
    expect(answer.valid).toBe(exact.valid);
    answer.gradient.views[0]!.forEach((slope, k) =>
      expect(slope).toBeCloseTo(exact.gradient!.views[0]![k]!, 4),
    );
  }
}

const NEAR = "let near(i, j) = exp(-euclidean(x[i], x[j]))";

describe("interpreted and compiled", () => {
  for (const [name, [body, statements]] of Object.entries<readonly [string, string?]>({
    "one negative for each sample": [
      "mean[i] cosine(x[i], x[drawn(i)])",
      `${NEAR}\nlet drawn(i) = sample[j | differs(i, j)] near(i, j)`,
    ],
    "one for the whole batch": ["norm(x[sample[j] norm(x[j])])"],
    "one for each pair": [
      "mean[i, j | same(i, j)] cosine(x[i], x[sample[k | differs(i, k)] near(j, k)])",
      NEAR,
    ],
    "one for each pair the other way round": [
      "mean[i, j | same(i, j)] cosine(x[i], x[drawn(j, i)]) * cosine(x[j], x[drawn(i, j)])",
      `${NEAR}\nlet drawn(a, b) = sample[k | differs(a, k)] near(b, k)`,
    ],
    "at one index twice": [
      "mean[i] cosine(x[i], x[drawn(i, i)])",
      `${NEAR}\nlet drawn(a, b) = sample[k | differs(a, k)] near(b, k)`,
    ],
    "of equal weights": ["mean[i] cosine(x[i], x[sample[j in batch] 1])"],
    "of a number": ["mean[i] norm(x[i]) * sample[r in 0..4] (r + 1)"],
    "of a number from 2": ["mean[i] norm(x[i]) * sample[r in 2..6] r"],
    "over classes": ["mean[k in classes] norm(x[sample[i | y[i] == k] norm(x[i])])"],
    "where some have nothing to draw": ["mean[i] norm(x[sample[j | same(i, j)] norm(x[j])])"],
    "of weights that are 0": ["mean[i] norm(x[sample[j | differs(i, j)] relu(cosine(x[i], x[j]) - 0.3)])"],
    "of weights below 0": ["mean[i] norm(x[sample[j] (cosine(x[i], x[j]) - 0.2)])"],
    "of nothing at all": ["1 + mean[i] cosine(x[i], x[sample[j] (norm(x[j]) - norm(x[j]))])"],
    "in a state": [
      "mean[i] norm(x[i]) * c[y[i]]",
      "state c[k in classes]: real = 1 then norm(x[sample[i | y[i] == k] 1])",
    ],
  }))
    it(name, () => expectAlike(formula(body, statements)));

  const triplets = formula(
    "mean[a, p, n | same(a, p), differs(a, n)] (1 + cosine(x[a], x[n]) - cosine(x[a], x[p]))",
  );
  const pairs = formula(
    "mean[i, j | same(i, j)] (1 - cosine(x[i], x[j])) + mean[i, j | differs(i, j)] relu(cosine(x[i], x[j]))",
  );
  const MINERS: Readonly<Record<string, readonly [LossInstance, string]>> = {
    "a negative for each positive pair": [
      triplets,
      "for (a, p, n) { n = sample[j | differs(a, j)] exp(-euclidean(x[a], x[j])) }",
    ],
    "a negative for each anchor": [
      triplets,
      "for (a, p, n) { let drawn(a) = sample[j | differs(a, j)] exp(-euclidean(x[a], x[j]))\n n = drawn(a) }",
    ],
    "both members": [
      triplets,
      "for (a, p, n) { p = sample[j | same(a, j)] 1\n n = sample[j | differs(a, j)] exp(-euclidean(x[a], x[j])) }",
    ],
    "a positive first, then a negative by it": [
      triplets,
      "for (a, p, n) { p = argmax[j | same(a, j)] euclidean(x[a], x[j])\n n = sample[j | differs(a, j)] exp(-euclidean(x[p], x[j])) }",
    ],
    "each pair or not": [pairs, "for (a, j) { (sample[r in 0..2] (if r == 1 then 0.7 else 0.3)) == 1 }"],
  };
  it("a miner against a memory that is not full, and one that is", () => {
    const on = miner("drawing()", `miner drawing() ${MINERS["a negative for each positive pair"]![1]}`);
    const compiled = compileLoss(triplets, [4], { miner: on, memory: 5 });
    for (const remembered of [0, 3, 5]) {
      const batch = randomBatch(triplets, { labels: [0, 0, 1, 2, 1, 2], dim: 4, seed: 2, classes: 3 });
      const before = randomBatch(triplets, { labels: [0, 1, 2, 0, 1], dim: 4, seed: 9, classes: 3 });
      const [view] = before.views;
      const kept = { rows: remembered, columns: 4, data: view!.data.slice(0, 4 * remembered) };
      const labels = before.labels.slice(0, remembered);
      const memory = { size: 5, views: [kept], labels, ids: labels.map((_, k) => 100 + k) };
      const whole = {
        ...batch,
        ids: batch.labels.map((_, k) => k),
        memory,
        randomness: { seed: 1, step: 2 },
      };
      const exact = interpretLoss(triplets, whole as LossBatch, { miner: on });
      expect(compiled.evaluate(whole as never).value).toBeCloseTo(exact.value, 4);
      expect(exact.valid).toBe(true);
    }
  });

  for (const [name, [instance, text]] of Object.entries(MINERS)) {
    const on = miner("drawing()", `miner drawing() ${text}`);
    it(`a miner: ${name}`, () => expectAlike(instance, on));
    it(`a miner: ${name}, of batches sorted by class`, () => expectAlike(instance, on, 3));
  }
});

describe("the library's losses and miners that draw or keep a table", () => {
  const USES: readonly (readonly [LossInstance, string?])[] = [
    [loss("triplet"), "distance_weighted(far: 2)"],
    [loss("contrastive"), "uniform_histogram(bins: 4)"],
    [loss("margin"), "distance_weighted"],
    [loss("center")],
    [loss("dynamic_soft_margin")],
    [formula("mean[i] relu(1 - cosine(x[i], x[sample[j | differs(i, j)] 1]))")],
  ];
  const labels = [0, 0, 0, 1, 1, 1, 2, 2, 2];
  const namesOf = ([instance, on]: (typeof USES)[number]): string =>
    `${instance.declaration.name.text} on ${on ?? "none"}`;

  it.each(USES.map((use) => [namesOf(use), ...use] as const))("%s: shares of samples", (_, instance, on) => {
    const options = { miner: on === undefined ? undefined : miner(on), shares: true };
    const batch = randomBatch(instance, { labels, dim: 4, seed: 1, unit: true });
    for (const samples of [{}, { samples: 3 }]) {
      const { value, gradient, shares } = compileLoss(instance, [4], { ...options, ...samples }).evaluate(
        batch,
      );
      const mean = shares!.perSample.reduce((sum, share) => sum + share, 0) / labels.length;
      expect(mean + shares!.constant).toBeCloseTo(value, 5);
      gradient.views[0]!.forEach((slope, k) => expect(shares!.gradient.views[0]![k]).toBeCloseTo(slope, 5));
    }
  });

  it.each(USES.map((use) => [namesOf(use), ...use] as const))("%s: in blocks", (_, instance, on) => {
    const options = { miner: on === undefined ? undefined : miner(on) };
    const batch = randomBatch(instance, { labels, dim: 4, seed: 1, unit: true });
    const whole = compileLoss(instance, [4], options).evaluate(batch);
    const chunk = { batch: 4000, classes: 1_000_000, blockBytes: 64 };
    const blocks = compileLoss(instance, [4], { ...options, chunk }).evaluate(batch);
    expect(blocks.value).toBeCloseTo(whole.value, 5);
    whole.gradient.views[0]!.forEach((slope, k) =>
      expect(blocks.gradient.views[0]![k]).toBeCloseTo(slope, 5),
    );
    for (const [name, state] of whole.states)
      state.forEach((each, k) => expect(blocks.states.get(name)![k]).toBeCloseTo(each, 5));
  });

  it.each(USES.map((use) => [namesOf(use), ...use] as const))("%s: finite at extremes", (_, instance, on) => {
    const compiled = compileLoss(instance, [4], { miner: on === undefined ? undefined : miner(on) });
    for (const scale of [0, 1e-6, 1, 1e4]) {
      const batch = randomBatch(instance, { labels, dim: 4, seed: 2, unit: true });
      const data = batch.views[0]!.data.map((v, k) => Math.fround(k < 12 ? scale * v : scale));
      const answer = compiled.evaluate({ ...batch, views: [{ ...batch.views[0]!, data }] });
      expect(answer.value).toSatisfy(Number.isFinite);
      expect(answer.gradient.views[0]!.every(Number.isFinite)).toBe(true);
    }
  });
});

/** How often each index is drawn, over steps, where `weights` are those of eight samples of which the first is the anchor. */
function draws(weights: readonly number[], steps: number): number[] {
  const drawn = formula("sum[i | y[i] == 0] x[sample[j | y[j] > 0] x[j, 0], 1]", "");
  const counts = weights.map(() => 0);
  const rows = weights.flatMap((weight, k) => [weight, k]);
  const batch = {
    views: [{ rows: weights.length, columns: 2, data: Float64Array.from(rows) }],
    labels: weights.map((_, k) => Math.min(k, 1)),
    classes: 2,
  };
  for (let step = 0; step < steps; step++) {
    const { value } = interpretLoss(drawn, { ...batch, randomness: { seed: 11, step } });
    counts[value]!++;
  }
  return counts;
}

describe("the law of draws", () => {
  it("follows the weights", () => {
    const weights = [9, 1, 2, 0, 3, 0.5, 3.5, 0];
    const steps = 4000;
    const counts = draws(weights, steps);
    const drawable = [1, 2, 4, 5, 6];
    const chiSquare = drawable.reduce((sum, k) => {
      const expected = (steps * weights[k]!) / 10;
      return sum + (counts[k]! - expected) ** 2 / expected;
    }, 0);
    // The 0.001 quantile of chi-square with four degrees of freedom; the seeds are fixed.
    expect(chiSquare).toBeLessThan(18.47);
    for (const k of [0, 3, 7]) expect(counts[k]).toBe(0);
  });

  it("takes the first index at which the sum of weights exceeds the number's share", () => {
    const drawn = formula("x[sample[j] x[j, 0], 1]");
    const rows = [1, 10, 0, 20, 3, 30];
    const at = (number: number): number =>
      interpretLoss(drawn, {
        views: [{ rows: 3, columns: 2, data: Float64Array.from(rows) }],
        labels: [0, 0, 1],
        classes: 2,
        noise: new Map([["sample", { shape: [], data: Float64Array.of(number) }]]),
      }).value;
    expect([0, 0.2499, 0.25, 0.9999].map(at)).toEqual([10, 10, 30, 30]);
  });

  it("draws the same for one seed and step, and anew for another", () => {
    const instance = formula("mean[i] i_of(i)", "let i_of(i) = x[sample[j | differs(i, j)] 1, 0]");
    const batch = randomBatch(instance, { labels: [0, 0, 1, 1, 2, 2, 3, 3], dim: 2 });
    const at = (seed: number, step: number): number =>
      interpretLoss(instance, { ...batch, randomness: { seed, step } }).value;
    expect(at(3, 4)).toBe(at(3, 4));
    expect(at(3, 5)).not.toBe(at(3, 4));
    expect(at(4, 4)).not.toBe(at(3, 4));
  });
});

describe("draws that cannot be", () => {
  for (const [name, body] of Object.entries({
    "from a list": "mean[i] norm(x[i]) * sample[m in [1, 2]] m",
    "inside an index that does not run from 0": "sum[r in 1..3] norm(x[sample[j] r * norm(x[j])])",
  }))
    it(name, () => expect(() => compileLoss(formula(body), [4])).toThrow(LoweringError));
});
