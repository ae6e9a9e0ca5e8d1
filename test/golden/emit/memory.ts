/**
 * remembering: compiled by dmlc 0.0.0 from memory.dml (SHA-256 0123456789ab).
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
  type HeadWeights,
  type LossValue,
  type Net,
  type ParameterSpec,
  type Program,
  type Sizes,
  type StateSpec,
} from "dmlc/runtime";

/** conv(4, kernel: 3) |> relu |> global_avg_pool: images [12, 12, 1] to features [4]. */
function backbone(images: tf.Tensor4D, net: Net): tf.Tensor2D {
  const relu1 = tf.tidy(() => {
    const conv1 = nn.conv(images, net, "backbone/0.conv", { stride: 1, bias: true });
    return nn.relu(conv1);
  });
  const globalAvgPool1 = nn.globalAvgPool(relu1);
  return globalAvgPool1;
}

/** Images [B, H, W, C] to features and the embeddings of each head. */
function embed(images: tf.Tensor4D, net: Net): Embedded {
  const features = backbone(images, net);

  // shared: linear(8) |> normalize, [B, 8], read by pull, soft, rank
  const shared = nn.normalize(nn.linear(features, net, "heads/shared/0.linear", { bias: true }));

  // near: linear(4) |> normalize, [B, 4], read by near
  const near = nn.normalize(nn.linear(features, net, "heads/near/0.linear", { bias: true }));

  return { features, heads: { shared, near } };
}

