/**
 * The shares of the samples and the active tuples, in the interpreter: as the compiled losses have them, and by hand.
 */
import { beforeAll, describe, expect, it } from "vitest";
import { compileLoss } from "../../src/cli/compiled_loss.ts";
import { interpreterFor, interpretLoss } from "../../src/interpret/index.ts";
import { GranularityError } from "../../src/ir/lower/environment.ts";
import { startEngine } from "../../src/runtime/engine/index.ts";
import type { LossInstance } from "../../src/resolve/values.ts";
import { library } from "../check/harness.ts";
import { batchOf, formula, loss, miner, randomBatch } from "./support.ts";

beforeAll(async () => {
  await startEngine("wasm");
});

const names = library
  .filter(({ path }) => path.startsWith("stdlib/losses/"))
  .flatMap(({ text }) => [...text.matchAll(/^loss (\w+)/gm)].map((match) => match[1]!));

/** A use of a loss of the library: losses around others get one. */
const useOf = (name: string): string =>
  name === "matryoshka" ? "matryoshka(inner: triplet(margin: 0.4), sizes: [2, 4])" : name;

function compiledShares(
  instance: LossInstance,
  batch: ReturnType<typeof randomBatch>,
): { perSample: Float32Array; constant: number } | undefined {
  try {
    const dims = batch.views.map((view) => view.columns);
    const given = { ...batch, params: batch.params ?? new Map() };
    return compileLoss(instance, dims, { shares: true }).evaluate(given).shares;
  } catch (error) {
    if (error instanceof GranularityError) return undefined;
    throw error;
  }
}

describe("the shares are those of the compiled loss, and add up to the value", () => {
  const own: Readonly<Record<string, LossInstance>> = {
    "a constant": formula("3 - mean[a] norm(x[a])"),
    "a learned factor": formula("b[0] * mean[a] norm(x[a])", "param b: real[4] = constant(2)"),
    "a mean over a list": formula("mean[m in [1, 2, 5]] m * sum[a] norm(x[a])"),
    "a list within": formula("mean[m in [1, 2, 5], a | m * norm(x[a]) > 1] norm(x[a])^m"),
    "a count": formula("(count[a] norm(x[a]) > 1) * 0.5 + sum[a] norm(x[a])"),
    "a regulariser": formula(
      "(mean[a] norm(x[a])) + 1.5 + 0.1 * sum[k in classes] norm(w[k])",
      "param w: real[classes, dim] = xavier_uniform()",
    ),
    "a maximum": formula("max[a] norm(x[a])"),
    "a product of means": formula("(mean[a] norm(x[a])) * (mean[a] norm(x[a])^2)"),
  };
  const all = { ...Object.fromEntries(names.map((name) => [name, loss(useOf(name))])), ...own };
  it.each(Object.entries(all))("%s", (_, instance) => {
    const views = instance.declaration.views?.length ?? 1;
    const batch = randomBatch(instance, { classes: 3, samples: 2, dim: 6, views, seed: 4 });
    const { value, terms } = interpretLoss(instance, batch, { terms: true });
    const wanted = compiledShares(instance, batch);
    expect(terms!.perSample === undefined).toBe(wanted === undefined);
    if (wanted === undefined) return;
    const shares = terms!.perSample!;
    const mean = shares.reduce((sum, share) => sum + share, 0) / shares.length;
    expect(Math.abs(mean + terms!.constant - value)).toBeLessThanOrEqual(1e-9 * Math.max(1, Math.abs(value)));
    const largest = Math.max(1, ...wanted.perSample.map(Math.abs));
    shares.forEach((share, k) => {
      expect(Math.abs(share - wanted.perSample[k]!)).toBeLessThanOrEqual(1e-4 * largest);
    });
    expect(terms!.constant).toBeCloseTo(wanted.constant, 4);
  });
});

describe("active tuples", () => {
  const batch = batchOf(
    [
      [0.6, 0.8, 0],
      [0, 0.6, 0.8],
      [1, 0, 0],
      [0, 1, 0],
    ],
    [0, 0, 1, 1],
  );
  const fraction = (instance: LossInstance, options = {}): number | undefined =>
    interpretLoss(instance, batch, { terms: true, ...options }).terms!.activeFraction;

  it("are those of all outermost reductions through which a gradient flows", () => {
    // 4 ordered positive pairs, all farther than 0; of 8 negative ones, two are farther than the margin.
    expect(fraction(loss("contrastive"))).toBeCloseTo(10 / 12, 12);
    expect(fraction(loss("contrastive(margin: 0.01)"))).toBeCloseTo(4 / 12, 12);
    expect(fraction(loss("multi_similarity"))).toBe(1);
    expect(fraction(loss("triplet(smooth: true)"))).toBe(1);
  });

  it("leave out what a maximum leaves out, and reductions over parameters alone", () => {
    expect(fraction(formula("max[a] x[a, 0]"))).toBe(1 / 4);
    const withRegulariser = formula(
      "(sum[a] relu(x[a, 0] - 0.5)) + sum[k in classes] norm(w[k])",
      "param w: real[classes, dim] = constant(1)",
    );
    const params = new Map([["w", { shape: [2, 3], data: new Float64Array(6).fill(1) }]]);
    const { terms } = interpretLoss(withRegulariser, { ...batch, params }, { terms: true });
    expect(terms!.activeFraction).toBe(2 / 4);
  });

  it("are counted among those the miner chooses, and none of none", () => {
    const mined = { miner: miner("semi_hard(margin: 0.4)") };
    expect(fraction(loss("triplet(margin: 0.5)"), mined)).toBe(1);
    const alone = batchOf([[1, 0]], [0]);
    const { terms, value } = interpretLoss(loss("contrastive"), alone, { terms: true });
    expect([value, terms!.activeFraction, [...terms!.perSample!]]).toEqual([0, undefined, [0]]);
    expect(fraction(formula("norm(x[0])"))).toBeUndefined();
  });
});

describe("a loss that is expanded once", () => {
  const triplet = loss("triplet(margin: 0.5)");
  const at = (seed: number) => randomBatch(triplet, { classes: 2, samples: 2, dim: 4, seed });

  it("answers for many batches as it does for one, whatever it was asked before", () => {
    const interpret = interpreterFor(triplet, at(1), { gradient: true });
    for (const seed of [1, 2, 3, 1])
      expect(interpret(at(seed))).toEqual(interpretLoss(triplet, at(seed), { gradient: true }));
  });

  it("refuses batches of other sizes", () => {
    const interpret = interpreterFor(triplet, at(1));
    const wider = randomBatch(triplet, { classes: 2, samples: 2, dim: 5 });
    expect(() => interpret(wider)).toThrow("other sizes");
  });
});
