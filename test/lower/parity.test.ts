/**
 * The compiled losses of the standard library against the interpreter, which is the language's definition: value,
 * validity, and the gradients of embeddings and parameters, on the engine that programs run on.
 */
import { beforeAll, describe, it } from "vitest";
import { startEngine } from "../../src/runtime/engine/index.ts";
import { loss } from "../interpret/support.ts";
import type { LossInstance } from "../../src/resolve/values.ts";
import type { Batch } from "./support.ts";
import { batchOf, CONDITIONED, expectParity, FLOAT32, randomBatch } from "./support.ts";

beforeAll(async () => {
  await startEngine("wasm");
});

const USES = [
  "contrastive",
  "contrastive(margin: 1.7, positive_margin: 0.3)",
  "contrastive(distance: cosine_distance, margin: 0.6)",
  "contrastive(distance: squared_euclidean)",
  "triplet",
  "triplet(margin: 0.4)",
  "triplet(margin: 0.3, smooth: true)",
  "triplet(margin: 0.2, distance: cosine_distance)",
  "triplet(margin: 0.2, distance: snr)",
  "multi_similarity",
  "multi_similarity(alpha: 3, beta: 20, base: 0.2)",
  "proxy_anchor",
  "proxy_anchor(margin: 0.3, alpha: 8)",
  "normalized_softmax",
  "normalized_softmax(temperature: 0.3)",
  "arcface",
  "arcface(margin: 60deg, scale: 8)",
  "arcface(margin: 0deg)",
  "cosface",
  "cosface(margin: 0.1, scale: 8)",
  "proxy_nca",
  "proxy_nca(scale: 3)",
  "proxy_nca_plus",
  "p2sgrad",
  "softmax_cross_entropy",
  "softmax_cross_entropy(smoothing: 0)",
  "center",
  "lp_regularizer",
  "lp_regularizer(p: 3, power: 2)",
  "zero_mean",
];

/** Losses that magnify the rounding of similarities: by 100 in a sigmoid, by 80 and more in an exponential. */
const MAGNIFYING = [
  "supcon",
  "supcon(temperature: 0.05)",
  "circle",
  "circle(margin: 0.25, gamma: 32)",
  "histogram(nodes: 21)",
  "margin",
  "margin(nu: 0.1, learn_beta: true)",
  "matryoshka(inner: contrastive, sizes: [3, 4])",
  "matryoshka(inner: arcface, sizes: [4])",
  "smooth_ap",
  "smooth_ap(temperature: 0.1)",
  "soft_triple(centers: 3)",
  "vicreg",
  "lifted_structure",
  "generalized_lifted(positive_margin: 0.2)",
  "angular",
  "n_pairs(l2: 0.02)",
  "multiple_negatives_ranking",
  "ntxent",
  "binomial_deviance",
  "nca",
  "soft_nearest_neighbour(temperature: 0.3)",
  "tuplet_margin",
  "intra_pair_variance",
  "snr_contrastive",
  "ranked_list",
  "ranked_list(negative_temperature: 2, positive_temperature: 3, imbalance: 0.3)",
  "fast_ap",
  "pnp",
  "pnp_ds",
  "pnp_dq(alpha: 8)",
  "pnp_iu(temperature: 0.1)",
  "pnp_ib",
  "dynamic_soft_margin",
  "quadruplet",
  "soft_triplet",
  "surrogate_precision",
  "threshold_consistent_margin",
  "instance",
  "barlow_twins",
  "simclr",
  "simclr(temperature: 0.1)",
  "pn",
];

/** Losses by classes, and regularisers, that magnify too: by the slope of an arc cosine, a root or a logarithm. */
const MAGNIFYING_BY_CLASSES = [
  "smoothed_arcface",
  "smoothed_arcface(smoothing: 0.3, margin: 60deg, scale: 8)",
  "sub_center_arcface",
  "sub_center_arcface(centers: 2, margin: 60deg, scale: 8)",
  "large_margin_softmax",
  "large_margin_softmax(margin: 2, scale: 0.5)",
  "sphereface",
  "magnet",
  "magnet(clusters: 2)",
  "manifold(proxies: 3)",
  "manifold(proxies: 2, context: 0.3, alpha: 0.4, margin: 0.1)",
  "hpl(levels: [2])",
  "hpl(levels: [3, 2], weight: 0.3, temperature: 0.3)",
  "hyperbolic",
  "hyperbolic(c: 0.5, temperature: 0.5, clip: 1)",
  "contrastive(distance: lp)",
  "contrastive(distance: lp(p: 3))",
  "triplet(margin: 0.2, distance: lp(p: 1))",
  "contrastive(distance: poincare)",
  "center_invariant",
  "center_invariant_softmax",
  "regular_face",
  "regular_face_softmax(temperature: 0.3)",
];

