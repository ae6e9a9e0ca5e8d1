/**
 * residual_net: compiled by dmlc 0.0.0 from residual.dml (SHA-256 0123456789ab).
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

/** small(width: 8): images [16, 24, 3] to features [4, 6, 16]. */
function backbone(images: tf.Tensor4D, net: Net): tf.Tensor4D {
  const relu1 = tf.tidy(() => {
    const conv1 = nn.conv(images, net, "backbone/0.conv", { stride: 1, bias: false });
    const batchNorm1 = nn.batchNorm(conv1, net, "backbone/1.batch_norm");
    return nn.relu(batchNorm1);
  });
  const relu3 = tf.tidy(() => {
    const relu2 = tf.tidy(() => {
      const conv2 = nn.conv(relu1, net, "backbone/3.residual/0.conv", { stride: 1, bias: false });
      const batchNorm2 = nn.batchNorm(conv2, net, "backbone/3.residual/1.batch_norm");
      return nn.relu(batchNorm2);
    });
    const conv3 = nn.conv(relu2, net, "backbone/3.residual/3.conv", { stride: 1, bias: false });
    const batchNorm3 = nn.batchNorm(conv3, net, "backbone/3.residual/4.batch_norm");
    const residual1 = tf.add<tf.Tensor4D>(batchNorm3, relu1);
    return nn.relu(residual1);
  });
  const relu5 = tf.tidy(() => {
    const relu4 = tf.tidy(() => {
      const conv4 = nn.conv(relu3, net, "backbone/5.residual/0.conv", { stride: 1, bias: false });
      const batchNorm4 = nn.batchNorm(conv4, net, "backbone/5.residual/1.batch_norm");
      return nn.relu(batchNorm4);
    });
    const conv5 = nn.conv(relu4, net, "backbone/5.residual/3.conv", { stride: 1, bias: false });
    const batchNorm5 = nn.batchNorm(conv5, net, "backbone/5.residual/4.batch_norm");
    const residual2 = tf.add<tf.Tensor4D>(batchNorm5, relu3);
    return nn.relu(residual2);
  });
  const relu7 = tf.tidy(() => {
    const relu6 = tf.tidy(() => {
      const conv6 = nn.conv(relu5, net, "backbone/7.residual/0.conv", { stride: 2, bias: false });
      const batchNorm6 = nn.batchNorm(conv6, net, "backbone/7.residual/1.batch_norm");
      return nn.relu(batchNorm6);
    });
    const conv7 = nn.conv(relu6, net, "backbone/7.residual/3.conv", { stride: 1, bias: false });
    const batchNorm7 = nn.batchNorm(conv7, net, "backbone/7.residual/4.batch_norm");
    const shortcut1 = nn.batchNorm(
      nn.conv(relu5, net, "backbone/7.residual/shortcut.conv", { stride: 2, bias: false }),
      net,
      "backbone/7.residual/shortcut.batch_norm",
    );
    const residual3 = tf.add<tf.Tensor4D>(batchNorm7, shortcut1);
    return nn.relu(residual3);
  });
  const leakyRelu1 = nn.leakyRelu(relu7, 0.2);
  const avgPool1 = nn.avgPool(leakyRelu1, 2);
  return avgPool1;
}

/** Images [B, H, W, C] to features and the embeddings of each head. */
function embed(images: tf.Tensor4D, net: Net): Embedded {
  const features = backbone(images, net);

  // pull: linear(16) |> normalize, [B, 16], read by pull
  const pull = nn.normalize(nn.linear(features, net, "heads/pull/0.linear", { bias: true }));

  // rank: conv(8, kernel: 3, stride: 2) |> batch_norm |> relu |> residual |> flatten |> linear(8) |> normalize, [B, 8], read by rank
  const relu1 = tf.tidy(() => {
    const conv1 = nn.conv(features, net, "heads/rank/0.conv", { stride: 2, bias: false });
    const batchNorm1 = nn.batchNorm(conv1, net, "heads/rank/1.batch_norm");
    return nn.relu(batchNorm1);
  });
  const conv2 = nn.conv(relu1, net, "heads/rank/3.residual/0.conv", { stride: 1, bias: true });
  const residual1 = tf.add<tf.Tensor4D>(conv2, relu1);
  const flatten1 = nn.flatten(residual1);
  const linear1 = nn.linear(flatten1, net, "heads/rank/5.linear", { bias: true });
  const rank = nn.normalize(linear1);

  // plain: global_max_pool |> tanh |> sigmoid |> linear(4) |> batch_norm, [B, 4], read by plain
  const tanh1 = tf.tidy(() => {
    const globalMaxPool1 = nn.globalMaxPool(features);
    return nn.tanh(globalMaxPool1);
  });
  const sigmoid1 = nn.sigmoid(tanh1);
  const linear2 = nn.linear(sigmoid1, net, "heads/plain/3.linear", { bias: false });
  const plain = nn.batchNorm(linear2, net, "heads/plain/4.batch_norm");

  return { features: tf.reshape(features, [features.shape[0], -1]), heads: { pull, rank, plain } };
}

