/** Gradients of the standard library's losses against central differences, and degenerate batches. */
import { describe, expect, it } from "vitest";
import { interpretLoss } from "../../src/interpret/index.ts";
import type { LossBatch } from "../../src/interpret/index.ts";
import type { LossInstance } from "../../src/resolve/values.ts";
import { batchOf, loss, randomBatch, randomParams } from "./support.ts";

const USES = [
  "contrastive(margin: 1.2, positive_margin: 0.3)",
  "triplet(margin: 0.2)",
  "triplet(smooth: true, distance: cosine_distance)",
  "triplet(distance: snr)",
  "multi_similarity",
  "multi_similarity(alpha: 3, beta: 20, base: 0.2)",
  "proxy_anchor",
  "proxy_anchor(margin: 0.3, alpha: 8)",
  "normalized_softmax",
  "arcface",
  "arcface(margin: 60deg, scale: 4)",
  "soft_triple(centers: 3)",
  "soft_triple(centers: 1)",
  "margin(learn_beta: true, nu: 0.1)",
  "histogram(nodes: 11)",
  "smooth_ap(temperature: 0.3)",
  "supcon",
  "vicreg",
  "matryoshka(inner: triplet(margin: 0.5), sizes: [2, 3])",
  "matryoshka(inner: arcface(scale: 4), sizes: [2])",
  "lifted_structure",
  "generalized_lifted(positive_margin: 0.2)",
  "angular",
  "n_pairs(l2: 0.02)",
  "multiple_negatives_ranking(scale: 4)",
  "ntxent(temperature: 0.3)",
  "binomial_deviance",
  "nca(scale: 3)",
  "soft_nearest_neighbour(temperature: 0.3)",
  "tuplet_margin(scale: 6)",
  "intra_pair_variance",
  "snr_contrastive",
  "ranked_list(positive_temperature: 2)",
  "fast_ap",
  "pnp(temperature: 0.3)",
  "pnp_ds(temperature: 0.3)",
  "pnp_dq(temperature: 0.3, alpha: 3)",
  "pnp_iu(temperature: 0.3)",
  "pnp_ib(temperature: 0.3)",
  "quadruplet",
  "soft_triplet",
  "surrogate_precision(rank_temperature: 0.3)",
  "threshold_consistent_margin(negative_threshold: 0.1)",
  "instance(gamma: 4)",
  "barlow_twins(redundancy: 0.3)",
  "simclr",
  "pn",
  "magnet(clusters: 2)",
  "manifold(proxies: 3)",
  "hpl(levels: [3, 2], temperature: 0.4)",
];

function viewsOf(instance: LossInstance): number {
  return instance.declaration.views?.length ?? 1;
}

/** Largest difference between the gradient and central differences, relative to the gradient's largest element. */
function gradientError(instance: LossInstance, batch: LossBatch): number {
  const { gradient } = interpretLoss(instance, batch, { gradient: true });
  const step = 1e-6;
  let scale = 1e-3;
  let error = 0;
  const compare = (data: Float64Array, slopes: Float64Array): void => {
    for (let i = 0; i < data.length; i++) {
      const held = data[i]!;
      data[i] = held + step;
      const above = interpretLoss(instance, batch).value;
      data[i] = held - step;
      const below = interpretLoss(instance, batch).value;
      data[i] = held;
      scale = Math.max(scale, Math.abs(slopes[i]!));
      error = Math.max(error, Math.abs((above - below) / (2 * step) - slopes[i]!));
    }
  };
  batch.views.forEach((view, v) => compare(view.data, gradient!.views[v]!));
  for (const [name, tensor] of batch.params ?? []) compare(tensor.data, gradient!.params.get(name)!);
  return error / scale;
}

describe("circle", () => {
  it("whose weights carry no gradient, has that of fixed weights", () => {
    const instance = loss("circle(gamma: 4)");
    const batch = randomBatch(instance, { classes: 2, samples: 3, dim: 4 });
    const { value, gradient } = interpretLoss(instance, batch, { gradient: true });
    expect(value).toBeGreaterThan(0);
    expect([...gradient!.views[0]!].every(Number.isFinite)).toBe(true);
    expect(gradientError(instance, batch)).toBeGreaterThan(1e-2);
  });
});

describe("gradients equal central differences", () => {
  for (const use of USES)
    it(use, () => {
      const instance = loss(use);
      const views = viewsOf(instance);
      for (const seed of [1, 2]) {
        const batch = randomBatch(instance, {
          classes: 3,
          samples: 3,
          dim: 4,
          views,
          seed,
          unit: seed === 1,
        });
        expect(gradientError(instance, batch)).toBeLessThan(2e-6);
      }
    });
});

describe("degenerate batches", () => {
  const e = [0.6, 0.8, 0];
  const f = [0, 0.6, 0.8];
  const g = [1, 0, 0];
  const zero = [0, 0, 0];
  const coinciding = [...e, ...e.map((v) => -v)];
  const batches: Record<string, LossBatch> = {
    "one class": batchOf([e, f, g], [1, 1, 1], 3),
    "one sample": batchOf([e], [0], 2),
    "one sample a class": batchOf([e, f, g], [0, 1, 2]),
    duplicates: batchOf([e, e, f, f], [0, 0, 1, 1]),
    "duplicates across classes": batchOf([e, e, e, f], [0, 1, 0, 1]),
    "all embeddings identical": batchOf([e, e, e, e], [0, 0, 1, 1]),
    "opposite embeddings": batchOf([e, [-0.6, -0.8, 0], e, [-0.6, -0.8, 0]], [0, 0, 1, 1]),
    "a zero vector": batchOf([zero, e, f, g], [0, 0, 1, 1]),
    "all zero vectors": batchOf([zero, zero, zero, zero], [0, 0, 1, 1]),
  };
  for (const use of [...USES, "circle"])
    for (const [name, { views, ...batch }] of Object.entries(batches))
      it(`${use}: ${name}`, () => {
        const instance = loss(use);
        const repeated = Array.from({ length: viewsOf(instance) }, () => views[0]!);
        for (const same of [false, true]) {
          const params = randomParams(instance, batch.classes, 3);
          // Proxies that coincide with embeddings, or with their opposite.
          if (same)
            for (const { data } of params.values()) data.forEach((_, i) => (data[i] = coinciding[i % 6]!));
          const { value, gradient } = interpretLoss(
            instance,
            { ...batch, views: repeated, params },
            { gradient: true },
          );
          expect(value).toSatisfy(Number.isFinite);
          for (const slopes of [...gradient!.views, ...gradient!.params.values()])
            expect([...slopes].every(Number.isFinite)).toBe(true);
        }
      });
});
