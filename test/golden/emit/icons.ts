/**
 * icons: compiled by dmlc 0.0.0 from icons.dml (SHA-256 0123456789ab).
 * Change the spec and compile it again rather than this file. `node` runs it (`--help` lists its options).
 */
import {
  data,
  main,
  nn,
  ops,
  strategies,
  tf,
  type CombineContext,
  type Combined,
  type Embedded,
  type LossValue,
  type Net,
  type ParameterSpec,
  type Program,
  type Sizes,
  type StateSpec,
} from "dmlc/runtime";

/** conv3(): images [32, 32, 1] to features [4, 4, 32]. */
function backbone(images: tf.Tensor4D, net: Net): tf.Tensor4D {
  const relu1 = tf.tidy(() => {
    const conv1 = nn.conv(images, net, "backbone/0.conv", { stride: 1, bias: false });
    const batchNorm1 = nn.batchNorm(conv1, net, "backbone/1.batch_norm");
    return nn.relu(batchNorm1);
  });
  const relu2 = tf.tidy(() => {
    const maxPool1 = nn.maxPool(relu1, 2);
    const conv2 = nn.conv(maxPool1, net, "backbone/4.conv", { stride: 1, bias: false });
    const batchNorm2 = nn.batchNorm(conv2, net, "backbone/5.batch_norm");
    return nn.relu(batchNorm2);
  });
  const relu3 = tf.tidy(() => {
    const maxPool2 = nn.maxPool(relu2, 2);
    const conv3 = nn.conv(maxPool2, net, "backbone/8.conv", { stride: 1, bias: false });
    const batchNorm3 = nn.batchNorm(conv3, net, "backbone/9.batch_norm");
    return nn.relu(batchNorm3);
  });
  const maxPool3 = nn.maxPool(relu3, 2);
  return maxPool3;
}

/** Images [B, H, W, C] to features and the embeddings of each head. */
function embed(images: tf.Tensor4D, net: Net): Embedded {
  const features = backbone(images, net);

  // pull: conv(32, kernel: 3) |> batch_norm |> relu |> max_pool(2) |> linear(64) |> normalize, [B, 64], read by pull
  const relu1 = tf.tidy(() => {
    const conv1 = nn.conv(features, net, "heads/pull/0.conv", { stride: 1, bias: false });
    const batchNorm1 = nn.batchNorm(conv1, net, "heads/pull/1.batch_norm");
    return nn.relu(batchNorm1);
  });
  const maxPool1 = nn.maxPool(relu1, 2);
  const linear1 = nn.linear(maxPool1, net, "heads/pull/4.linear", { bias: true });
  const pull = nn.normalize(linear1);

  // wide: conv(32, kernel: 3) |> batch_norm |> relu |> max_pool(2) |> linear(64) |> normalize, [B, 64], read by wide
  const relu2 = tf.tidy(() => {
    const conv2 = nn.conv(features, net, "heads/wide/0.conv", { stride: 1, bias: false });
    const batchNorm2 = nn.batchNorm(conv2, net, "heads/wide/1.batch_norm");
    return nn.relu(batchNorm2);
  });
  const maxPool2 = nn.maxPool(relu2, 2);
  const linear2 = nn.linear(maxPool2, net, "heads/wide/4.linear", { bias: true });
  const wide = nn.normalize(linear2);

  // soft: conv(32, kernel: 3) |> batch_norm |> relu |> max_pool(2) |> linear(64) |> normalize, [B, 64], read by soft
  const relu3 = tf.tidy(() => {
    const conv3 = nn.conv(features, net, "heads/soft/0.conv", { stride: 1, bias: false });
    const batchNorm3 = nn.batchNorm(conv3, net, "heads/soft/1.batch_norm");
    return nn.relu(batchNorm3);
  });
  const maxPool3 = nn.maxPool(relu3, 2);
  const linear3 = nn.linear(maxPool3, net, "heads/soft/4.linear", { bias: true });
  const soft = nn.normalize(linear3);

  // smooth: conv(32, kernel: 3) |> batch_norm |> relu |> max_pool(2) |> linear(64) |> normalize, [B, 64], read by smooth
  const relu4 = tf.tidy(() => {
    const conv4 = nn.conv(features, net, "heads/smooth/0.conv", { stride: 1, bias: false });
    const batchNorm4 = nn.batchNorm(conv4, net, "heads/smooth/1.batch_norm");
    return nn.relu(batchNorm4);
  });
  const maxPool4 = nn.maxPool(relu4, 2);
  const linear4 = nn.linear(maxPool4, net, "heads/smooth/4.linear", { bias: true });
  const smooth = nn.normalize(linear4);

  return { features: tf.reshape(features, [features.shape[0], -1]), heads: { pull, wide, soft, smooth } };
}

