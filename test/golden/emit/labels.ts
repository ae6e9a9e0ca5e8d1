/**
 * levels: compiled by dmlc 0.0.0 from labels.dml (SHA-256 0123456789ab).
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

/** conv(4, kernel: 3) |> relu |> max_pool(2): images [12, 12, 1] to features [6, 6, 4]. */
function backbone(images: tf.Tensor4D, net: Net): tf.Tensor4D {
  const relu1 = tf.tidy(() => {
    const conv1 = nn.conv(images, net, "backbone/0.conv", { stride: 1, bias: true });
    return nn.relu(conv1);
  });
  const maxPool1 = nn.maxPool(relu1, 2);
  return maxPool1;
}

/** Images [B, H, W, C] to features and the embeddings of each head. */
function embed(images: tf.Tensor4D, net: Net): Embedded {
  const features = backbone(images, net);

  // levels: linear(8) |> normalize, [B, 8], read by levels
  const levels = nn.normalize(nn.linear(features, net, "heads/levels/0.linear", { bias: true }));

  // kind: linear(8) |> normalize, [B, 8], read by kind
  const kind = nn.normalize(nn.linear(features, net, "heads/kind/0.linear", { bias: true }));

  // near: linear(8) |> normalize, [B, 8], read by near
  const near = nn.normalize(nn.linear(features, net, "heads/near/0.linear", { bias: true }));

  // article: linear(8) |> normalize, [B, 8], read by article
  const article = nn.normalize(nn.linear(features, net, "heads/article/0.linear", { bias: true }));

  return { features: tf.reshape(features, [features.shape[0], -1]), heads: { levels, kind, near, article } };
}

