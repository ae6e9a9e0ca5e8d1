/**
 * What is measured against PyTorch: nets, losses and batches, in the names of both sides. Read by `ours.mjs` and, as
 * JSON, by `theirs.py`; the list of cases by `../versus_pytorch.mjs`.
 */

/** Each loss in this language; `theirs.py` has the same with pytorch-metric-learning. */
export const LOSSES = {
  contrastive: "contrastive(margin: 0.5)",
  triplet: "triplet(margin: 0.2)",
  multi_similarity: "multi_similarity()",
  proxy_anchor: "proxy_anchor()",
  arcface: "arcface(margin: 28.6deg, scale: 64)",
  supcon: "supcon()",
  circle: "circle()",
  normalized_softmax: "normalized_softmax()",
  wide: "contrastive(margin: 0.9)",
  smooth: "multi_similarity(beta: 20)",
  soft_margin: "triplet(margin: 0.1, smooth: true)",
  small_arc: "arcface(margin: 11deg, scale: 24)",
};

const SIX = ["contrastive", "triplet", "multi_similarity", "proxy_anchor", "arcface", "supcon"];

/** The reference net of the design: conv 32/64 with pooling, 28x28, heads of 64, Adam. */
const small = { net: "conv_32_64", image: [28, 28, 1], width: 64, classes: 100 };
const alone = { net: "none", image: [28, 28, 1], width: 128, heads: "shared" };
const batch = (classes, samples) => ({ batch: { classes, samples } });

export const CASES = {
  one: { ...small, ...batch(32, 4), losses: ["contrastive"], heads: "separate" },
  six: { ...small, ...batch(32, 4), losses: SIX, heads: "separate" },
  twelve: { ...small, ...batch(32, 4), losses: Object.keys(LOSSES), heads: "separate" },
  twelve_shared: { ...small, ...batch(32, 4), losses: Object.keys(LOSSES), heads: "shared" },
  // The losses alone: values and gradients by embeddings on one head and by the losses' parameters.
  losses_1024: { ...alone, ...batch(256, 4), losses: SIX, classes: 256 },
  triplet_1024: { ...alone, ...batch(256, 4), losses: ["triplet"], classes: 256 },
  multi_similarity_1024: { ...alone, ...batch(256, 4), losses: ["multi_similarity"], classes: 256 },
  arcface_100k: { ...alone, ...batch(32, 4), losses: ["arcface"], classes: 100_000 },
  proxy_anchor_100k: { ...alone, ...batch(32, 4), losses: ["proxy_anchor"], classes: 100_000 },
  resnet18: {
    net: "resnet18",
    image: [64, 64, 3],
    width: 64,
    classes: 100,
    ...batch(32, 4),
    losses: ["contrastive"],
    heads: "separate",
  },
};
