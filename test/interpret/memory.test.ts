/** `LOSS against memory(size)`, and samples with one identity. */
import { describe, expect, it } from "vitest";
import { interpretLoss } from "../../src/interpret/index.ts";
import type { LossBatch, Memory } from "../../src/interpret/index.ts";
import { batchOf, formula, loss, miner, randomBatch } from "./support.ts";

/** Samples 0, 1 and 2; remembered are 3, 4 and an older embedding of 0. */
const memory: Memory = {
  size: 4,
  views: [{ rows: 3, columns: 1, data: Float64Array.of(10, 20, 30) }],
  labels: [0, 1, 0],
  ids: [3, 4, 0],
};
const batch: LossBatch = { ...batchOf([[1], [2], [4]], [0, 0, 1]), ids: [0, 1, 2], memory };

function value(body: string, statements = ""): number {
  return interpretLoss(formula(body, statements), batch).value;
}

describe("indices", () => {
  it.each([
    // The first index of an outermost reduction stays in the batch, the others do not.
    ["sum[i] x[i, 0]", 7],
    ["sum[i in batch] (sum[j] x[j, 0])", 3 * 67],
    ["sum[i, j] (x[j, 0] + 0 * x[i, 0])", 3 * 67],
    ["(sum[i] x[i, 0]) + (max[i] x[i, 0])", 7 + 4],
    ["sum[m in [1, 2]] (sum[i] x[i, 0])", 14],
    ["sum[m in [1, 2], i] x[i, 0]", 14],
    ["sum[r in 0..2] (sum[i] x[i, 0])", 2 * 67],
    ["sum[k in classes, i | y[i] == k] x[i, 0]", 67],
    ["sum[i in batch] (any[j] x[j, 0] > 25)", 3],
    ["sum[i | any[j] x[j, 0] > 25] x[i, 0]", 7],
    // Ordered indices stay in the batch, as do those with a domain of their own.
    ["sum[i, j | i < j] (x[j, 0] + 0 * x[i, 0])", 2 + 4 + 4],
    ["sum[r in 1] (sum[i, j | i >= j] (x[i, 0] + 0 * x[j, 0]))", 1 + 2 * 2 + 4 * 3],
    ["sum[i in batch] (sum[j in batch] x[j, 0])", 21],
    ["sum[r in 1] batch", 3],
    // One that is compared with such an index is an index of samples like any other.
    ["sum[i, j in batch | i != j] (x[j, 0] + 0 * x[i, 0])", 14],
    ["sum[i in batch, j | i != j] x[j, 0]", 36 + 65 + 63],
    ["sum[r in 1] (sum[i, j in batch | i != j] (x[i, 0] + 0 * x[j, 0]))", 36 + 65 + 63],
  ])("%s", (body, expected) => expect(value(body)).toBe(expected));

  it("are those of where a let stands", () => {
    expect(value("sum[i in batch] total", "let total = sum[j] x[j, 0]")).toBe(21);
    expect(value("sum[i] (total(x) + 0 * x[i, 0])", "let total(z) = sum[j] z[j, 0]")).toBe(3 * 67);
    expect(value("total(x) + (sum[i] x[i, 0] * total(x))", "let total(z) = sum[j] z[j, 0]")).toBe(7 + 7 * 67);
  });

  it("reach inner losses and what is made of embeddings", () => {
    const text = `loss sums() { sum[i, j] (x[j, 0] + 0 * x[i, 0]) }
loss outer(inner: loss) { inner(x: 2 * prefix(x, 1)) + sum[m in [1]] inner(x: x) }`;
    expect(interpretLoss(loss("outer(inner: sums)", text), batch).value).toBe(3 * 67 * 3);
  });
});