/** Each loss on one batch: its value, and whether the batch held a valid tuple. */
function losses(
  embeddings: Record<string, tf.Tensor2D>,
  labels: tf.Tensor1D,
  _net: Net,
): Record<string, LossValue> {
  // Shared between losses
  const positives = ops.otherClassmates(labels, 4);
  const negatives = ops.differentClass(labels);

  // pull: contrastive(margin: 0.5) (line 18)
  // Pairs within one class together, pairs of different classes apart (Hadsell, Chopra & LeCun 2006, eq. 4).
  const pullEmbeddings = embeddings["pull"]!;
  const squaredDistance = ops.squaredDistancesFromGram(ops.gram(pullEmbeddings));
  const activeMeanEuclideanDistance = ops.meanActive(ops.sqrt(ops.withinClass(squaredDistance, 4)), {
    over: [0, 1],
    where: positives,
  });
  const activeMean = ops.meanActive(tf.relu(tf.sub(0.5, ops.sqrt(squaredDistance))), {
    over: [0, 1],
    where: negatives,
  });
  const pull = { value: tf.add(activeMeanEuclideanDistance, activeMean) as tf.Scalar, valid: tf.scalar(1) };

  // wide: contrastive(margin: 0.8) (line 19)
  // Pairs within one class together, pairs of different classes apart (Hadsell, Chopra & LeCun 2006, eq. 4).
  const wideEmbeddings = embeddings["wide"]!;
  const squaredDistance2 = ops.squaredDistancesFromGram(ops.gram(wideEmbeddings));
  const activeMeanEuclideanDistance2 = ops.meanActive(ops.sqrt(ops.withinClass(squaredDistance2, 4)), {
    over: [0, 1],
    where: positives,
  });
  const activeMean2 = ops.meanActive(tf.relu(tf.sub(0.8, ops.sqrt(squaredDistance2))), {
    over: [0, 1],
    where: negatives,
  });
  const wide = { value: tf.add(activeMeanEuclideanDistance2, activeMean2) as tf.Scalar, valid: tf.scalar(1) };

  // soft: multi_similarity() (line 20)
  // Multi-similarity: soft hardest positives and negatives of each anchor (Wang, Han, Huang, Dong & Scott 2019, eq. 15), without its mining.
  const unitSoft = ops.normalize(embeddings["soft"]!);
  const cosineSimilarity = ops.gram(unitSoft);
  const product = tf.mul(-2, tf.sub(ops.withinClass(cosineSimilarity, 4), 0.5));
  const quotient = tf.div(ops.log1pSumExp(product, { over: [1], where: positives }), 2);
  const logSum = ops.log1pSumExp(tf.mul(50, tf.sub(cosineSimilarity, 0.5)), { over: [1], where: negatives });
  const soft = {
    value: ops.mean(tf.add(quotient, tf.div(logSum, 50)), { over: [0] }) as tf.Scalar,
    valid: tf.scalar(1),
  };

  // smooth: multi_similarity(beta: 20) (line 21)
  // Multi-similarity: soft hardest positives and negatives of each anchor (Wang, Han, Huang, Dong & Scott 2019, eq. 15), without its mining.
  const unitSmooth = ops.normalize(embeddings["smooth"]!);
  const cosineSimilarity2 = ops.gram(unitSmooth);
  const product2 = tf.mul(-2, tf.sub(ops.withinClass(cosineSimilarity2, 4), 0.5));
  const quotient2 = tf.div(ops.log1pSumExp(product2, { over: [1], where: positives }), 2);
  const logSum2 = ops.log1pSumExp(tf.mul(20, tf.sub(cosineSimilarity2, 0.5)), {
    over: [1],
    where: negatives,
  });
  const smooth = {
    value: ops.mean(tf.add(quotient2, tf.div(logSum2, 20)), { over: [0] }) as tf.Scalar,
    valid: tf.scalar(1),
  };

  return { pull, wide, soft, smooth };
}

/** The losses into the one number that is minimised. */
function combine(losses: Record<string, LossValue>, context: CombineContext): Combined {
  return strategies.learned(
    context.net,
    "combine",
    [
      strategies.term("pull", losses.pull!),
      strategies.term("wide", losses.wide!),
      strategies.term("soft", losses.soft!),
      strategies.term("smooth", losses.smooth!),
    ],
    { floor: 0.25 / 4, scale: "running_mean" },
  );
}

