/** The pass `separate`: sums and counts over triples of what knows only pairs run over pairs, with the same answers. */
import { beforeAll, describe, expect, it } from "vitest";
import { compileLoss } from "../../src/cli/compiled_loss.ts";
import { Builder, NO_RULES } from "../../src/ir/build.ts";
import { Graph, type Node } from "../../src/ir/graph.ts";
import { lowerLoss, rootsOf } from "../../src/ir/lower/loss.ts";
import { topological } from "../../src/ir/order.ts";
import { PASSES, PASS_NAMES, type PassName } from "../../src/ir/passes/optimise.ts";
import type { LossInstance } from "../../src/resolve/values.ts";
import { startEngine } from "../../src/runtime/engine/index.ts";
import { formula, loss } from "../interpret/support.ts";
import { expectParity, randomBatch } from "../lower/support.ts";

beforeAll(async () => {
  await startEngine("wasm");
});

/** The widest tensor after a pass. */
function sides(instance: LossInstance, last: PassName = "separate"): number {
  const graph = new Graph();
  const inputs = { path: "losses/l", views: [{ name: "x", dim: 8 }], rules: NO_RULES };
  let roots: readonly Node[] = rootsOf(lowerLoss(new Graph(), instance, inputs));
  for (const pass of PASSES.slice(0, PASS_NAMES.indexOf(last) + 1))
    roots = pass.run(new Builder(graph, pass.rules), roots, {});
  return Math.max(...topological(roots).map(({ shape }) => shape.length));
}

const F = "relu(1 - euclidean(x[a], x[p]))";
const G = "cosine(x[a], x[n])";
const TRIPLES = "a, p, n | same(a, p), differs(a, n)";

const PAIRWISE: Readonly<Record<string, LossInstance>> = {
  "the margin loss": loss("margin"),
  "the margin loss with all its terms": loss("margin(nu: 0.3, learn_beta: true)"),
  "a sum of both pairs": formula(`sum[${TRIPLES}] (${F} + ${G})`),
  "a difference of sums": formula(`sum[${TRIPLES}] (${F} - (${G} - norm(x[p])))`),
  "a sum that one pair knows": formula(`sum[${TRIPLES}] ${F}`),
  "any third sample": formula(`sum[a, p, n | same(a, p)] (${F} - 2 * ${G})`),
  "a third sample in order": formula(`sum[a, p, n | same(a, p), p < n] ${F}`),
  "a count of pairs": formula(`(count[${TRIPLES}] ${F} > 0.2) * (mean[i] norm(x[i]))`),
  "a count of both pairs": formula(`(count[${TRIPLES}] (${F} > 0.2 and ${G} > 0.1)) * (mean[i] norm(x[i]))`),
  "an inner sum": formula(`mean[q] (sum[p, n | same(q, p), differs(q, n)] cosine(x[q], x[p]))^2`),
};

/** What knows all indices together, in a term or in a condition that runs over all of them. */
const WIDE: Readonly<Record<string, LossInstance>> = {
  "a hinge of both pairs": formula(`sum[${TRIPLES}] relu(${F} - ${G})`),
  "a pair and a product of both": formula(`sum[${TRIPLES}] (${F} + ${F} * ${G})`),
  "a mean": formula(`mean[${TRIPLES}] relu(${F} - ${G})`),
};

const BATCHES: Readonly<Record<string, readonly number[]>> = {
  "sorted by class": [0, 0, 0, 1, 1, 1],
  "any labels": [2, 0, 1, 0, 2, 0, 1],
  "one class": [1, 1, 1],
  "no positive": [0, 1, 2],
  "one sample": [0],
};

describe.each(Object.entries(PAIRWISE))("%s", (_, instance) => {
  it("needs no tensor over triples", () => {
    expect(sides(instance, "stack")).toBe(3);
    expect(sides(instance)).toBe(2);
  });

  it.each(Object.entries(BATCHES))("equals the interpreter's: %s", (__, labels) => {
    for (const seed of [1, 2]) expectParity(instance, randomBatch(instance, { labels, unit: true, seed }));
  });

  it("is the same in batches of classes of three", () => {
    const batch = randomBatch(instance, { labels: BATCHES["sorted by class"]!, unit: true });
    const [general, special] = [compileLoss(instance, [6]), compileLoss(instance, [6], { samples: 3 })];
    const [a, b] = [general.evaluate(batch), special.evaluate(batch)];
    expect(Math.abs(a.value - b.value)).toBeLessThan(1e-5 * Math.max(1, Math.abs(a.value)));
    a.gradient.views[0]!.forEach((v, k) => expect(Math.abs(v - b.gradient.views[0]![k]!)).toBeLessThan(1e-4));
  });
});

describe.each(Object.entries(WIDE))("%s", (_, instance) => {
  it("stays as it is", () => {
    expect(sides(instance)).toBe(3);
    expectParity(instance, randomBatch(instance, { labels: BATCHES["any labels"]!, unit: true }));
  });
});

it("leaves what may be infinite where it is", () => {
  const instance = formula(`sum[a, p, n | same(a, p), differs(a, n)] 1 / euclidean(x[a], x[p])`);
  expect(sides(instance)).toBe(3);
});