describe("identity", () => {
  it("keeps two embeddings of one sample from being same", () => {
    // Sample 0 has 1 and 3; 1 has 0, 3 and the older 0; 2 has 4.
    expect(value("sum[i, j | same(i, j)] x[j, 0]")).toBe(2 + 10 + (1 + 10 + 30) + 20);
    expect(value("sum[i, j | differs(i, j)] x[j, 0]")).toBe((4 + 20) * 2 + (1 + 2 + 10 + 30));
  });

  it("is what two indices are compared by", () => {
    expect(value("sum[i, j | i == j] (x[j, 0] + 0 * x[i, 0])")).toBe(7 + 30);
    expect(value("sum[i, j | j != i] (x[j, 0] + 0 * x[i, 0])")).toBe(3 * 67 - 7 - 30);
    // A number is no sample.
    expect(value("sum[i, j | j == 0] (x[j, 0] + 0 * x[i, 0])")).toBe(3);
  });

  it("holds within a batch", () => {
    const twice = { ...batchOf([[1], [2], [4]], [0, 0, 0]), ids: [7, 7, 8] };
    const count = formula("count[i, j] same(i, j)");
    expect(interpretLoss(count, twice).value).toBe(4);
    expect(interpretLoss(count, { ...twice, ids: [7, 9, 8] }).value).toBe(6);
  });
});

describe("what is remembered after the step", () => {
  const probe = formula("sum[i] x[i, 0]");

  it("is the batch behind what was, the oldest forgotten", () => {
    const after = interpretLoss(probe, batch).memory!;
    expect(after).toMatchObject({ size: 4, labels: [0, 0, 0, 1], ids: [0, 0, 1, 2] });
    expect(after.views).toEqual([{ rows: 4, columns: 1, data: Float64Array.of(30, 1, 2, 4) }]);
    const next = interpretLoss(probe, { ...batch, memory: after }).memory!;
    expect(next.ids).toEqual([2, 0, 1, 2]);
    expect([...next.views[0]!.data]).toEqual([4, 1, 2, 4]);
  });

  it("starts from nothing, where the loss is that of the batch", () => {
    const instance = loss("multi_similarity");
    const random = randomBatch(instance, { classes: 3, samples: 2, dim: 4 });
    const empty: Memory = {
      size: 2,
      views: [{ rows: 0, columns: 4, data: new Float64Array() }],
      labels: [],
      ids: [],
    };
    const ids = [5, 6, 7, 8, 9, 10];
    const first = interpretLoss(instance, { ...random, ids, memory: empty }, { gradient: true });
    const plain = interpretLoss(instance, random, { gradient: true });
    expect(first.value).toBe(plain.value);
    expect(first.gradient).toEqual(plain.gradient);
    expect(first.memory).toMatchObject({ labels: [2, 2], ids: [9, 10] });
    expect(first.memory!.views[0]!.data).toEqual(random.views[0]!.data.slice(16));
    expect(plain.memory).toBeUndefined();
  });

  it.each<[string, Partial<LossBatch>]>([
    ["no identities", { ids: undefined as never }],
    ["too few identities", { ids: [0, 1] }],
    ["more than its size", { memory: { ...memory, size: 2 } }],
    ["another width", { memory: { ...memory, views: [{ rows: 3, columns: 2, data: new Float64Array(6) }] } }],
    ["no view", { memory: { ...memory, views: [] } }],
    ["a label that is no class", { memory: { ...memory, labels: [0, 1, 9] } }],
  ])("is refused with %s", (_, change) => {
    expect(() => interpretLoss(probe, { ...batch, ...change })).toThrow(/identit|match|label 9/);
  });
});

