/** Bounds hold: whatever the leaves are, the interpreter's value of a formula lies within the interval of its node. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { interpretLoss } from "../../../src/interpret/index.ts";
import { boundsOf, type Interval, type Leaves } from "../../../src/ir/analysis/intervals.ts";
import { Graph, lengthOf, type Dim } from "../../../src/ir/graph.ts";
import { LoweringError } from "../../../src/ir/lower/environment.ts";
import { lowerLoss } from "../../../src/ir/lower/loss.ts";
import type { LossInstance } from "../../../src/resolve/values.ts";
import { formula, loss } from "../../interpret/support.ts";
import { DIM, FormulaGenerator, STATEMENTS } from "../../lower/formula_generator.ts";
import { randomBatch } from "../../lower/support.ts";

const SLACK = 1e-5;

function leaves(unit: boolean, batch: number): Leaves {
  const exactly = (value: number): Interval => ({ low: value, high: value });
  return {
    unit: () => unit,
    size: (dim: Dim) =>
      dim === "classes" ? { low: 1, high: Infinity } : exactly(lengthOf(dim, { batch, classes: 1 })),
  };
}

/** The interval of a whole loss on one head, for each of its views. */
function intervalOf(instance: LossInstance, unit: boolean, batch: number, dim: number): Interval {
  const names = instance.declaration.views?.map((view) => view.text) ?? ["x"];
  const views = names.map((name) => ({ name, dim }));
  const { value } = lowerLoss(new Graph(), instance, { path: "losses/l", views });
  return boundsOf([value], leaves(unit, batch)).get(value)!.value;
}

function expectWithin(value: number, { low, high }: Interval, what: string): void {
  const slack = SLACK * Math.max(1, Math.abs(value));
  expect(value, what).toBeGreaterThanOrEqual(low - slack);
  expect(value, what).toBeLessThanOrEqual(high + slack);
}

const LABELS = [0, 1, 0, 2, 1, 0, 2];

describe("losses of the standard library, on unit vectors and on others", () => {
  test.each([
    "contrastive(margin: 0.5)",
    "contrastive(margin: 3)",
    "contrastive(distance: squared_euclidean)",
    "contrastive(distance: snr)",
    "triplet(margin: 0.2)",
    "triplet(margin: 5)",
    "triplet(smooth: true)",
    "triplet(distance: cosine_distance)",
    "multi_similarity()",
    "proxy_anchor()",
    "arcface()",
    "normalized_softmax()",
    "soft_triple()",
    "margin(nu: 0.1)",
    "circle()",
    "histogram()",
    "smooth_ap()",
    "supcon()",
    "vicreg()",
    "matryoshka(inner: triplet, sizes: [2, 4])",
    "matryoshka(inner: proxy_anchor, sizes: [2, 4])",
  ])("%s", (use) => {
    const instance = loss(use);
    for (const unit of [true, false]) {
      const bounds = intervalOf(instance, unit, LABELS.length, 6);
      for (let seed = 0; seed < 4; seed++) {
        const batch = randomBatch(instance, { labels: LABELS, dim: 6, seed, unit });
        expectWithin(interpretLoss(instance, batch).value, bounds, `unit ${unit}, seed ${seed}`);
      }
    }
  });
});

test("random formulas", () => {
  let bounded = 0;
  fc.assert(
    fc.property(fc.gen(), fc.boolean(), fc.nat(), (draw, unit, seed) => {
      const text = new FormulaGenerator((max) => draw(fc.nat, { max })).body();
      const instance = formula(text, STATEMENTS);
      let bounds: Interval;
      try {
        bounds = intervalOf(instance, unit, LABELS.length, DIM);
      } catch (error) {
        if (error instanceof LoweringError) return;
        throw error;
      }
      const batch = randomBatch(instance, { labels: LABELS, classes: 3, dim: DIM, seed, unit });
      const { value } = interpretLoss(instance, batch);
      if (Number.isNaN(value)) return;
      if (Number.isFinite(bounds.low) || Number.isFinite(bounds.high)) bounded++;
      expectWithin(value, bounds, text);
    }),
    { numRuns: 400, seed: 3 },
  );
  expect(bounded).toBeGreaterThan(100);
});

describe("how close the bounds are", () => {
  const within = (body: string, unit = true): [number, number] => {
    const { low, high } = intervalOf(formula(body), unit, 8, 4);
    return [low, high].map((end) => Number(end.toPrecision(6))) as [number, number];
  };
  test.each([
    ["mean[i, j | same(i, j)] euclidean(x[i], x[j])", 0, 2],
    ["mean[i, j | same(i, j)] squared_euclidean(x[i], x[j])", 0, 4],
    ["mean[i, j | same(i, j)] dot(x[i], x[j])", -1, 1],
    ["mean[i, j | same(i, j)] acos(cosine(x[i], x[j]))", 0, 3.14159],
    ["sum[i] norm(x[i])", 8, 8],
    ["mean[i] (norm(x[i]) + 2)", 3, 3],
    ["sum[r in 0..5] 2 * r", 0, 40],
    ["mean[i] exp(-norm(x[i]))", 0.367879, 0.367879],
    ["sum[k in classes] 1", 1, Infinity],
  ])("%s: from %d to %d", (body, low, high) => {
    expect(within(body)).toEqual([low, high]);
  });

  test("vectors of any length have distances of any length, and the same cosines", () => {
    expect(within("mean[i, j | same(i, j)] euclidean(x[i], x[j])", false)).toEqual([0, Infinity]);
    expect(within("mean[i, j | same(i, j)] cosine(x[i], x[j])", false)).toEqual([-1, 1]);
  });
});
