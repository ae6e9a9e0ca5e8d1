/** Losses and miners of the standard library that no other library is a reference for, worked out one by one. */
import { describe, expect, it } from "vitest";
import { interpretLoss } from "../../src/interpret/index.ts";
import type { LossBatch, Tensor } from "../../src/interpret/index.ts";
import { batchOf, loss, miner, randomBatch } from "./support.ts";

const SHAPE = { classes: 3, samples: 3, dim: 6 };

describe("matryoshka", () => {
  /** The first `size` components of every row, at unit length. */
  function shortened(batch: LossBatch, size: number): LossBatch {
    const { rows, columns, data } = batch.views[0]!;
    const short = Array.from({ length: rows }, (_, i) => {
      const prefix = Array.from(data.subarray(i * columns, i * columns + size));
      const length = Math.hypot(...prefix);
      return prefix.map((v) => v / length);
    });
    return { ...batchOf(short, batch.labels), classes: batch.classes };
  }

  it.each(["triplet(margin: 0.3)", "contrastive", "multi_similarity", "histogram(nodes: 9)"])(
    "is %s on the embedding and on its prefixes",
    (use) => {
      const batch = randomBatch(loss(use), SHAPE);
      const parts = [batch, shortened(batch, 2), shortened(batch, 4)];
      const expected = parts.reduce((sum, part) => sum + interpretLoss(loss(use), part).value, 0);
      const whole = loss(`matryoshka(inner: ${use}, sizes: [2, 4])`);
      expect(interpretLoss(whole, batch).value).toBeCloseTo(expected, 12);
    },
  );

  it("gives an inner loss parameters of its own for each size", () => {
    const inner = loss("arcface(scale: 5)");
    const whole = loss("matryoshka(inner: arcface(scale: 5), sizes: [2, 4])");
    const batch = randomBatch(whole, SHAPE);
    const params = batch.params as ReadonlyMap<string, Tensor>;
    expect([...params].map(([name, { shape }]) => [name, shape])).toEqual([
      ["w", [3, 6]],
      ["w_2", [3, 2]],
      ["w_3", [3, 4]],
    ]);
    const parts: [LossBatch, string][] = [
      [batch, "w"],
      [shortened(batch, 2), "w_2"],
      [shortened(batch, 4), "w_3"],
    ];
    const expected = parts.reduce(
      (sum, [part, name]) =>
        sum + interpretLoss(inner, { ...part, params: new Map([["w", params.get(name)!]]) }).value,
      0,
    );
    expect(interpretLoss(whole, batch).value).toBeCloseTo(expected, 12);
  });

  it("sees the miner at every size", () => {
    const batch = randomBatch(loss("triplet"), SHAPE);
    const mined = { miner: miner("semi_hard(margin: 0.4)") };
    const parts = [batch, shortened(batch, 2)];
    const expected = parts.reduce(
      (sum, part) => sum + interpretLoss(loss("triplet(margin: 0.4)"), part, mined).value,
      0,
    );
    const whole = loss("matryoshka(inner: triplet(margin: 0.4), sizes: [2])");
    expect(interpretLoss(whole, batch, mined).value).toBeCloseTo(expected, 12);
  });
});