describe("losses of the standard library against a memory", () => {
  const shape = { classes: 3, samples: 2, dim: 3 };
  function remembering(use: string): {
    instance: ReturnType<typeof loss>;
    given: LossBatch;
    rows: number[][];
  } {
    const instance = loss(use);
    const given = randomBatch(instance, shape);
    const old = randomBatch(instance, { ...shape, seed: 2 });
    const both = [...given.views[0]!.data, ...old.views[0]!.data];
    const rows = Array.from({ length: 12 }, (_, i) => both.slice(3 * i, 3 * i + 3));
    return {
      instance,
      // The last three remembered are older embeddings of samples 0, 2 and 4.
      given: {
        ...given,
        ids: [0, 1, 2, 3, 4, 5],
        memory: { size: 8, views: old.views, labels: [0, 1, 2, 0, 1, 2], ids: [6, 7, 8, 0, 2, 4] },
      },
      rows,
    };
  }
  const labels = [0, 0, 1, 1, 2, 2, 0, 1, 2, 0, 1, 2];
  const ids = [0, 1, 2, 3, 4, 5, 6, 7, 8, 0, 2, 4];
  const same = (i: number, j: number): boolean => labels[i] === labels[j] && ids[i] !== ids[j];
  const differs = (i: number, j: number): boolean => labels[i] !== labels[j];
  const dot = (u: number[], v: number[]): number => u.reduce((sum, e, t) => sum + e * v[t]!, 0);
  const anchors = [0, 1, 2, 3, 4, 5];
  const all = [...ids.keys()];
  const mean = (values: number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
  const active = (values: number[]): number => mean(values.filter((v) => v > 0));

  it("triplet, contrastive and multi_similarity, worked out one by one", () => {
    const { rows } = remembering("triplet");
    const d = (i: number, j: number): number => Math.hypot(...rows[i]!.map((e, t) => e - rows[j]![t]!));
    const s = (i: number, j: number): number => dot(rows[i]!, rows[j]!);
    const pairs = (kind: typeof same): [number, number][] =>
      anchors.flatMap((a) => all.filter((j) => kind(a, j)).map((j): [number, number] => [a, j]));
    const expected: Record<string, number> = {
      "triplet(margin: 0.5)": active(
        pairs(same).flatMap(([a, p]) => all.filter((n) => differs(a, n)).map((n) => d(a, p) - d(a, n) + 0.5)),
      ),
      contrastive:
        active(pairs(same).map(([i, j]) => d(i, j))) + active(pairs(differs).map(([i, j]) => 1 - d(i, j))),
      multi_similarity: mean(
        anchors.map((a) => {
          const term = (kind: typeof same, scale: number): number =>
            Math.log1p(
              all.filter((j) => kind(a, j)).reduce((sum, j) => sum + Math.exp(scale * (s(a, j) - 0.5)), 0),
            ) / Math.abs(scale);
          return term(same, -2) + term(differs, 50);
        }),
      ),
      supcon: mean(
        anchors.map((i) => {
          const others = all.filter((k) => ids[k] !== ids[i]);
          const total = Math.log(others.reduce((sum, k) => sum + Math.exp(s(i, k) / 0.1), 0));
          return total - mean(all.filter((p) => same(i, p)).map((p) => s(i, p) / 0.1));
        }),
      ),
    };
    for (const [use, wanted] of Object.entries(expected)) {
      const { instance, given } = remembering(use);
      expect(interpretLoss(instance, given).value).toBeCloseTo(wanted, 10);
    }
  });

  it("batch_hard looks for its tuples among what is remembered", () => {
    const { instance, given, rows } = remembering("triplet(margin: 3)");
    const d = (i: number, j: number): number => Math.hypot(...rows[i]!.map((e, t) => e - rows[j]![t]!));
    const expected = mean(
      anchors.map((a) => {
        const farthest = Math.max(...all.filter((p) => same(a, p)).map((p) => d(a, p)));
        return farthest - Math.min(...all.filter((n) => differs(a, n)).map((n) => d(a, n))) + 3;
      }),
    );
    const result = interpretLoss(instance, given, { miner: miner("batch_hard") });
    expect(result.value).toBeCloseTo(expected, 10);
  });

  it("histogram, whose pairs are ordered, does not look at it", () => {
    const { instance, given } = remembering("histogram(nodes: 9)");
    const { memory: _, ...plain } = given;
    expect(interpretLoss(instance, given).value).toBe(interpretLoss(instance, plain).value);
  });

  it.each([
    "triplet(margin: 0.5)",
    "multi_similarity",
    "supcon",
    "smooth_ap(temperature: 0.3)",
    "proxy_anchor",
  ])("%s: gradients reach the batch only, and equal central differences", (use) => {
    const { instance, given } = remembering(use);
    const { gradient } = interpretLoss(instance, given, { gradient: true });
    const { data } = given.views[0]!;
    expect(gradient!.views[0]!.length).toBe(data.length);
    const step = 1e-6;
    data.forEach((held, i) => {
      data[i] = held + step;
      const above = interpretLoss(instance, given).value;
      data[i] = held - step;
      const below = interpretLoss(instance, given).value;
      data[i] = held;
      expect((above - below) / (2 * step)).toBeCloseTo(gradient!.views[0]![i]!, 5);
    });
  });
});