/** Each loss on one batch: its value, and whether the batch held a valid tuple. */
function losses(
  embeddings: Record<string, tf.Tensor2D>,
  labels: tf.Tensor1D,
  net: Net,
  _otherViews: readonly Record<string, tf.Tensor2D>[],
  ids: tf.Tensor1D,
): Record<string, LossValue> {
  // Shared between losses
  const sharedEmbeddings = embeddings["shared"]!;
  const rememberedShared = net.state("memory/20/embeddings/shared");
  const sharedAndMemory = tf.concat([sharedEmbeddings, rememberedShared]);
  const rememberedLabels = net.state("memory/20/labels");
  const labelsAndMemory = tf.concat([labels, tf.cast(rememberedLabels, "int32")]);
  const rememberedIds = net.state("memory/20/ids");
  const positives = ops.sameClassAmong(
    [labels, ids],
    [labelsAndMemory, tf.concat([ids, tf.cast(rememberedIds, "int32")])],
  );
  const negatives = ops.differentClassAmong(labels, labelsAndMemory);

  // pull: contrastive(margin: 0.5) against memory(20) (line 14)
  // Pairs within one class together, pairs of different classes apart (Hadsell, Chopra & LeCun 2006, eq. 4).
  const euclideanDistance = ops.sqrt(ops.squaredDistances(sharedEmbeddings, sharedAndMemory));
  const activeMeanEuclideanDistance = ops.meanActive(euclideanDistance, { over: [0, 1], where: positives });
  const relu = tf.relu(tf.sub(0.5, euclideanDistance));
  const above = tf.greater(ops.stopGradient(euclideanDistance), tf.scalar(0));
  const tuples = tf.logicalAnd(positives, above);
  const product = tf.mul(labels.size, ops.sum(euclideanDistance, { over: [1], where: tuples }));
  const count = ops.count(tf.scalar(true, "bool"), { over: [0, 1], where: tuples });
  const tuples2 = tf.logicalAnd(negatives, tf.greater(ops.stopGradient(relu), tf.scalar(0)));
  const product2 = tf.mul(labels.size, ops.sum(relu, { over: [1], where: tuples2 }));
  const count2 = ops.count(tf.scalar(true, "bool"), { over: [0, 1], where: tuples2 });
  const pull = {
    value: tf.add(
      activeMeanEuclideanDistance,
      ops.meanActive(relu, { over: [0, 1], where: negatives }),
    ) as tf.Scalar,
    valid: tf.scalar(1),
    perSample: tf.add(ops.ratio(product, count), ops.ratio(product2, count2)) as tf.Tensor1D,
  };
  net.update(
    "memory/20/embeddings/shared",
    ops.remember(rememberedShared, ops.stopGradient(sharedEmbeddings)),
  );
  net.update("memory/20/labels", ops.remember(rememberedLabels, labels));
  net.update("memory/20/ids", ops.remember(rememberedIds, ids));

  // soft: multi_similarity() on multi_similarity() against memory(20) (line 15)
  // Multi-similarity: soft hardest positives and negatives of each anchor (Wang, Han, Huang, Dong & Scott 2019, eq. 15), without its mining.
  const cosineSimilarity = tf.matMul(
    ops.normalize(sharedEmbeddings),
    ops.normalize(sharedAndMemory),
    false,
    true,
  );
  const difference = tf.sub(cosineSimilarity, 0.5);
  const maxCosineSimilarityAligned = tf.expandDims(
    ops.max(cosineSimilarity, { over: [1], where: negatives }),
    1,
  );
  const below = tf.less(
    ops.stopGradient(tf.sub(cosineSimilarity, 0.1)),
    ops.stopGradient(maxCosineSimilarityAligned),
  );
  const tuples3 = tf.logicalAnd(below, tf.expandDims(ops.any(negatives, { over: [1] }), 1));
  const minCosineSimilarityAligned = tf.expandDims(
    ops.min(cosineSimilarity, { over: [1], where: positives }),
    1,
  );
  const above2 = tf.greater(
    ops.stopGradient(tf.add(cosineSimilarity, 0.1)),
    ops.stopGradient(minCosineSimilarityAligned),
  );
  const tuples4 = tf.logicalAnd(above2, tf.expandDims(ops.any(positives, { over: [1] }), 1));
  const either = tf.logicalOr(tf.logicalAnd(positives, tuples3), tf.logicalAnd(negatives, tuples4));
  const logSum = ops.log1pSumExp(tf.mul(-2, difference), {
    over: [1],
    where: tf.logicalAnd(positives, either),
  });
  const logSum2 = ops.log1pSumExp(tf.mul(50, difference), {
    over: [1],
    where: tf.logicalAnd(negatives, either),
  });
  const total = tf.add(tf.div(logSum, 2), tf.div(logSum2, 50));
  const soft = {
    value: ops.mean(total, { over: [0] }) as tf.Scalar,
    valid: tf.scalar(1),
    perSample: total as tf.Tensor1D,
  };

  // near: near_and_far() against memory(64) with linear(4) |> normalize (line 16)
  // Pairs of one class near each other, all others apart.
  const nearEmbeddings = embeddings["near"]!;
  const rememberedNear = net.state("memory/64/embeddings/near");
  const squaredDistance = ops.squaredDistances(nearEmbeddings, tf.concat([nearEmbeddings, rememberedNear]));
  const euclideanDistance2 = ops.sqrt(squaredDistance);
  const rememberedLabels2 = net.state("memory/64/labels");
  const labelsAndMemory2 = tf.concat([labels, tf.cast(rememberedLabels2, "int32")]);
  const rememberedIds2 = net.state("memory/64/ids");
  const idsAndMemory = tf.concat([ids, tf.cast(rememberedIds2, "int32")]);
  const positives2 = ops.sameClassAmong([labels, ids], [labelsAndMemory2, idsAndMemory]);
  const meanEuclideanDistance = ops.mean(euclideanDistance2, { over: [0, 1], where: positives2 });
  const relu2 = tf.relu(tf.sub(0.6, euclideanDistance2));
  const tuples5 = tf.logicalAnd(
    tf.greaterEqual(labelsAndMemory2, tf.scalar(0)),
    tf.notEqual(tf.expandDims(ids, 1), idsAndMemory),
  );
  const either2 = tf.logicalOr(tf.scalar(true, "bool"), ops.any(tuples5, { over: [0, 1] }));
  const sumEuclideanDistance = ops.sum(euclideanDistance2, { over: [1], where: positives2 });
  const count3 = ops.count(tf.scalar(true, "bool"), { over: [0, 1], where: positives2 });
  const product3 = tf.mul(labels.size, ops.sum(relu2, { over: [1], where: tuples5 }));
  const count4 = ops.count(tf.scalar(true, "bool"), { over: [0, 1], where: tuples5 });
  const total2 = tf.add(
    ops.ratio(tf.mul(labels.size, sumEuclideanDistance), count3),
    ops.ratio(product3, count4),
  );
  const near = {
    value: tf.add(meanEuclideanDistance, ops.mean(relu2, { over: [0, 1], where: tuples5 })) as tf.Scalar,
    valid: ops.real(either2) as tf.Scalar,
    perSample: ops.select(either2, total2, 0) as tf.Tensor1D,
  };
  net.update("memory/64/embeddings/near", ops.remember(rememberedNear, ops.stopGradient(nearEmbeddings)));
  net.update("memory/64/labels", ops.remember(rememberedLabels2, labels));
  net.update("memory/64/ids", ops.remember(rememberedIds2, ids));

  // rank: triplet(margin: 0.2) (line 17)
  // Each anchor nearer to its positives than to its negatives by a margin (Schroff, Kalenichenko & Philbin 2015, eq. 3).
  const euclideanDistance3 = ops.sqrt(ops.squaredDistancesFromGram(ops.gram(sharedEmbeddings)));
  const difference2 = tf.sub(
    tf.expandDims(ops.withinClass(euclideanDistance3, 3), 2),
    tf.expandDims(euclideanDistance3, 1),
  );
  const relu3 = tf.relu(tf.add(difference2, 0.2));
  const tuples6 = tf.logicalAnd(
    tf.expandDims(ops.otherClassmates(labels, 3), 2),
    tf.expandDims(ops.differentClass(labels), 1),
  );
  const tuples7 = tf.logicalAnd(tuples6, tf.greater(ops.stopGradient(relu3), tf.scalar(0)));
  const product4 = tf.mul(labels.size, ops.sum(relu3, { over: [1, 2], where: tuples7 }));
  const count5 = ops.count(tf.scalar(true, "bool"), { over: [0, 1, 2], where: tuples7 });
  const rank = {
    value: ops.meanActive(relu3, { over: [0, 1, 2], where: tuples6 }) as tf.Scalar,
    valid: tf.scalar(1),
    perSample: ops.ratio(product4, count5) as tf.Tensor1D,
  };

  return { pull, soft, near, rank };
}