/** Every trainable parameter, with its group and first value. */
function parameters(_sizes: Sizes): ParameterSpec[] {
  return [
    ...nn.convParameters("backbone/0.conv", {
      inputs: 1,
      outputs: 32,
      kernel: 3,
      bias: false,
      group: "backbone",
    }),
    ...nn.batchNormParameters("backbone/1.batch_norm", 32, "backbone"),
    ...nn.convParameters("backbone/4.conv", {
      inputs: 32,
      outputs: 32,
      kernel: 3,
      bias: false,
      group: "backbone",
    }),
    ...nn.batchNormParameters("backbone/5.batch_norm", 32, "backbone"),
    ...nn.convParameters("backbone/8.conv", {
      inputs: 32,
      outputs: 32,
      kernel: 3,
      bias: false,
      group: "backbone",
    }),
    ...nn.batchNormParameters("backbone/9.batch_norm", 32, "backbone"),
    ...nn.convParameters("heads/pull/0.conv", {
      inputs: 32,
      outputs: 32,
      kernel: 3,
      bias: false,
      group: "heads",
    }),
    ...nn.batchNormParameters("heads/pull/1.batch_norm", 32, "heads"),
    ...nn.linearParameters("heads/pull/4.linear", { inputs: 128, outputs: 64, bias: true, group: "heads" }),
    ...nn.convParameters("heads/wide/0.conv", {
      inputs: 32,
      outputs: 32,
      kernel: 3,
      bias: false,
      group: "heads",
    }),
    ...nn.batchNormParameters("heads/wide/1.batch_norm", 32, "heads"),
    ...nn.linearParameters("heads/wide/4.linear", { inputs: 128, outputs: 64, bias: true, group: "heads" }),
    ...nn.convParameters("heads/soft/0.conv", {
      inputs: 32,
      outputs: 32,
      kernel: 3,
      bias: false,
      group: "heads",
    }),
    ...nn.batchNormParameters("heads/soft/1.batch_norm", 32, "heads"),
    ...nn.linearParameters("heads/soft/4.linear", { inputs: 128, outputs: 64, bias: true, group: "heads" }),
    ...nn.convParameters("heads/smooth/0.conv", {
      inputs: 32,
      outputs: 32,
      kernel: 3,
      bias: false,
      group: "heads",
    }),
    ...nn.batchNormParameters("heads/smooth/1.batch_norm", 32, "heads"),
    ...nn.linearParameters("heads/smooth/4.linear", { inputs: 128, outputs: 64, bias: true, group: "heads" }),
    ...strategies.learnedParameters("combine", 4, { floor: 0.25 / 4 }),
  ];
}

/** What is kept from step to step without being trained. */
function state(_sizes: Sizes): StateSpec[] {
  return [
    ...nn.batchNormState("backbone/1.batch_norm", 32),
    ...nn.batchNormState("backbone/5.batch_norm", 32),
    ...nn.batchNormState("backbone/9.batch_norm", 32),
    ...nn.batchNormState("heads/pull/1.batch_norm", 32),
    ...nn.batchNormState("heads/wide/1.batch_norm", 32),
    ...nn.batchNormState("heads/soft/1.batch_norm", 32),
    ...nn.batchNormState("heads/smooth/1.batch_norm", 32),
    ...strategies.scaleState("combine", 4, "running_mean"),
  ];
}

const program: Program = {
  name: "icons",
  spec: { file: "icons.dml", hash: "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" },
  compiler: "dmlc 0.0.0",
  data: data.iconSets({ size: 32 }),
  split: data.zeroShot({ train: 0.4, validation: 0.1 }),
  augment: [data.affine({ rotate: 0.17453292519943295, scale: 0.1, shift: 0.1 }), data.cutout(8)],
  image: [32, 32, 1],
  heads: [
    { name: "pull", dim: 64, unit: true, weight: 0.25, losses: ["pull"] },
    { name: "wide", dim: 64, unit: true, weight: 0.25, losses: ["wide"] },
    { name: "soft", dim: 64, unit: true, weight: 0.25, losses: ["soft"] },
    { name: "smooth", dim: 64, unit: true, weight: 0.25, losses: ["smooth"] },
  ],
  lossPlaces: {
    pull: { file: "icons.dml", line: 18, text: "pull: contrastive(margin: 0.5)" },
    wide: { file: "icons.dml", line: 19, text: "wide: contrastive(margin: 0.8)" },
    soft: { file: "icons.dml", line: 20, text: "soft: multi_similarity()" },
    smooth: { file: "icons.dml", line: 21, text: "smooth: multi_similarity(beta: 20)" },
  },
  parameters,
  state,
  embed,
  losses,
  combine,
  train: {
    batch: { classes: 16, samples: 4 },
    optimizer: {
      kind: "adamw",
      lr: 0.002,
      beta1: 0.9,
      beta2: 0.999,
      epsilon: 1e-8,
      weightDecay: 0.0001,
      clip: 10,
      groups: { backbone: 1, heads: 1 },
    },
    schedule: { kind: "cosine", warmup: 50, floor: 0 },
    steps: 1000,
    select: { kind: "best", metric: "map_at_r", every: 250, patience: 10 },
    seed: 7,
  },
  evaluate: { recallAt: [1, 2, 4, 8], mapAtR: true, rPrecision: true, nmi: true, knnAccuracy: 3 },
  compress: { kind: "distances", to: 64 },
};

export default program;

await main(program, import.meta.url);
