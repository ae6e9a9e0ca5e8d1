/**
 * The pass `specialise-batch`: on batches sorted by class, its form and the general one give the same value, validity
 * and gradients, and its triple reductions are B x M x B.
 */
import { beforeAll, describe, expect, it } from "vitest";
import { compileLoss } from "../../src/cli/compiled_loss.ts";
import { Builder } from "../../src/ir/build.ts";
import { Graph } from "../../src/ir/graph.ts";
import { lowerLoss } from "../../src/ir/lower/loss.ts";
import { topological } from "../../src/ir/order.ts";
import { specialiseBatch } from "../../src/ir/passes/specialise_batch.ts";
import type { LossInstance, MinerInstance } from "../../src/resolve/values.ts";
import { startEngine } from "../../src/runtime/engine/index.ts";
import { formula, loss, miner } from "../interpret/support.ts";
import { CIRCLE, HISTOGRAM, MARGIN } from "./published_losses.ts";
import { randomBatch } from "./support.ts";

beforeAll(async () => {
  await startEngine("wasm");
});

const sorted = (classes: number, samples: number): number[] =>
  Array.from({ length: classes * samples }, (_, k) => Math.floor(k / samples));

const USES: readonly (readonly [string, LossInstance])[] = [
  ...["contrastive", "triplet(margin: 0.4)", "triplet(margin: 0.3, smooth: true)", "multi_similarity"].map(
    (use) => [use, loss(use)] as const,
  ),
  ...["proxy_anchor", "arcface", "triplet(margin: 0.2, distance: snr)"].map(
    (use) => [use, loss(use)] as const,
  ),
  ["margin", loss("margin(nu: 0.1)", MARGIN)],
  ["circle", loss("circle", CIRCLE)],
  ["histogram", loss("histogram(nodes: 11)", HISTOGRAM)],
  [
    "two positives",
    formula(
      "mean[a, p, q | same(a, p), same(a, q), p != q] relu(euclidean(x[a], x[p]) - 0.5 * euclidean(x[a], x[q]) + 1)",
    ),
  ],
  [
    "a positive of the first index",
    formula("mean[p, a | same(a, p)] relu(1 - norm(x[p]) * cosine(x[a], x[p]))"),
  ],
  ["something of the classmate alone", formula("sum[a] max[p | same(p, a)] (norm(x[p]) - norm(x[a]))^2")],
  [
    "neither anchor",
    formula("mean[a, p, n | same(a, p), differs(a, n)] relu(euclidean(x[p], x[n]) - euclidean(x[a], x[p]))"),
  ],
  ["what is computed triple by triple, and seen through views", loss("dynamic_soft_margin(bins: 3)")],
  [
    "a choice for each pair",
    formula(
      "mean[a, p, n | same(a, p), differs(a, n), n == (argmax[j | differs(a, j)] cosine(x[p], x[j]))] relu(1 + cosine(x[a], x[n]) - cosine(x[a], x[p]))",
    ),
  ],
  [
    "a choice for each pair the other way round",
    formula(
      "mean[p, a, n | same(a, p), differs(a, n), n == (argmin[j | differs(p, j)] cosine(x[a], x[j]))] relu(1 + cosine(x[a], x[n]) - cosine(x[a], x[p]))",
    ),
  ],
  [
    "a sum for each pair",
    formula("mean[a, p | same(a, p)] (sum[n | differs(a, n)] relu(cosine(x[p], x[n])))^2"),
  ],
  [
    "a matrix of the classmate and another, and its components",
    formula(
      "mean[n, p, a | same(a, p), differs(a, n)] relu(sum[t] (x[p, t] - x[n, t])^2 * x[a, t]) * cosine(x[n], x[p])",
    ),
  ],
  ["a count", formula("mean[a] (count[p | same(a, p)] cosine(x[a], x[p]) > 0) * norm(x[a])")],
  ["no positive", formula("mean[a] (if any[p | same(a, p)] cosine(x[a], x[p]) > 2 then 1 else norm(x[a]))")],
];

const close = (a: ArrayLike<number>, b: ArrayLike<number>): void => {
  const largest = Math.max(1e-3, ...Array.from(a, Math.abs));
  Array.from(a).forEach((v, k) => expect(Math.abs(v - b[k]!)).toBeLessThanOrEqual(2e-5 * largest));
};

describe.each(USES)("%s", (_, instance) => {
  it.each([
    [4, 3],
    [2, 2],
    [3, 5],
  ])("is the same for %i classes of %i samples", (classes, samples) => {
    const batch = randomBatch(instance, {
      labels: sorted(classes, samples),
      dim: 6,
      unit: true,
      seed: samples,
    });
    const general = compileLoss(instance, [6]).evaluate(batch);
    const special = compileLoss(instance, [6], { samples }).evaluate(batch);
    expect(special.valid).toBe(general.valid);
    close([general.value], [special.value]);
    close(general.gradient.views[0]!, special.gradient.views[0]!);
    for (const [name, gradient] of general.gradient.params)
      close(gradient, special.gradient.params.get(name)!);
  });
});

describe("what it saves", () => {
  const specialised = (
    instance: LossInstance,
    on?: MinerInstance,
  ): { graph: string[]; valid: number | undefined } => {
    const graph = new Graph();
    const lowered = lowerLoss(graph, instance, {
      path: "losses/l",
      views: [{ name: "x", dim: 8 }],
      miner: on,
    });
    const roots = specialiseBatch(new Builder(graph), [lowered.value, lowered.valid], 4);
    const valid = roots[1]!.operation;
    return {
      graph: topological(roots).map((node) => node.shape.join("x")),
      valid: valid.kind === "constant" ? valid.value : undefined,
    };
  };

  it.each([
    ["triplet", undefined],
    ["triplet", "distance_weighted"],
    ["dynamic_soft_margin", undefined],
    ["angular", undefined],
    ["pn", undefined],
  ])("a triple reduction of %s on %s has no tensor of B x B x B", (use, on) => {
    const { graph } = specialised(loss(use), on === undefined ? undefined : miner(on));
    expect(graph).toContain("batchx4xbatch");
    expect(graph.filter((shape) => shape.includes("batchxbatchxbatch"))).toEqual([]);
  });

  it("that there is a valid tuple is known before training", () => {
    for (const use of ["contrastive", "triplet", "multi_similarity", "proxy_anchor"])
      expect(specialised(loss(use)).valid).toBe(1);
  });
});