describe("smooth_ap", () => {
  /** One minus the mean average precision of ranked lists without the query. */
  function exact(batch: LossBatch): number {
    const { columns, data } = batch.views[0]!;
    const { labels } = batch;
    const all = [...labels.keys()];
    const s = (i: number, j: number): number =>
      data.slice(i * columns, (i + 1) * columns).reduce((sum, v, t) => sum + v * data[j * columns + t]!, 0);
    const lists = all.map((q) => all.filter((k) => k !== q).sort((a, b) => s(q, b) - s(q, a)));
    const precision = lists.map((list, q) => {
      const hits = list.flatMap((k, place) => (labels[k] === labels[q] ? [place + 1] : []));
      return hits.reduce((sum, place, n) => sum + (n + 1) / place, 0) / hits.length;
    });
    return 1 - precision.reduce((a, b) => a + b, 0) / precision.length;
  }

  it("is the average precision at a small temperature", () => {
    for (const seed of [1, 2, 3]) {
      const batch = randomBatch(loss("smooth_ap"), { ...SHAPE, seed });
      const { value } = interpretLoss(loss("smooth_ap(temperature: 1e-6)"), batch);
      expect(value).toBeCloseTo(exact(batch), 9);
      expect(value).toBeGreaterThan(0);
    }
  });

  it("does not depend on the order of the samples, and is 0 for a perfect ranking", () => {
    const rows = [
      [1, 0],
      [0, 1],
      [0.8, 0.6],
      [0.6, 0.8],
      [-1, 0],
    ];
    const labels = [0, 1, 1, 0, 2];
    const order = [4, 2, 0, 3, 1];
    const of = (places: readonly number[]): number =>
      interpretLoss(
        loss("smooth_ap(temperature: 0.1)"),
        batchOf(
          places.map((i) => rows[i]!),
          places.map((i) => labels[i]!),
        ),
      ).value;
    expect(of(order)).toBeCloseTo(of([0, 1, 2, 3, 4]), 12);
    const ranked = batchOf(
      [
        [1, 0],
        [1, 0.1],
        [0, 1],
        [0.1, 1],
      ],
      [0, 0, 1, 1],
    );
    expect(interpretLoss(loss("smooth_ap"), ranked).value).toBeCloseTo(0, 12);
  });
});

describe("supcon", () => {
  it("has a value without negatives, and none without positives", () => {
    const one = batchOf(
      [
        [1, 0],
        [0, 1],
        [1, 1],
      ],
      [0, 0, 0],
    );
    const [near, far] = [Math.exp(Math.SQRT1_2 / 0.5), 1];
    const outer = Math.log(near + far) - (Math.SQRT1_2 / 0.5 + 0) / 2;
    expect(interpretLoss(loss("supcon(temperature: 0.5)"), one).value).toBeCloseTo(
      (2 * outer + Math.log(2)) / 3,
      12,
    );
    const lone = batchOf(
      [
        [1, 0],
        [0, 1],
      ],
      [0, 1],
    );
    expect(interpretLoss(loss("supcon"), lone)).toMatchObject({ value: 0, valid: false });
  });
});

describe("margin", () => {
  it("adds nu for every triplet whether or not the boundary is learned", () => {
    const batch = { ...randomBatch(loss("margin"), SHAPE), params: undefined };
    const params = new Map([["b", { shape: [3], data: Float64Array.of(1.2, 1.1, 1.3) }]]);
    const of = (use: string): number => interpretLoss(loss(use), { ...batch, params }).value;
    const added = of("margin(nu: 0.5)") - of("margin");
    expect(added).toBeGreaterThan(0);
    expect(added).toBeCloseTo(of("margin(nu: 0.5, learn_beta: true)") - of("margin(learn_beta: true)"), 12);
  });
});

describe("declared ranges, which the checker trusts, hold", () => {
  it.each([
    ["smooth_ap", 0, 1],
    ["smooth_ap(temperature: 0.5)", 0, 1],
    ["supcon", 0, Infinity],
    ["supcon(temperature: 5)", 0, Infinity],
    ["nca", 0, Infinity],
    ["soft_nearest_neighbour(temperature: 0.3)", 0, Infinity],
    ["multiple_negatives_ranking", 0, Infinity],
    ["fast_ap", 0, 1],
    ["fast_ap(bins: 3)", 0, 1],
    ["pnp_dq(alpha: 8)", 0, 1],
    ["pnp_ib", 0, Infinity],
  ])("%s", (use, low, high) => {
    const instance = loss(use);
    for (let seed = 1; seed <= 40; seed++) {
      const shape = { classes: 1 + (seed % 4), samples: 1 + (seed % 5), dim: 1 + (seed % 3) };
      const { value } = interpretLoss(
        instance,
        randomBatch(instance, { ...shape, seed, unit: seed % 2 === 0 }),
      );
      // Rounding of a logarithm less its own argument.
      expect(value).toBeGreaterThanOrEqual(low - 1e-12);
      expect(value).toBeLessThanOrEqual(high + 1e-12);
    }
  });
});