/** Each loss on one batch: its value, and whether the batch held a valid tuple. */
function losses(
  embeddings: Record<string, tf.Tensor2D>,
  labels: tf.Tensor1D,
  _net: Net,
): Record<string, LossValue> {
  // Shared between losses
  const positives = ops.otherClassmates(labels, 2);
  const negatives = ops.differentClass(labels);

  // pull: contrastive(margin: 0.5) (line 21)
  // Pairs within one class together, pairs of different classes apart (Hadsell, Chopra & LeCun 2006, eq. 4).
  const pullEmbeddings = embeddings["pull"]!;
  const squaredDistance = ops.squaredDistancesFromGram(ops.gram(pullEmbeddings));
  const activeMeanEuclideanDistance = ops.meanActive(ops.sqrt(ops.withinClass(squaredDistance, 2)), {
    over: [0, 1],
    where: positives,
  });
  const activeMean = ops.meanActive(tf.relu(tf.sub(0.5, ops.sqrt(squaredDistance))), {
    over: [0, 1],
    where: negatives,
  });
  const pull = { value: tf.add(activeMeanEuclideanDistance, activeMean) as tf.Scalar, valid: tf.scalar(1) };

  // rank: triplet() with conv(8, kernel: 3, stride: 2) |> batch_norm |> relu |> residual { conv(8) } |> flatten |> linear(8) |> normalize (line 22)
  // Each anchor nearer to its positives than to its negatives by a margin (Schroff, Kalenichenko & Philbin 2015, eq. 3).
  const rankEmbeddings = embeddings["rank"]!;
  const euclideanDistance = ops.sqrt(ops.squaredDistancesFromGram(ops.gram(rankEmbeddings)));
  const difference = tf.sub(
    tf.expandDims(ops.withinClass(euclideanDistance, 2), 2),
    tf.expandDims(euclideanDistance, 1),
  );
  const tuples = tf.logicalAnd(tf.expandDims(positives, 2), tf.expandDims(negatives, 1));
  const rank = {
    value: ops.meanActive(tf.relu(tf.add(difference, 0.05)), { over: [0, 1, 2], where: tuples }) as tf.Scalar,
    valid: tf.scalar(1),
  };

  // plain: multi_similarity() with global_max_pool |> tanh |> sigmoid |> linear(4) |> batch_norm (line 23)
  // Multi-similarity: soft hardest positives and negatives of each anchor (Wang, Han, Huang, Dong & Scott 2019, eq. 15), without its mining.
  const unitPlain = ops.normalize(embeddings["plain"]!);
  const cosineSimilarity = ops.gram(unitPlain);
  const product = tf.mul(-2, tf.sub(ops.withinClass(cosineSimilarity, 2), 0.5));
  const quotient = tf.div(ops.log1pSumExp(product, { over: [1], where: positives }), 2);
  const logSum = ops.log1pSumExp(tf.mul(50, tf.sub(cosineSimilarity, 0.5)), { over: [1], where: negatives });
  const plain = {
    value: ops.mean(tf.add(quotient, tf.div(logSum, 50)), { over: [0] }) as tf.Scalar,
    valid: tf.scalar(1),
  };

  return { pull, rank, plain };
}

/** The losses into the one number that is minimised. */
function combine(losses: Record<string, LossValue>, context: CombineContext): Combined {
  return strategies.learned(
    context.net,
    "combine",
    [
      strategies.term("pull", losses.pull!),
      strategies.term("rank", losses.rank!),
      strategies.term("plain", losses.plain!),
    ],
    { floor: 0.25 / 3, scale: "none" },
  );
}

