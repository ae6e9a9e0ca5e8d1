/** Shares of the samples: their sum is the loss, gradients included, and each is its sample's part. */
import { beforeAll, describe, expect, it } from "vitest";
import { compileLoss } from "../../src/cli/compiled_loss.ts";
import type { CompiledAnswer } from "../../src/cli/compiled_loss.ts";
import { interpretLoss } from "../../src/interpret/index.ts";
import { GranularityError } from "../../src/ir/lower/environment.ts";
import type { LossInstance, MinerInstance } from "../../src/resolve/values.ts";
import { startEngine } from "../../src/runtime/engine/index.ts";
import { formula, loss, miner } from "../interpret/support.ts";
import type { Batch } from "./support.ts";
import { randomBatch } from "./support.ts";

beforeAll(async () => {
  await startEngine("wasm");
});

type Shared = CompiledAnswer & { shares: NonNullable<CompiledAnswer["shares"]> };

function shared(instance: LossInstance, batch: Batch, mining?: MinerInstance): Shared {
  const dims = batch.views.map((view) => view.columns);
  return compileLoss(instance, dims, { shares: true, miner: mining }).evaluate(batch) as Shared;
}

const largest = (values: Iterable<number>): number => Math.max(0, ...[...values].map(Math.abs));

function near(actual: Float32Array, wanted: Float32Array): void {
  const allowed = 2e-5 * largest(wanted) + 1e-6;
  expect(largest(actual.map((v, k) => v - wanted[k]!))).toBeLessThanOrEqual(allowed);
}

/** The mean of the shares and the constant are the loss, and so are their gradients. */
function expectWhole(instance: LossInstance, batch: Batch, mining?: MinerInstance): Shared {
  const answer = shared(instance, batch, mining);
  const { perSample, constant, gradient } = answer.shares;
  expect(perSample.length).toBe(batch.labels.length);
  const mean = perSample.reduce((sum, v) => sum + v, 0) / perSample.length;
  expect(Math.abs(mean + constant - answer.value)).toBeLessThanOrEqual(2e-5 * Math.abs(answer.value) + 1e-6);
  gradient.views.forEach((view, k) => near(view, answer.gradient.views[k]!));
  for (const [name, own] of gradient.params) near(own, answer.gradient.params.get(name)!);
  return answer;
}

const PK = [0, 0, 0, 1, 1, 1, 2, 2, 2];
const RAGGED = [2, 0, 1, 0, 4, 2, 2, 1, 2];
const NO_PAIR = [0, 1, 2, 3];

const WHOLE: Readonly<Record<string, LossInstance>> = {
  ...Object.fromEntries(
    [
      "contrastive(margin: 1.7)",
      "triplet(margin: 0.3)",
      "triplet(smooth: true)",
      "multi_similarity",
      "normalized_softmax",
      "arcface",
      "soft_triple(centers: 3)",
      "margin(nu: 0.1, learn_beta: true)",
      "circle",
      "supcon",
      "smooth_ap(temperature: 0.1)",
      "matryoshka(inner: triplet(margin: 0.4), sizes: [2, 4])",
      "matryoshka(inner: soft_triple(centers: 2), sizes: [2, 4])",
    ].map((use) => [use, loss(use)]),
  ),
  "a constant": formula("3 - mean[a] norm(x[a])"),
  "a constant alone": formula("2"),
  "a body without the sample": formula("sum[a in batch, j] norm(x[j])"),
  "a quotient by a detached number": formula("(sum[a] norm(x[a])) / stop_gradient(sum[a] norm(x[a])^2)"),
  "a learned factor": formula("b[0] * mean[a] norm(x[a])", "param b: real[4] = constant(2)"),
  "a mean over a list": formula("mean[m in [1, 2, 5]] m * sum[a] norm(x[a])"),
  "a list within": formula("mean[m in [1, 2, 5], a | m * norm(x[a]) > 1] norm(x[a])^m"),
  "a stopped part": formula("(mean[a] norm(x[a])^2) - stop_gradient(mean[a] norm(x[a]))"),
  "a count": formula("(count[a] norm(x[a]) > 1) * 0.5 + sum[a] norm(x[a])"),
};

