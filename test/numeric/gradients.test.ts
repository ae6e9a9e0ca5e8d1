/**
 * The gradient of every loss of the standard library against central differences of its value, both in float64: along
 * random directions of embeddings and parameters together. Every component, more parameters, and degenerate batches, are in test/interpret/gradients.test.ts.
 */
import { describe, expect, it } from "vitest";
import { interpretLoss } from "../../src/interpret/index.ts";
import { counterRandom } from "../../src/runtime/random.ts";
import type { LossInstance } from "../../src/resolve/values.ts";
import type { Batch } from "../lower/support.ts";
import { randomBatch } from "../lower/support.ts";
import { everyLoss, instanceOf } from "./extremes.ts";

const STEP = 1e-6;
const DIRECTIONS = 4;

/** Losses with weights that carry no gradient on purpose: their gradient is not that of their value. */
const STOPPED: ReadonlySet<string> = new Set(["circle", "dynamic_soft_margin"]);

/** Fifty proxies take the interpreter seconds. */
const USES = everyLoss
  .filter((use) => !STOPPED.has(use))
  .map((use) => (use === "manifold" ? "manifold(proxies: 4)" : use));

describe.each(USES)("%s", (use) => {
  const instance = instanceOf(use);
  it.each([
    ["three classes of three", { labels: [0, 0, 0, 1, 1, 1, 2, 2, 2], dim: 5, unit: true, seed: 3 }],
    ["classes of several sizes", { labels: [2, 0, 1, 0, 2, 2, 0, 3], dim: 4, unit: false, seed: 4 }],
  ] as const)("%s", (_, shape) => {
    const batch = randomBatch(instance, { ...shape, classes: 4 });
    const { value } = interpretLoss(instance, batch);
    expect(value).toSatisfy(Number.isFinite);
    expect(gradientError(instance, batch)).toBeLessThan(1e-5);
  });
});

/** Largest difference between the slope along a direction and the central difference, as a share of the gradient. */
function gradientError(instance: LossInstance, batch: Batch): number {
  const { gradient } = interpretLoss(instance, batch, { gradient: true });
  const data = [...batch.views.map((view) => view.data), ...[...batch.params].map(([, param]) => param.data)];
  const slopes = [...gradient!.views, ...[...batch.params].map(([name]) => gradient!.params.get(name)!)];
  const length = Math.hypot(...slopes.map((part) => Math.hypot(...part)));
  let error = 0;
  for (let direction = 0; direction < DIRECTIONS; direction++) {
    const random = counterRandom(direction, "directions");
    const along = data.map((part) => part.map(() => random.normal()));
    const at = (step: number): number => {
      data.forEach((part, k) => along[k]!.forEach((v, t) => (part[t] = part[t]! + step * v)));
      const { value } = interpretLoss(instance, batch);
      data.forEach((part, k) => along[k]!.forEach((v, t) => (part[t] = part[t]! - step * v)));
      return value;
    };
    const difference = (at(STEP) - at(-STEP)) / (2 * STEP);
    const slope = slopes.reduce(
      (sum, part, k) => sum + part.reduce((inner, v, t) => inner + v * along[k]![t]!, 0),
      0,
    );
    error = Math.max(error, Math.abs(difference - slope));
  }
  return error / Math.max(1e-3, length);
}
