/** States over several steps: the compiled loss and the interpreter agree on values, gradients and what is kept. */
import { beforeAll, describe, expect, it } from "vitest";
import { compileLoss } from "../../src/cli/compiled_loss.ts";
import type { Tensor } from "../../src/interpret/index.ts";
import { interpretLoss } from "../../src/interpret/index.ts";
import { LoweringError } from "../../src/ir/lower/environment.ts";
import type { LossInstance } from "../../src/resolve/values.ts";
import { startEngine } from "../../src/runtime/engine/index.ts";
import { formula, loss } from "../interpret/support.ts";
import { randomBatch } from "./support.ts";

beforeAll(async () => {
  await startEngine("wasm");
});

const NORMS = "let length(i) = norm(x[i])";
const LOSSES: Readonly<Record<string, LossInstance>> = {
  "a running mean": formula(
    "mean[i] relu(length(i) - m)",
    `${NORMS}\nstate m: real = 0 then 0.9 * m + 0.1 * stop_gradient(mean[i] length(i))`,
  ),
  "without a stop": formula(
    "mean[i] m * length(i)",
    `${NORMS}\nstate m: real = 1 then m + mean[i] length(i)`,
  ),
  "a vector for each class": formula(
    "mean[i] sum[t] (x[i, t] - c[y[i], t])^2",
    "state c: real[classes, dim] = 0.5 then 0.9 * c + 0.1",
  ),
  "one number for all elements": formula(
    "mean[i] length(i) * c[y[i]]",
    `${NORMS}\nstate c: real[classes] = 1 then 2 + mean[i] length(i)`,
  ),
  "one that reads another": formula(
    "mean[i] relu(length(i) - m - n)",
    `${NORMS}\nstate m: real = 0 then 0.5 * m + 0.5 * mean[i] length(i)\nstate n: real = -2 then 0.5 * n + m`,
  ),
  "a histogram, entry by entry": formula(
    "mean[i] length(i) * sum[b in 0..4] b * h[b]",
    `${NORMS}
     let near(i, b) = relu(1 - abs(length(i) - b))
     state h[b in 0..4]: real = 0.25 then 0.9 * h[b] + 0.1 * mean[i] near(i, b)`,
  ),
  "a table of classes and components": formula(
    "mean[i] squared_euclidean(x[i], c[y[i]])",
    `state c[k in classes, t in dim]: real = 1 then (
       c[k, t] - (sum[i | y[i] == k] (c[k, t] - x[i, t])) / (1 + (count[i] y[i] == k)))`,
  ),
  "a table whose next value does not depend on all its indices": formula(
    "mean[i] length(i) * c[y[i], 1]",
    `${NORMS}\nstate c[k in classes, r in 3]: real = 1 then 0.5 * r + mean[i] length(i)`,
  ),
  "a table with absent entries": formula(
    "mean[i] (length(i) - c[y[i]])",
    `${NORMS}\nstate c[k in classes]: real = 0.5 then max[i | y[i] == k] length(i)`,
  ),
  "a table from an initialiser": formula(
    "mean[i] squared_euclidean(x[i], c[y[i]])",
    "state c[k in classes, t in dim]: real = normal(std: 0.5) then 0.9 * c[k, t]",
  ),
  "a table whose transposed entries are read": formula(
    "mean[i] length(i) * c[y[i], 2]",
    `${NORMS}\nstate c[k in classes, r in 0..3]: real = 1 then 0.5 * c[k, r] + 0.1 * (mean[i | y[i] == k] length(i)) + sum[q in 0..3 | q <= r] c[k, q] * 0.1`,
  ),
  "one that nothing reads": formula("mean[i] length(i)", `${NORMS}\nstate steps: real = 0 then steps + 1`),
  "one whose next value is absent": formula(
    "mean[i] length(i) - m",
    `${NORMS}\nstate m: real = 0.25 then 2 * m + max[i, j | same(i, j)] length(i)`,
  ),
  "one for each use of an inner loss": loss(
    "twice(inner: probe)",
    `loss probe() { state m: real = 1 then m + mean[i] norm(x[i])\n mean[i] relu(norm(x[i]) + m) }
     loss twice(inner: loss) { inner(x: x) + inner(x: normalize(x)) }`,
  ),
};

describe("states", () => {
  for (const [name, instance] of Object.entries(LOSSES))
    it(name, () => {
      const compiled = compileLoss(instance, [4]);
      let states: ReadonlyMap<string, Tensor> = new Map();
      let kept: ReadonlyMap<string, Tensor> = new Map();
      const batches = [
        [0, 0, 1, 2],
        [0, 1, 2],
        [2, 2, 1, 1, 0],
      ];
      batches.forEach((labels, step) => {
        const batch = randomBatch(instance, { labels, dim: 4, seed: step + 1, classes: 3 });
        const exact = interpretLoss(instance, { ...batch, states }, { gradient: true });
        const answer = compiled.evaluate({ ...batch, states: kept });
        expect(answer.value).toBeCloseTo(exact.value, 4);
        expect(answer.valid).toBe(exact.valid);
        answer.gradient.views[0]!.forEach((slope, k) =>
          expect(slope).toBeCloseTo(exact.gradient!.views[0]![k]!, 4),
        );
        expect([...answer.states.keys()].sort()).toEqual([...exact.states.keys()].sort());
        for (const [state, { data }] of exact.states)
          answer.states.get(state)!.forEach((v, k) => expect(v, state).toBeCloseTo(data[k]!, 4));
        states = exact.states;
        kept = new Map(
          [...answer.states].map(([state, data]) => [
            state,
            { shape: exact.states.get(state)!.shape, data: Float64Array.from(data) },
          ]),
        );
      });
    });
});

describe("states that cannot be", () => {
  for (const [name, statements] of Object.entries({
    "of the size of the batch": "state m: real[batch] = 0 then m",
    "from what is no constant": "state m: real = mean[i] norm(x[i]) then m",
    "of the size of the batch, entry by entry": "state m[i in batch]: real = 0 then m[i]",
    "numbered from 1": "state m[r in 1..3]: real = 0 then m[1]",
    "of another shape after the step": "state m: real[classes] = 0 then 2 * x[0]",
  }))
    it(name, () => {
      expect(() => compileLoss(formula("mean[i] norm(x[i])", statements), [4])).toThrow(LoweringError);
    });
});