/** The losses into the one number that is minimised. */
function combine(losses: Record<string, LossValue>, context: CombineContext): Combined {
  return strategies.gated(
    context,
    "combine",
    [
      strategies.term("pull", losses.pull!),
      strategies.term("soft", losses.soft!),
      strategies.term("near", losses.near!),
      strategies.term("rank", losses.rank!),
    ],
    [["shared"], ["shared"], ["near"], ["shared"]],
    { temperature: 1, balance: 0.01, samples: 3 },
  );
}

/** Squared weights of heads in the embedding, where the combination decides on them. */
function headWeights(features: tf.Tensor2D, net: Net): HeadWeights {
  return {
    ...strategies.gateHeadWeights(features, net, "combine", [["shared"], ["shared"], ["near"], ["shared"]], {
      temperature: 1,
      share: 1,
    }),
  };
}

/** Every trainable parameter, with its group and first value. */
function parameters(_sizes: Sizes): ParameterSpec[] {
  return [
    ...nn.convParameters("backbone/0.conv", {
      inputs: 1,
      outputs: 4,
      kernel: 3,
      bias: true,
      group: "backbone",
    }),
    ...nn.linearParameters("heads/shared/0.linear", { inputs: 4, outputs: 8, bias: true, group: "heads" }),
    ...nn.linearParameters("heads/near/0.linear", { inputs: 4, outputs: 4, bias: true, group: "heads" }),
    ...strategies.gateParameters("combine", 4, 4),
  ];
}

/** What is kept from step to step without being trained. */
function state(_sizes: Sizes): StateSpec[] {
  return [
    { name: "memory/20/embeddings/shared", shape: [20, 8], initial: 0, transient: true },
    { name: "memory/20/labels", shape: [20], initial: -1, transient: true },
    { name: "memory/20/ids", shape: [20], initial: -1, transient: true },
    { name: "memory/64/embeddings/near", shape: [64, 4], initial: 0, transient: true },
    { name: "memory/64/labels", shape: [64], initial: -1, transient: true },
    { name: "memory/64/ids", shape: [64], initial: -1, transient: true },
    ...strategies.scaleState("combine", 4),
  ];
}

const program: Program = {
  name: "remembering",
  spec: { file: "memory.dml", hash: "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" },
  compiler: "dmlc 0.0.0",
  data: data.folder("photos", { image: [12, 12, 1], strict: false }),
  split: data.zeroShot({ train: 0.5, validation: 0 }),
  augment: [data.flip()],
  image: [12, 12, 1],
  heads: [
    { name: "shared", dim: 8, unit: true, weight: 0.5, losses: ["pull", "soft", "rank"] },
    { name: "near", dim: 4, unit: true, weight: 0.5, losses: ["near"] },
  ],
  lossPlaces: {
    pull: { file: "memory.dml", line: 14, text: "pull: contrastive(margin: 0.5) against memory(20)" },
    soft: {
      file: "memory.dml",
      line: 15,
      text: "soft: multi_similarity() on multi_similarity() against memory(20)",
    },
    near: {
      file: "memory.dml",
      line: 16,
      text: "near: near_and_far() against memory(64) with linear(4) |> normalize",
    },
    rank: { file: "memory.dml", line: 17, text: "rank: triplet(margin: 0.2)" },
  },
  parameters,
  state,
  embed,
  losses,
  combine,
  headWeights,
  train: {
    batch: { classes: 4, samples: 3 },
    optimizer: { kind: "adamw", lr: 0.001, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01 },
    schedule: { kind: "constant", warmup: 0 },
    steps: 10,
    select: { kind: "last" },
    seed: 0,
  },
  evaluate: { recallAt: [1, 2, 4, 8], mapAtR: true, rPrecision: true, nmi: true, knnAccuracy: 3 },
};

export default program;

await main(program, import.meta.url);