/** Every trainable parameter, with its group and first value. */
function parameters(_sizes: Sizes): ParameterSpec[] {
  return [
    ...nn.convParameters("backbone/0.conv", {
      inputs: 3,
      outputs: 8,
      kernel: 3,
      bias: false,
      group: "backbone",
    }),
    ...nn.batchNormParameters("backbone/1.batch_norm", 8, "backbone"),
    ...nn.convParameters("backbone/3.residual/0.conv", {
      inputs: 8,
      outputs: 8,
      kernel: 3,
      bias: false,
      group: "backbone",
    }),
    ...nn.batchNormParameters("backbone/3.residual/1.batch_norm", 8, "backbone"),
    ...nn.convParameters("backbone/3.residual/3.conv", {
      inputs: 8,
      outputs: 8,
      kernel: 3,
      bias: false,
      group: "backbone",
    }),
    ...nn.batchNormParameters("backbone/3.residual/4.batch_norm", 8, "backbone"),
    ...nn.convParameters("backbone/5.residual/0.conv", {
      inputs: 8,
      outputs: 8,
      kernel: 3,
      bias: false,
      group: "backbone",
    }),
    ...nn.batchNormParameters("backbone/5.residual/1.batch_norm", 8, "backbone"),
    ...nn.convParameters("backbone/5.residual/3.conv", {
      inputs: 8,
      outputs: 8,
      kernel: 3,
      bias: false,
      group: "backbone",
    }),
    ...nn.batchNormParameters("backbone/5.residual/4.batch_norm", 8, "backbone"),
    ...nn.convParameters("backbone/7.residual/0.conv", {
      inputs: 8,
      outputs: 16,
      kernel: 3,
      bias: false,
      group: "backbone",
    }),
    ...nn.batchNormParameters("backbone/7.residual/1.batch_norm", 16, "backbone"),
    ...nn.convParameters("backbone/7.residual/3.conv", {
      inputs: 16,
      outputs: 16,
      kernel: 3,
      bias: false,
      group: "backbone",
    }),
    ...nn.batchNormParameters("backbone/7.residual/4.batch_norm", 16, "backbone"),
    ...nn.convParameters("backbone/7.residual/shortcut.conv", {
      inputs: 8,
      outputs: 16,
      kernel: 1,
      bias: false,
      group: "backbone",
    }),
    ...nn.batchNormParameters("backbone/7.residual/shortcut.batch_norm", 16, "backbone"),
    ...nn.linearParameters("heads/pull/0.linear", { inputs: 384, outputs: 16, bias: true, group: "heads" }),
    ...nn.convParameters("heads/rank/0.conv", {
      inputs: 16,
      outputs: 8,
      kernel: 3,
      bias: false,
      group: "heads",
    }),
    ...nn.batchNormParameters("heads/rank/1.batch_norm", 8, "heads"),
    ...nn.convParameters("heads/rank/3.residual/0.conv", {
      inputs: 8,
      outputs: 8,
      kernel: 3,
      bias: true,
      group: "heads",
    }),
    ...nn.linearParameters("heads/rank/5.linear", { inputs: 48, outputs: 8, bias: true, group: "heads" }),
    ...nn.linearParameters("heads/plain/3.linear", { inputs: 16, outputs: 4, bias: false, group: "heads" }),
    ...nn.batchNormParameters("heads/plain/4.batch_norm", 4, "heads"),
    ...strategies.learnedParameters("combine", 3, { floor: 0.25 / 3 }),
  ];
}

/** What is kept from step to step without being trained. */
function state(_sizes: Sizes): StateSpec[] {
  return [
    ...nn.batchNormState("backbone/1.batch_norm", 8),
    ...nn.batchNormState("backbone/3.residual/1.batch_norm", 8),
    ...nn.batchNormState("backbone/3.residual/4.batch_norm", 8),
    ...nn.batchNormState("backbone/5.residual/1.batch_norm", 8),
    ...nn.batchNormState("backbone/5.residual/4.batch_norm", 8),
    ...nn.batchNormState("backbone/7.residual/1.batch_norm", 16),
    ...nn.batchNormState("backbone/7.residual/4.batch_norm", 16),
    ...nn.batchNormState("backbone/7.residual/shortcut.batch_norm", 16),
    ...nn.batchNormState("heads/rank/1.batch_norm", 8),
    ...nn.batchNormState("heads/plain/4.batch_norm", 4),
    ...strategies.scaleState("combine", 3, "none"),
  ];
}

const program: Program = {
  name: "residual_net",
  spec: { file: "residual.dml", hash: "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" },
  compiler: "dmlc 0.0.0",
  data: data.folder("photos", { image: [16, 24, 3], strict: true }),
  split: data.zeroShot({ train: 0.6, validation: 0 }),
  augment: [data.flip(), data.affine({ rotate: 0.08726646259971647, scale: 0, shift: 0 })],
  image: [16, 24, 3],
  heads: [
    { name: "pull", dim: 16, unit: true, weight: 0.3333333333333333, losses: ["pull"] },
    { name: "rank", dim: 8, unit: true, weight: 0.3333333333333333, losses: ["rank"] },
    { name: "plain", dim: 4, unit: false, weight: 0.3333333333333333, losses: ["plain"] },
  ],
  lossPlaces: {
    pull: { file: "residual.dml", line: 21, text: "pull: contrastive(margin: 0.5)" },
    rank: {
      file: "residual.dml",
      line: 22,
      text: "rank: triplet() with conv(8, kernel: 3, stride: 2) |> batch_norm |> relu |> residual { conv(8) } |> flatten |> linear(8) |> normalize",
    },
    plain: {
      file: "residual.dml",
      line: 23,
      text: "plain: multi_similarity() with global_max_pool |> tanh |> sigmoid |> linear(4) |> batch_norm",
    },
  },
  parameters,
  state,
  embed,
  losses,
  combine,
  train: {
    batch: { classes: 4, samples: 2 },
    optimizer: { kind: "adam", lr: 0.001, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 },
    schedule: { kind: "constant", warmup: 5 },
    steps: 20,
    select: { kind: "last" },
    seed: 0,
  },
  evaluate: { recallAt: [1, 2, 4, 8], mapAtR: true, rPrecision: true, nmi: true, knnAccuracy: 3 },
  compress: { kind: "distances", to: 8 },
};

export default program;

await main(program, import.meta.url);
