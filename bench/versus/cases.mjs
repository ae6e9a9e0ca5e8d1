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
  // Cost against the batch, and against the number of classes.
  ...Object.fromEntries(
    [64, 128, 256, 512, 1024].map((size) => [
      `batch_${size}`,
      { ...small, ...batch(size / 4, 4), classes: 256, losses: SIX, heads: "separate" },
    ]),
  ),
  ...Object.fromEntries(
    [100, 1_000, 10_000, 100_000].map((classes) => [
      `classes_${classes}`,
      { ...small, ...batch(32, 4), classes, losses: ["arcface"], heads: "separate" },
    ]),
  ),
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

/**
 * Floating-point operations of a training step: convolutions and heads, forward, and backward by inputs and weights; the
 * first layer has no gradient by its input. What losses and elementwise work add is left out.
 */
export function stepFlops({ net, image, width, batch: { classes, samples }, losses, heads }) {
  const [height, columns, channels] = image;
  const conv = (side, from, to, kernel = 3) => 2 * side[0] * side[1] * kernel * kernel * from * to;
  const halved = ([a, b]) => [a / 2, b / 2];
  let side = [height, columns];
  let features;
  let flops = 0;
  if (net === "conv_32_64") {
    flops += 2 * conv(side, channels, 32);
    side = halved(side);
    flops += 3 * conv(side, 32, 64);
    features = (side[0] / 2) * (side[1] / 2) * 64;
  } else if (net === "resnet18") {
    flops += 2 * conv(side, channels, 64);
    let before = 64;
    [64, 64, 128, 128, 256, 256, 512, 512].forEach((after, k) => {
      const strided = k > 0 && k % 2 === 0;
      if (strided) side = halved(side);
      flops += 3 * (conv(side, before, after) + conv(side, after, after));
      if (strided) flops += 3 * conv(side, before, after, 1);
      before = after;
    });
    features = before;
  } else {
    return undefined;
  }
  const count = heads === "shared" ? 1 : losses.length;
  flops += 3 * 2 * features * width * count;
  return flops * classes * samples;
}
