/** What the compiler finds out about the library: against losses whose answers are known, and against concrete sizes. */
import { describe, expect, it } from "vitest";
import { batchNeeds } from "../../src/explain/batch_needs.ts";
import { costOf, writeGrowth } from "../../src/explain/cost.ts";
import type { Growth } from "../../src/explain/cost.ts";
import { citationsOf, summaryOf, writeCitation } from "../../src/explain/documentation.ts";
import { exampleOf } from "../../src/explain/example.ts";
import { explainableNames, explainName } from "../../src/explain/lookup.ts";
import { ignoresLengths, rangeOn, writeRange } from "../../src/explain/range.ts";
import { interpretLoss } from "../../src/interpret/index.ts";
import { Graph, lengthOf } from "../../src/ir/graph.ts";
import { lowerLoss } from "../../src/ir/lower/loss.ts";
import { topological } from "../../src/ir/order.ts";
import { optimise } from "../../src/ir/passes/optimise.ts";
import { standardLibrary } from "../../src/resolve/modules.ts";
import type { LossInstance } from "../../src/resolve/values.ts";
import { host } from "../check/harness.ts";
import { formula, loss, miner, randomBatch } from "../interpret/support.ts";

const { scope } = standardLibrary(host({}));
const examples = scope.names("loss").flatMap((name) => {
  const example = exampleOf(scope.lookup("loss", name)!.declaration, scope);
  return example === undefined ? [] : [[example.use, example.instance] as const];
});

const facts = (name: string, kind: string): Record<string, string> =>
  Object.fromEntries(
    explainName(name, scope)
      .find((each) => each.kind === kind)!
      .facts.map((fact) => [fact.name, fact.text]),
  );

describe("facts", () => {
  it("are there for every loss, miner and measure", () => {
    expect(examples).toHaveLength(scope.names("loss").length);
    const missing = explainableNames(scope)
      .flatMap((name) => explainName(name, scope))
      .filter(({ kind, primitive }) => !primitive && kind !== "backbone")
      .filter(({ facts: found }) => !found.some(({ name }) => name === "Memory"));
    expect(missing.map(({ kind, name }) => `${kind} ${name}`)).toEqual([]);
  });

  it("of a pair loss, a loss per class, a loss of two views", () => {
    expect(facts("contrastive", "loss")).toEqual({
      Granularity: "per sample: made of sums and means over the samples of the batch",
      Range: "within [0, 3] on unit vectors, within [0, ∞) on others",
      Geometry: "made for unit vectors: end the head with `normalize`",
      Folding: "`compress` can fold an ensemble with it",
      Batch:
        "at least 2 classes of 1 sample; every term of the formula has tuples from 2 classes of 2 samples on",
      Memory: "grows as B²",
      Time: "grows as B²·K + B²·D",
    });
    expect(facts("proxy_anchor", "loss")).toMatchObject({
      Granularity: "per class, by `mean[k in classes | any[i] y[i] == k]`",
      Geometry: "the lengths of embeddings make no difference",
      Batch: "any batch serves",
      Time: "grows as B·C·D",
      Trains: "numbers that grow as C·D",
    });
    expect(facts("barlow_twins", "loss")).toMatchObject({
      Granularity: "of the whole batch, by `sum[t]`",
      Geometry: "made for vectors of any length: no `normalize` at the end of the head",
    });
    expect(facts("snr_contrastive", "loss")["Folding"]).toContain("refuses");
    expect(facts("matryoshka", "loss")["Looked at"]).toBe("as `matryoshka(inner: contrastive())`");
    expect(facts("fast_ap", "loss")["Range"]).toBe("real in [0, 1], as declared");
  });

  it("of a strategy", () => {
    expect(facts("gated", "strategy")).toEqual({
      Granularity: "operands per sample: made of sums and means over the batch",
      Operands: "values that are never negative",
    });
    expect(facts("learned", "strategy")["Operands"]).toContain("gradient_norm");
    expect(facts("uncertainty", "strategy")["Operands"]).toMatch(/above 0; with a `floor`/);
    expect(facts("pcgrad", "strategy")).toEqual({ Time: "a backward pass for each operand" });
  });

  it("of a miner and of a distance", () => {
    expect(facts("hdc", "miner")).toMatchObject({
      Chooses: "pairs (a, j)",
      Memory: "grows as B⁴, with `contrastive`",
    });
    expect(facts("semi_hard", "miner")).toMatchObject({ Chooses: "triplets (a, p, n)" });
    expect(facts("euclidean", "distance")["Range"]).toBe(
      "within [0, 2] on unit vectors, within [0, ∞) on others",
    );
    expect(facts("cosine", "similarity")["Range"]).toBe("within [−1, 1]");
  });
});