const PK = [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3];
const RAGGED = [2, 0, 1, 0, 4, 2, 2, 1, 2];

/** Four numbers, different and of mixed signs for every k. */
const row = (k: number): number[] =>
  Array.from({ length: 4 }, (_, t) => Math.sin(1 + 7 * k + 3 * t) + 0.1 * t);
const opposite = (v: readonly number[]): number[] => v.map((c) => -c);
const [e, f, g, h] = [row(0), row(1), row(2), row(3)];
const zero = [0, 0, 0, 0];

type Make = (instance: LossInstance) => Batch;
const rows =
  (embeddings: readonly number[][], labels: readonly number[], classes?: number): Make =>
  (instance) =>
    batchOf(instance, embeddings, labels, classes);

/** The same batch with parameters whose vectors are embeddings, in order, the last ones their opposites. */
const withProxies =
  (make: Make, vectors: readonly number[][]): Make =>
  (instance) => {
    const batch = make(instance);
    const params = new Map(
      [...batch.params].map(([name, { shape, data }]) => [
        name,
        { shape, data: data.map((_, k) => Math.fround(vectors.flat()[k % (4 * vectors.length)]!)) },
      ]),
    );
    return { ...batch, params };
  };

const DEGENERATE: Readonly<Record<string, Make>> = {
  "one class": rows([e, f, g, h], [1, 1, 1, 1], 3),
  "one sample": rows([e], [0], 2),
  "one sample of the only class": rows([e], [0], 1),
  "one sample a class": rows([e, f, g, h], [0, 1, 2, 3]),
  duplicates: rows([e, e, f, f], [0, 0, 1, 1]),
  "duplicates across classes": rows([e, e, e, f, f], [0, 1, 0, 1, 0]),
  "all embeddings identical": rows([e, e, e, e], [0, 0, 1, 1]),
  "opposite embeddings": rows([e, opposite(e), e, opposite(e)], [0, 0, 1, 1]),
  "a zero vector": rows([zero, e, f, g], [0, 0, 1, 1]),
  "zero vectors of two classes": rows([zero, e, zero, zero], [0, 0, 1, 1]),
  "all zero vectors": rows([zero, zero, zero, zero], [0, 0, 1, 1]),
  "proxies equal to embeddings": withProxies(rows([e, f, g, h], [0, 0, 1, 1]), [e, f]),
  "proxies opposite to embeddings": withProxies(rows([e, f, g, h], [0, 0, 1, 1]), [opposite(e), opposite(f)]),
  "proxies of length zero": withProxies(rows([e, f, g, h], [0, 0, 1, 1]), [zero]),
};

/** Regularisers on the class vectors of the loss around them. */
const REGULARISED = `loss regularised(inner: loss) {
  param w: real[classes, dim] = xavier_uniform()
  mean[i] cross_entropy[k in classes](cosine(x[i], w[k]) / 0.1, y[i]) + 0.3 * inner(x: w)
}`;
const REGULARISERS = ["regular_face", "center_invariant", "lp_regularizer", "zero_mean"];

for (const [use, tolerance] of [
  ...USES.map((use) => [use, FLOAT32] as const),
  ...[...MAGNIFYING, ...MAGNIFYING_BY_CLASSES].map((use) => [use, CONDITIONED] as const),
  ...REGULARISERS.map((use) => [`regularised(inner: ${use})`, CONDITIONED] as const),
])
  describe(use, () => {
    const instance = loss(use, REGULARISED);
    for (const [name, labels] of Object.entries({ "P x K": PK, ragged: RAGGED }))
      for (const unit of [true, false])
        for (const seed of [1, 2])
          it(`${name}, ${unit ? "unit" : "free"} embeddings, seed ${seed}`, () => {
            expectParity(instance, randomBatch(instance, { labels, unit, seed, classes: 5 }), tolerance);
          });
    it("a batch of 16 x 4 of width 64", () => {
      const labels = Array.from({ length: 64 }, (_, i) => (i * 5) % 16);
      expectParity(
        instance,
        randomBatch(instance, { labels, dim: 64, unit: true, seed: 5, classes: 20 }),
        tolerance,
      );
    });
    for (const scale of [1e-4, 1e-2, 1e2, 1e4])
      it(`embeddings of length about ${scale}`, () => {
        expectParity(instance, randomBatch(instance, { labels: RAGGED, scale, seed: 3 }), tolerance);
      });
    for (const [name, make] of Object.entries(DEGENERATE))
      it(name, () => {
        expectParity(instance, make(instance), tolerance);
      });
  });
