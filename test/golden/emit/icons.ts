/**
 * icons: compiled by dmlc 0.0.0 from icons.dml (SHA-256 0123456789ab).
 * Change the spec and compile it again rather than this file. `node` runs it (`--help` lists its options).
 */
import {
  data,
  init,
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

/** conv4(width: 32): images [32, 32, 1] to features [2, 2, 32]. */
function backbone(images: tf.Tensor4D, net: Net): tf.Tensor4D {
  const conv1 = nn.conv(images, net, "backbone/0.conv", { stride: 1, bias: false });
  const batchNorm1 = nn.batchNorm(conv1, net, "backbone/1.batch_norm");
  const relu1 = nn.relu(batchNorm1);
  const maxPool1 = nn.maxPool(relu1, 2);
  const conv2 = nn.conv(maxPool1, net, "backbone/4.conv", { stride: 1, bias: false });
  const batchNorm2 = nn.batchNorm(conv2, net, "backbone/5.batch_norm");
  const relu2 = nn.relu(batchNorm2);
  const maxPool2 = nn.maxPool(relu2, 2);
  const conv3 = nn.conv(maxPool2, net, "backbone/8.conv", { stride: 1, bias: false });
  const batchNorm3 = nn.batchNorm(conv3, net, "backbone/9.batch_norm");
  const relu3 = nn.relu(batchNorm3);
  const maxPool3 = nn.maxPool(relu3, 2);
  const conv4 = nn.conv(maxPool3, net, "backbone/12.conv", { stride: 1, bias: false });
  const batchNorm4 = nn.batchNorm(conv4, net, "backbone/13.batch_norm");
  const relu4 = nn.relu(batchNorm4);
  const maxPool4 = nn.maxPool(relu4, 2);
  return maxPool4;
}

/** Images [B, H, W, C] to features and the embeddings of each head. */
function embed(images: tf.Tensor4D, net: Net): Embedded {
  const features = backbone(images, net);

  // pull: linear(64) |> normalize, [B, 64], read by pull
  const pull = nn.normalize(nn.linear(features, net, "heads/pull/0.linear", { bias: true }));

  // rank: linear(64) |> normalize, [B, 64], read by rank
  const rank = nn.normalize(nn.linear(features, net, "heads/rank/0.linear", { bias: true }));

  // soft: linear(64) |> normalize, [B, 64], read by soft
  const soft = nn.normalize(nn.linear(features, net, "heads/soft/0.linear", { bias: true }));

  // arc: linear(64) |> normalize, [B, 64], read by arc
  const arc = nn.normalize(nn.linear(features, net, "heads/arc/0.linear", { bias: true }));

  return { features: tf.reshape(features, [features.shape[0], -1]), heads: { pull, rank, soft, arc } };
}

/** Each loss on one batch: its value, and whether the batch held a valid tuple. */
function losses(
  embeddings: Record<string, tf.Tensor2D>,
  labels: tf.Tensor1D,
  net: Net,
): Record<string, LossValue> {
  // Shared between losses
  const positives = ops.sameClass(labels);
  const negatives = ops.differentClass(labels);

  // pull: contrastive(margin: 0.5) (line 13)
  // Pairs within one class together, pairs of different classes apart (Hadsell, Chopra & LeCun 2006, eq. 4).
  const pull = embeddings["pull"]!;
  const euclideanDistance = ops.sqrt(ops.squaredDistances(pull, pull));
  const activeMean = ops.meanActive(tf.relu(euclideanDistance), { over: [0, 1], where: positives });
  const activeMean2 = ops.meanActive(tf.relu(tf.sub(0.5, euclideanDistance)), {
    over: [0, 1],
    where: negatives,
  });
  const pull2 = {
    value: tf.add(activeMean, activeMean2) as tf.Scalar,
    valid: ops.real(
      tf.logicalOr(ops.any(positives, { over: [0, 1] }), ops.any(negatives, { over: [0, 1] })),
    ) as tf.Scalar,
  };

  // rank: triplet(margin: 0.2) (line 14)
  // Each anchor nearer to its positives than to its negatives by a margin (Schroff, Kalenichenko & Philbin 2015, eq. 3).
  const rank = embeddings["rank"]!;
  const euclideanDistance2 = ops.sqrt(ops.squaredDistances(rank, rank));
  const difference = tf.sub(tf.expandDims(euclideanDistance2, 2), tf.expandDims(euclideanDistance2, 1));
  const triplets = tf.logicalAnd(tf.expandDims(positives, 2), tf.expandDims(negatives, 1));
  const rank2 = {
    value: ops.meanActive(tf.relu(tf.add(difference, 0.2)), {
      over: [0, 1, 2],
      where: triplets,
    }) as tf.Scalar,
    valid: ops.real(ops.any(triplets, { over: [0, 1, 2] })) as tf.Scalar,
  };

  // soft: multi_similarity() (line 15)
  // Multi-similarity: soft hardest positives and negatives of each anchor (Wang, Han, Huang, Dong & Scott 2019, eq. 15), without its mining.
  const unitSoft = ops.normalize(embeddings["soft"]!);
  const difference2 = tf.sub(tf.matMul(unitSoft, unitSoft, false, true), 0.5);
  const logSum = ops.log1pSumExp(tf.mul(-2, difference2), { over: [1], where: positives });
  const logSum2 = ops.log1pSumExp(tf.mul(50, difference2), { over: [1], where: negatives });
  const soft = {
    value: ops.mean(tf.add(tf.div(logSum, 2), tf.div(logSum2, 50)), { over: [0] }) as tf.Scalar,
    valid: tf.scalar(1),
  };

  // arc: arcface(margin: 11deg, scale: 24) (line 16)
  // ArcFace: an angular margin added at the true class (Deng, Guo, Xue & Zafeiriou 2019, eq. 3), with the usual monotone continuation beyond 180deg - margin.
  const atTarget = tf.equal(ops.indices(0, net.sizes.classes), tf.expandDims(labels, 1));
  const cosineSimilarity = tf.matMul(
    ops.normalize(embeddings["arc"]!),
    ops.normalize(net.param("losses/arc/w")),
    false,
    true,
  );
  const atMost = tf.lessEqual(ops.stopGradient(ops.acos(cosineSimilarity)), tf.scalar(2.949606435870417));
  const difference3 = tf.sub(
    tf.mul(cosineSimilarity, 0.981627183447664),
    tf.mul(ops.sineOfAcos(cosineSimilarity), 0.1908089953765448),
  );
  const pushed = ops.select(atMost, difference3, tf.sub(cosineSimilarity, 0.03663269732917678));
  const crossEntropy = ops.crossEntropy(tf.mul(24, ops.select(atTarget, pushed, cosineSimilarity)), atTarget);
  const arc = { value: ops.mean(crossEntropy, { over: [0] }) as tf.Scalar, valid: tf.scalar(1) };

  return { pull: pull2, rank: rank2, soft, arc };
}

/** The losses into the one number that is minimised. */
function combine(losses: Record<string, LossValue>, context: CombineContext): Combined {
  return strategies.learned(
    context.net,
    "combine",
    [
      strategies.term("pull", losses.pull!),
      strategies.term("rank", losses.rank!),
      strategies.term("soft", losses.soft!),
      strategies.term("arc", losses.arc!),
    ],
    { floor: 0.25 / 4, scale: "running_mean" },
  );
}

/** Every trainable parameter, with its group and first value. */
function parameters(sizes: Sizes): ParameterSpec[] {
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
    ...nn.convParameters("backbone/12.conv", {
      inputs: 32,
      outputs: 32,
      kernel: 3,
      bias: false,
      group: "backbone",
    }),
    ...nn.batchNormParameters("backbone/13.batch_norm", 32, "backbone"),
    ...nn.linearParameters("heads/pull/0.linear", { inputs: 128, outputs: 64, bias: true, group: "heads" }),
    ...nn.linearParameters("heads/rank/0.linear", { inputs: 128, outputs: 64, bias: true, group: "heads" }),
    ...nn.linearParameters("heads/soft/0.linear", { inputs: 128, outputs: 64, bias: true, group: "heads" }),
    ...nn.linearParameters("heads/arc/0.linear", { inputs: 128, outputs: 64, bias: true, group: "heads" }),
    {
      name: "losses/arc/w",
      shape: [sizes.classes, 64],
      init: init.xavierUniform(),
      group: "params",
      lr: 0.01,
      decay: false,
      trainable: true,
    },
    ...strategies.learnedParameters("combine", 4, { floor: 0.25 / 4 }),
  ];
}