/** Each loss on one batch: its value, and whether the batch held a valid tuple. */
function losses(
  embeddings: Record<string, tf.Tensor2D>,
  labels: tf.Tensor1D,
  net: Net,
  _otherViews: readonly Record<string, tf.Tensor2D>[],
  ids: tf.Tensor1D,
  otherLabels: Readonly<Record<string, tf.Tensor1D>>,
): Record<string, LossValue> {
  // Shared between losses
  const positives = ops.otherClassmates(labels, 3);
  const negatives = ops.differentClass(labels);

  // levels: two_levels(outer: department) (line 19)
  // Near those of one article; further from another department than from the same.
  const departmentNegativesAligned = tf.expandDims(ops.differentClass(otherLabels["department"]!), 1);
  const triplets = tf.logicalAnd(
    tf.expandDims(ops.sameClass(otherLabels["department"]!), 2),
    departmentNegativesAligned,
  );
  const either = tf.logicalOr(tf.scalar(true, "bool"), ops.any(triplets, { over: [0, 1, 2] }));
  const levelsEmbeddings = embeddings["levels"]!;
  const euclideanDistance = ops.sqrt(ops.squaredDistancesFromGram(ops.gram(levelsEmbeddings)));
  const difference = tf.sub(
    tf.expandDims(ops.withinClass(euclideanDistance, 3), 2),
    tf.expandDims(euclideanDistance, 1),
  );
  const relu = tf.relu(tf.add(difference, 0.2));
  const tuples = tf.logicalAnd(tf.expandDims(positives, 2), tf.expandDims(negatives, 1));
  const tuples2 = tf.logicalAnd(tuples, tf.greater(ops.stopGradient(relu), tf.scalar(0)));
  const product = tf.mul(labels.size, ops.sum(relu, { over: [1, 2], where: tuples2 }));
  const count = ops.count(tf.scalar(true, "bool"), { over: [0, 1, 2], where: tuples2 });
  const difference2 = tf.sub(tf.expandDims(euclideanDistance, 2), tf.expandDims(euclideanDistance, 1));
  const relu2 = tf.relu(tf.add(difference2, 0.2));
  const triplets2 = tf.logicalAnd(triplets, tf.greater(ops.stopGradient(relu2), tf.scalar(0)));
  const product2 = tf.mul(labels.size, ops.sum(relu2, { over: [1, 2], where: triplets2 }));
  const count2 = ops.count(tf.scalar(true, "bool"), { over: [0, 1, 2], where: triplets2 });
  const total = tf.add(ops.ratio(product, count), ops.ratio(product2, count2));
  const product3 = tf.mul(
    tf.gather(net.state("class_weights/inverse_sqrt"), labels),
    ops.select(either, total, 0),
  );
  const levels = {
    value: ops.mean(product3, { over: [0] }) as tf.Scalar,
    valid: ops.real(either) as tf.Scalar,
  };

  // kind: arcface(margin: 11deg, scale: 16) by kind (line 20)
  // ArcFace: an angular margin added at the true class (Deng, Guo, Xue & Zafeiriou 2019, eq. 3), with the usual monotone continuation beyond 180deg - margin.
  const balancedKindAtKindLabels = tf.gather(net.state("class_weights/balanced/kind"), otherLabels["kind"]!);
  const atTarget = tf.equal(
    ops.indices(0, net.sizes.labels!["kind"]!),
    tf.expandDims(otherLabels["kind"]!, 1),
  );
  const unitKind = ops.normalize(embeddings["kind"]!);
  const kindW = net.param("losses/kind/w");
  const product4 = tf.mul(unitKind, ops.normalize(tf.gather(kindW, otherLabels["kind"]!)));
  const cosineSimilarityAtLabel = ops.sum(product4, { over: [1] });
  const atMost = tf.lessEqual(
    ops.stopGradient(ops.acos(cosineSimilarityAtLabel)),
    tf.scalar(2.949606435870417),
  );
  const product5 = tf.mul(ops.sineOfAcos(cosineSimilarityAtLabel), 0.1908089953765448);
  const difference3 = tf.sub(tf.mul(cosineSimilarityAtLabel, 0.981627183447664), product5);
  const pushedAtLabel = ops.select(atMost, difference3, tf.sub(cosineSimilarityAtLabel, 0.03663269732917678));
  const chosen = ops.select(
    atTarget,
    tf.expandDims(pushedAtLabel, 1),
    tf.matMul(unitKind, ops.normalize(kindW), false, true),
  );
  const product6 = tf.mul(balancedKindAtKindLabels, ops.crossEntropy(tf.mul(16, chosen), atTarget));
  const kind = { value: ops.mean(product6, { over: [0] }) as tf.Scalar, valid: tf.scalar(1) };

  // near: contrastive(margin: 0.5) by department against memory(20) (line 21)
  // Pairs within one class together, pairs of different classes apart (Hadsell, Chopra & LeCun 2006, eq. 4).
  const nearEmbeddings = embeddings["near"]!;
  const rememberedNear = net.state("memory/20/embeddings/near");
  const squaredDistance = ops.squaredDistances(nearEmbeddings, tf.concat([nearEmbeddings, rememberedNear]));
  const euclideanDistance2 = ops.sqrt(squaredDistance);
  const rememberedDepartmentLabels = net.state("memory/20/labels/department");
  const departmentLabelsAndMemory = tf.concat([
    otherLabels["department"]!,
    tf.cast(rememberedDepartmentLabels, "int32"),
  ]);
  const rememberedIds = net.state("memory/20/ids");
  const departmentPositives = ops.sameClassAmong(
    [otherLabels["department"]!, ids],
    [departmentLabelsAndMemory, tf.concat([ids, tf.cast(rememberedIds, "int32")])],
  );
  const activeMeanEuclideanDistance = ops.meanActive(euclideanDistance2, {
    over: [0, 1],
    where: departmentPositives,
  });
  const departmentNegatives = ops.differentClassAmong(otherLabels["department"]!, departmentLabelsAndMemory);
  const activeMean = ops.meanActive(tf.relu(tf.sub(0.5, euclideanDistance2)), {
    over: [0, 1],
    where: departmentNegatives,
  });
  const near = {
    value: tf.add(activeMeanEuclideanDistance, activeMean) as tf.Scalar,
    valid: ops.real(
      tf.logicalOr(
        ops.any(departmentPositives, { over: [0, 1] }),
        ops.any(departmentNegatives, { over: [0, 1] }),
      ),
    ) as tf.Scalar,
  };
  net.update("memory/20/embeddings/near", ops.remember(rememberedNear, ops.stopGradient(nearEmbeddings)));
  net.update("memory/20/labels", ops.remember(net.state("memory/20/labels"), labels));
  net.update("memory/20/ids", ops.remember(rememberedIds, ids));
  net.update(
    "memory/20/labels/department",
    ops.remember(rememberedDepartmentLabels, otherLabels["department"]!),
  );

  // article: multi_similarity() by article (line 22)
  // Multi-similarity: soft hardest positives and negatives of each anchor (Wang, Han, Huang, Dong & Scott 2019, eq. 15), without its mining.
  const unitArticle = ops.normalize(embeddings["article"]!);
  const cosineSimilarity = ops.gram(unitArticle);
  const product7 = tf.mul(-2, tf.sub(ops.withinClass(cosineSimilarity, 3), 0.5));
  const quotient = tf.div(ops.log1pSumExp(product7, { over: [1], where: positives }), 2);
  const logSum = ops.log1pSumExp(tf.mul(50, tf.sub(cosineSimilarity, 0.5)), { over: [1], where: negatives });
  const product8 = tf.mul(
    tf.gather(net.state("class_weights/balanced"), labels),
    tf.add(quotient, tf.div(logSum, 50)),
  );
  const article = { value: ops.mean(product8, { over: [0] }) as tf.Scalar, valid: tf.scalar(1) };

  return { levels, kind, near, article };
}