describe("costs", () => {
  const SAMPLES = 4;

  /** What the graph for batches of four samples a class keeps, in numbers. */
  function numbersKept(instance: LossInstance, sizes: { B: number; C: number; D: number }): number {
    const count = instance.declaration.views?.length ?? 1;
    const views = Array.from({ length: count }, (_, view) => ({ name: "x", dim: sizes.D, view }));
    const lowered = lowerLoss(new Graph(), instance, { path: "loss", views });
    const [optimised] = optimise(new Graph(), [{ lowered }], { samples: SAMPLES });
    const leaves = ["view", "input", "labels", "param", "state"];
    const { value, states } = optimised!.lowered;
    return topological([value, ...states.map(({ next }) => next)])
      .filter(({ operation }) => !leaves.includes(operation.kind))
      .map(({ shape }) => shape.map((side) => lengthOf(side, { batch: sizes.B, classes: sizes.C })))
      .reduce((sum, shape) => sum + shape.reduce((product, side) => product * side, 1), 0);
  }

  const order = (all: readonly Growth[], letter: keyof Growth): number =>
    Math.max(0, ...all.map((one) => one[letter]));

  it.each(examples)("of %s grow as its tensors do", (_, instance) => {
    const { memory } = costOf(instance);
    const large = 2 ** 22;
    const base = { B: 64, C: 96, D: 80 };
    for (const letter of ["B", "C", "D"] as const) {
      const [one, two] = [large, 2 * large].map((size) => numbersKept(instance, { ...base, [letter]: size }));
      expect(Math.round(Math.log2(two! / one!)), letter).toBe(order(memory, letter));
    }
  });

  it("are products of sizes, those that another outgrows left out", () => {
    const cost = costOf(
      formula(
        "(mean[i] norm(x[i])) + sum[k in classes] norm(w[k])",
        "param w: real[classes, dim] = constant(1)",
      ),
    );
    expect(writeGrowth(cost.memory)).toBe("B + C");
    expect(writeGrowth(cost.time)).toBe("B·D + C·D");
    expect(writeGrowth(cost.parameters)).toBe("C·D");
    expect(writeGrowth(costOf(loss("triplet"), miner("batch_hard")).memory)).toBe("B³");
    // The inverse of a matrix with a row for each sample.
    expect(writeGrowth(costOf(loss("manifold")).time)).toMatch(/^B³ /);
    expect(writeGrowth([])).toBe("1");
  });
});

describe("ranges", () => {
  it.each(examples)("of %s hold on batches at random, of unit length and not", (_, instance) => {
    const { length: views } = instance.declaration.views ?? ["x"];
    for (const unit of [true, false]) {
      const { low, high } = rangeOn(instance, unit);
      for (let seed = 0; seed < 3; seed++) {
        const batch = randomBatch(instance, { classes: 3, samples: 2, dim: 33, views, unit, seed });
        const { value } = interpretLoss(instance, batch);
        expect(value).toBeGreaterThanOrEqual(low - 1e-9);
        expect(value).toBeLessThanOrEqual(high + 1e-9);
      }
    }
  });

  it.each(examples.filter(([, instance]) => ignoresLengths(instance)))(
    "and lengths make no difference to %s",
    (_, instance) => {
      const batch = randomBatch(instance, { classes: 3, samples: 2, dim: 33, unit: true });
      const [view] = batch.views;
      const data = view!.data.map((value, k) => value * (1 + Math.floor(k / 33)));
      const { value } = interpretLoss(instance, batch);
      const longer = interpretLoss(instance, { ...batch, views: [{ ...view!, data }] });
      expect(longer.value).toBeCloseTo(value, 9);
    },
  );

  it("are written as intervals", () => {
    expect(writeRange({ low: -1, high: 0.5 })).toBe("[−1, 0.5]");
    expect(writeRange({ low: -Infinity, high: Infinity })).toBe("(−∞, ∞)");
  });
});

describe("batches", () => {
  const size = (classes: number, samples: number) => ({ classes, samples });
  it.each([
    ["mean[i, j | same(i, j)] euclidean(x[i], x[j])", size(1, 2), size(1, 2)],
    ["mean[i, j | differs(i, j)] euclidean(x[i], x[j])", size(2, 1), size(2, 1)],
    // Met by vectors that are near.
    ["mean[i, j | differs(i, j)] relu(0.1 - euclidean(x[i], x[j]))", size(2, 1), size(2, 1)],
    ["mean[i, j, k | differs(i, j), differs(j, k), differs(i, k)] dot(x[i], x[j])", size(3, 1), size(3, 1)],
    ["mean[i] log1p(sum[p | same(i, p)] exp(dot(x[i], x[p])))", size(1, 2), size(1, 2)],
    ["mean[i] (norm(x[i]) + sum[p | differs(i, p)] dot(x[i], x[p]))", size(1, 1), size(2, 1)],
  ])("of %s", (body, least, whole) => {
    expect(batchNeeds(formula(body))).toEqual({ least, whole });
  });

  it("of a loss that nothing serves", () => {
    expect(batchNeeds(formula("0 * mean[i] norm(x[i])"))).toBeUndefined();
  });
});

describe("doc comments", () => {
  const doc =
    "NT-Xent: pairs by cosines (van den Oord, Li & Vinyals 2018, eq. 4; Chen\net al. 2020). Default 0.07 (SimCLR's is 0.5). As\nhere (after Yi, Lei & Li 2014).";
  it("give a summary and the sources", () => {
    expect(summaryOf(doc)).toBe("NT-Xent: pairs by cosines.");
    expect(citationsOf(doc).map(writeCitation)).toEqual([
      "van den Oord, Li & Vinyals 2018, eq. 4",
      "Chen et al. 2020",
      "Yi, Lei & Li 2014",
    ]);
  });

  it("of every loss and miner have a first sentence of a sane length", () => {
    const odd = explainableNames(scope)
      .flatMap((name) => explainName(name, scope))
      .filter(
        ({ summary }) =>
          summary.length < 6 || summary.length > 320 || /(?<![-\d])(?:19|20)\d\d\b/.test(summary),
      );
    expect(odd.map(({ name, summary }) => `${name}: ${summary}`)).toEqual([]);
  });
});