for (const [name, instance] of Object.entries(WHOLE))
  describe(name, () => {
    for (const [kind, labels] of Object.entries({ "P x K": PK, ragged: RAGGED, "no pair": NO_PAIR }))
      it(kind, () => {
        expectWhole(instance, randomBatch(instance, { labels, unit: false, scale: 0.5, classes: 5 }));
      });
  });

describe("each share is its sample's part over the whole", () => {
  const distance = "let d(i, j) = euclidean(x[i], x[j])\nlet v(a, p, n) = d(a, p) - d(a, n) + 0.3";
  const whole = formula("mean_active[a, p, n | same(a, p), differs(a, n)] v(a, p, n)", distance);
  const of = (k: number): LossInstance =>
    formula(
      `ratio(batch * sum[a, p, n | a == ${k}, same(a, p), differs(a, n)] relu(v(a, p, n)),
             count[a, p, n | same(a, p), differs(a, n)] v(a, p, n) > 0)`,
      distance,
    );
  const batch = randomBatch(whole, { labels: RAGGED, unit: true });

  it("alone", () => {
    const { perSample, constant } = shared(whole, batch).shares;
    expect(constant).toBe(0);
    expect(largest(perSample)).toBeGreaterThan(0.1);
    perSample.forEach((share, k) => expect(share).toBeCloseTo(interpretLoss(of(k), batch).value, 4));
  });

  it("mined", () => {
    const mining = miner("batch_hard");
    const { perSample } = expectWhole(whole, batch, mining).shares;
    perSample.forEach((share, k) => {
      // The miner sees the tuples of the denominator and those of the numerator.
      const wanted = interpretLoss(of(k), batch, { miner: mining }).value;
      expect(share).toBeCloseTo(wanted, 4);
    });
  });
});

it("splits a regulariser off, and counts a constant in full for each sample", () => {
  const regularised = formula(
    "(mean[a] norm(x[a])) + 1.5 + 0.1 * sum[k in classes] norm(w[k])",
    "param w: real[classes, dim] = xavier_uniform()",
  );
  const batch = randomBatch(regularised, { labels: PK });
  const { perSample, constant } = expectWhole(regularised, batch).shares;
  const lengths = PK.map((_, k) => Math.hypot(...batch.views[0]!.data.subarray(6 * k, 6 * k + 6)));
  perSample.forEach((share, k) => expect(share).toBeCloseTo(lengths[k]! + 1.5, 4));
  const w = batch.params.get("w")!.data;
  const sum = [0, 1, 2].reduce((all, k) => all + Math.hypot(...w.subarray(6 * k, 6 * k + 6)), 0);
  expect(constant).toBeCloseTo(0.1 * sum, 4);
});

it("is nothing at all in a batch without a valid tuple", () => {
  const instance = formula("(mean[a, p | same(a, p)] euclidean(x[a], x[p])) + 1");
  const { value, valid, shares } = expectWhole(instance, randomBatch(instance, { labels: NO_PAIR }));
  expect({ value, valid, constant: shares.constant }).toEqual({ value: 0, valid: false, constant: 0 });
  expect(largest(shares.perSample)).toBe(0);
});

describe("what is not a mean over samples is refused", () => {
  const refused: Readonly<Record<string, LossInstance>> = {
    "a loss per class": loss("proxy_anchor"),
    "a loss of the batch": loss("histogram"),
    "a maximum": formula("max[a] norm(x[a])"),
    "a function of a mean": formula("log(1 + mean[a] norm(x[a]))"),
    "a product of means": formula("(mean[a] norm(x[a])) * (mean[a] norm(x[a])^2)"),
    "a denominator that learns": formula("(sum[a] norm(x[a])) / (sum[a] norm(x[a])^2)"),
    "one such term among others": formula("(mean[a] norm(x[a])) + max[a] norm(x[a])"),
  };
  for (const [name, instance] of Object.entries(refused))
    it(name, () => {
      expect(() => compileLoss(instance, [6], { shares: true })).toThrow(GranularityError);
    });
});