/** The losses into the one number that is minimised. */
function combine(losses: Record<string, LossValue>, context: CombineContext): Combined {
  return strategies.equal(
    context.net,
    "combine",
    [
      strategies.term("levels", losses.levels!),
      strategies.term("kind", losses.kind!),
      strategies.term("near", losses.near!),
      strategies.term("article", losses.article!),
    ],
    { scale: "running_mean" },
  );
}

/** Every trainable parameter, with its group and first value. */
function parameters(sizes: Sizes): ParameterSpec[] {
  return [
    ...nn.convParameters("backbone/0.conv", {
      inputs: 1,
      outputs: 4,
      kernel: 3,
      bias: true,
      group: "backbone",
    }),
    ...nn.linearParameters("heads/levels/0.linear", { inputs: 144, outputs: 8, bias: true, group: "heads" }),
    ...nn.linearParameters("heads/kind/0.linear", { inputs: 144, outputs: 8, bias: true, group: "heads" }),
    ...nn.linearParameters("heads/near/0.linear", { inputs: 144, outputs: 8, bias: true, group: "heads" }),
    ...nn.linearParameters("heads/article/0.linear", { inputs: 144, outputs: 8, bias: true, group: "heads" }),
    {
      name: "losses/kind/w",
      shape: [sizes.labels!["kind"]!, 8],
      init: init.xavierUniform(),
      group: "params",
      lr: 0.01,
      decay: false,
      trainable: true,
    },
  ];
}

/** What is kept from step to step without being trained. */
function state(sizes: Sizes): StateSpec[] {
  return [
    { name: "memory/20/embeddings/near", shape: [20, 8], initial: 0, transient: true },
    { name: "memory/20/labels", shape: [20], initial: -1, transient: true },
    { name: "memory/20/ids", shape: [20], initial: -1, transient: true },
    { name: "memory/20/labels/department", shape: [20], initial: -1, transient: true },
    {
      name: "class_weights/inverse_sqrt",
      shape: [sizes.classes],
      initial: init.classWeights("inverse_sqrt", sizes.counts!),
      transient: true,
    },
    {
      name: "class_weights/balanced/kind",
      shape: [sizes.labels!["kind"]!],
      initial: init.classWeights("balanced", sizes.labelCounts!["kind"]!),
      transient: true,
    },
    {
      name: "class_weights/balanced",
      shape: [sizes.classes],
      initial: init.classWeights("balanced", sizes.counts!),
      transient: true,
    },
    ...strategies.scaleState("combine", 4, "running_mean"),
  ];
}

const program: Program = {
  name: "levels",
  spec: { file: "labels.dml", hash: "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" },
  compiler: "dmlc 0.0.0",
  data: data.folder("shop", { image: [12, 12, 1], strict: false, labels: ["department", "kind", "article"] }),
  split: data.zeroShot({ train: 0.5, validation: 0 }),
  augment: [],
  image: [12, 12, 1],
  labels: ["department", "kind"],
  heads: [
    { name: "levels", dim: 8, unit: true, weight: 0.25, losses: ["levels"] },
    { name: "kind", dim: 8, unit: true, weight: 0.25, losses: ["kind"] },
    { name: "near", dim: 8, unit: true, weight: 0.25, losses: ["near"] },
    { name: "article", dim: 8, unit: true, weight: 0.25, losses: ["article"] },
  ],
  lossPlaces: {
    levels: { file: "labels.dml", line: 19, text: "levels: two_levels(outer: department)" },
    kind: { file: "labels.dml", line: 20, text: "kind: arcface(margin: 11deg, scale: 16) by kind" },
    near: {
      file: "labels.dml",
      line: 21,
      text: "near: contrastive(margin: 0.5) by department against memory(20)",
    },
    article: { file: "labels.dml", line: 22, text: "article: multi_similarity() by article" },
  },
  parameters,
  state,
  embed,
  losses,
  combine,
  train: {
    batch: { classes: 4, samples: 3 },
    optimizer: { kind: "adamw", lr: 0.003, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01 },
    schedule: { kind: "constant", warmup: 0 },
    steps: 6,
    select: { kind: "last" },
    seed: 0,
  },
  evaluate: { recallAt: [1], mapAtR: false, rPrecision: false, nmi: false },
};

export default program;

await main(program, import.meta.url);