/** What is kept from step to step without being trained. */
function state(_sizes: Sizes): StateSpec[] {
  return [
    ...nn.batchNormState("backbone/1.batch_norm", 32),
    ...nn.batchNormState("backbone/5.batch_norm", 32),
    ...nn.batchNormState("backbone/9.batch_norm", 32),
    ...nn.batchNormState("backbone/13.batch_norm", 32),
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
    { name: "rank", dim: 64, unit: true, weight: 0.25, losses: ["rank"] },
    { name: "soft", dim: 64, unit: true, weight: 0.25, losses: ["soft"] },
    { name: "arc", dim: 64, unit: true, weight: 0.25, losses: ["arc"] },
  ],
  lossPlaces: {
    pull: { file: "icons.dml", line: 13, text: "pull: contrastive(margin: 0.5)" },
    rank: { file: "icons.dml", line: 14, text: "rank: triplet(margin: 0.2)" },
    soft: { file: "icons.dml", line: 15, text: "soft: multi_similarity()" },
    arc: { file: "icons.dml", line: 16, text: "arc: arcface(margin: 11deg, scale: 24)" },
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
    steps: 600,
    select: { kind: "best", metric: "map_at_r", every: 150, patience: 10 },
    seed: 7,
  },
  evaluate: { recallAt: [1, 2, 4, 8], mapAtR: true, rPrecision: true, nmi: true, knnAccuracy: 3 },
  compress: { kind: "distances", to: 64 },
};

export default program;

await main(program, import.meta.url);
