/**
 * drawing: compiled by dmlc 0.0.0 from drawing.dml (SHA-256 0123456789ab).
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
  type NoiseSpec,
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

  // rank: linear(8) |> normalize, [B, 8], read by rank
  const rank = nn.normalize(nn.linear(features, net, "heads/rank/0.linear", { bias: true }));

  // pull: linear(8) |> normalize, [B, 8], read by pull
  const pull = nn.normalize(nn.linear(features, net, "heads/pull/0.linear", { bias: true }));

  // far: linear(8) |> normalize, [B, 8], read by far
  const far = nn.normalize(nn.linear(features, net, "heads/far/0.linear", { bias: true }));

  // dice: linear(8) |> normalize, [B, 8], read by dice
  const dice = nn.normalize(nn.linear(features, net, "heads/dice/0.linear", { bias: true }));

  // soft: linear(8) |> normalize, [B, 8], read by soft
  const soft = nn.normalize(nn.linear(features, net, "heads/soft/0.linear", { bias: true }));

  // center: linear(8) |> normalize, [B, 8], read by center
  const center = nn.normalize(nn.linear(features, net, "heads/center/0.linear", { bias: true }));

  return { features, heads: { rank, pull, far, dice, soft, center } };
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
  const positives = ops.otherClassmates(labels, 3);
  const negatives = ops.differentClass(labels);
  const tuples = tf.logicalAnd(tf.expandDims(positives, 2), tf.expandDims(negatives, 1));

  // rank: triplet(margin: 0.4) on distance_weighted() (line 13)
  // Each anchor nearer to its positives than to its negatives by a margin (Schroff, Kalenichenko & Philbin 2015, eq. 3).
  const rankEmbeddings = embeddings["rank"]!;
  const euclideanDistance = ops.sqrt(ops.squaredDistancesFromGram(ops.gram(rankEmbeddings)));
  const difference = tf.sub(
    tf.expandDims(ops.withinClass(euclideanDistance, 3), 2),
    tf.expandDims(euclideanDistance, 1),
  );
  const samples = ops.indices(0, labels.size);
  const d = ops.maximum(0.5, euclideanDistance);
  const pairs = tf.logicalAnd(negatives, tf.less(ops.stopGradient(d), tf.scalar(1.4)));
  const product = ops.multiply(2.5, ops.log(tf.sub(1, tf.div(tf.square(d), 4))));
  const logWeight = tf.sub(ops.multiply(-6, ops.log(d)), product);
  const largestAligned = tf.expandDims(ops.max(logWeight, { over: [1], where: pairs }), 1);
  const chosen = ops.select(
    tf.expandDims(ops.any(pairs, { over: [1] }), 1),
    ops.exp(tf.sub(logWeight, largestAligned)),
    0,
  );
  const pairs2 = tf.logicalAnd(pairs, tf.greater(ops.stopGradient(chosen), tf.scalar(0)));
  const pairs3 = tf.logicalAnd(pairs2, tf.greaterEqual(samples, tf.scalar(0)));
  const cumulativeSum = tf.cumsum(ops.select(pairs3, ops.stopGradient(chosen), 0), 1);
  const product2 = tf.mul(
    net.noise("losses/rank/miner/sample"),
    tf.expandDims(ops.max(cumulativeSum, { over: [1] }), 1),
  );
  const above = tf.greater(tf.expandDims(cumulativeSum, 1), tf.expandDims(ops.withinClass(product2, 3), 2));
  const tuples2 = tf.logicalAnd(tf.expandDims(pairs3, 1), above);
  const bestAligned = tf.expandDims(ops.argMin(ops.real(samples), { over: [2], where: tuples2 }), 2);
  const tuples3 = tf.logicalAnd(
    tf.equal(samples, bestAligned),
    tf.expandDims(ops.any(tuples2, { over: [2] }), 2),
  );
  const tuples4 = tf.logicalAnd(tuples, tuples3);
  const rank = {
    value: ops.meanActive(tf.relu(tf.add(difference, 0.4)), { over: [0, 1, 2], where: tuples4 }) as tf.Scalar,
    valid: ops.real(ops.any(tuples4, { over: [0, 1, 2] })) as tf.Scalar,
  };

  // pull: contrastive(margin: 0.5) on uniform_histogram(bins: 3, positives: 2, negatives: 2) (line 14)
  // Pairs within one class together, pairs of different classes apart (Hadsell, Chopra & LeCun 2006, eq. 4).
  const pullEmbeddings = embeddings["pull"]!;
  const squaredDistance = ops.squaredDistancesFromGram(ops.gram(pullEmbeddings));
  const euclideanDistance2 = ops.sqrt(squaredDistance);
  const positives2 = ops.sameClass(labels);
  const range = ops.indices(0, 2);
  const number = ops.real(range);
  const euclideanDistance3 = ops.sqrt(ops.withinClass(squaredDistance, 3));
  const minEuclideanDistance = ops.min(euclideanDistance3, { over: [0, 1], where: positives });
  const number2 = ops.real(ops.indices(0, 3));
  const maxEuclideanDistance = ops.max(euclideanDistance3, { over: [0, 1], where: positives });
  const difference2 = tf.sub(maxEuclideanDistance, minEuclideanDistance);
  const total = tf.add(minEuclideanDistance, tf.div(tf.mul(number2, difference2), 3));
  const atLeast = tf.greaterEqual(
    ops.stopGradient(euclideanDistance3),
    ops.stopGradient(tf.expandDims(tf.expandDims(total, 1), 2)),
  );
  const total2 = tf.add(number2, 1);
  const total3 = tf.add(minEuclideanDistance, tf.div(tf.mul(total2, difference2), 3));
  const below = tf.less(
    ops.stopGradient(euclideanDistance3),
    ops.stopGradient(tf.expandDims(tf.expandDims(total3, 1), 2)),
  );
  const equal = tf.equal(number2, tf.scalar(2));
  const equalAligned = tf.expandDims(tf.expandDims(equal, 1), 2);
  const countWithin = ops.count(tf.logicalAnd(atLeast, tf.logicalOr(below, equalAligned)), {
    over: [1, 2],
    where: positives,
  });
  const atLeast2 = tf.greaterEqual(
    ops.stopGradient(tf.expandDims(euclideanDistance2, 2)),
    ops.stopGradient(total),
  );
  const below2 = tf.less(ops.stopGradient(tf.expandDims(euclideanDistance2, 2)), ops.stopGradient(total3));
  const takenPositive = ops.sum(tf.sub(1, tf.square(tf.sub(1, ops.ratio(1, countWithin)))), {
    over: [2],
    where: tf.logicalAnd(atLeast2, tf.logicalOr(below2, equal)),
  });
  const minEuclideanDistance2 = ops.min(euclideanDistance2, { over: [0, 1], where: negatives });
  const maxEuclideanDistance2 = ops.max(euclideanDistance2, { over: [0, 1], where: negatives });
  const difference3 = tf.sub(maxEuclideanDistance2, minEuclideanDistance2);
  const total4 = tf.add(minEuclideanDistance2, tf.div(tf.mul(number2, difference3), 3));
  const atLeast3 = tf.greaterEqual(
    ops.stopGradient(euclideanDistance2),
    ops.stopGradient(tf.expandDims(tf.expandDims(total4, 1), 2)),
  );
  const total5 = tf.add(minEuclideanDistance2, tf.div(tf.mul(total2, difference3), 3));
  const below3 = tf.less(
    ops.stopGradient(euclideanDistance2),
    ops.stopGradient(tf.expandDims(tf.expandDims(total5, 1), 2)),
  );
  const countWithin2 = ops.count(tf.logicalAnd(atLeast3, tf.logicalOr(below3, equalAligned)), {
    over: [1, 2],
    where: negatives,
  });
  const atLeast4 = tf.greaterEqual(
    ops.stopGradient(tf.expandDims(euclideanDistance2, 2)),
    ops.stopGradient(total4),
  );
  const below4 = tf.less(ops.stopGradient(tf.expandDims(euclideanDistance2, 2)), ops.stopGradient(total5));
  const takenNegative = ops.sum(tf.sub(1, tf.square(tf.sub(1, ops.ratio(1, countWithin2)))), {
    over: [2],
    where: tf.logicalAnd(atLeast4, tf.logicalOr(below4, equal)),
  });
  const taken = ops.select(positives2, takenPositive, takenNegative);
  const chosen2 = ops.select(
    tf.equal(number, tf.scalar(1)),
    tf.expandDims(taken, 2),
    tf.expandDims(tf.sub(1, taken), 2),
  );
  const tuples5 = tf.logicalAnd(tf.greater(chosen2, tf.scalar(0)), tf.greaterEqual(range, tf.scalar(0)));
  const cumulativeSum2 = tf.cumsum(ops.select(tuples5, chosen2, 0), 2);
  const product3 = tf.mul(net.noise("losses/pull/miner/sample"), ops.max(cumulativeSum2, { over: [2] }));
  const tuples6 = tf.logicalAnd(tuples5, tf.greater(cumulativeSum2, tf.expandDims(product3, 2)));
  const equal2 = tf.equal(ops.real(ops.argMin(number, { over: [2], where: tuples6 })), tf.scalar(1));
  const pairs4 = tf.logicalAnd(equal2, ops.any(tuples6, { over: [2] }));
  const pairs5 = tf.logicalAnd(positives2, pairs4);
  const activeMeanEuclideanDistance = ops.meanActive(euclideanDistance2, { over: [0, 1], where: pairs5 });
  const pairs6 = tf.logicalAnd(negatives, pairs4);
  const activeMean = ops.meanActive(tf.relu(tf.sub(0.5, euclideanDistance2)), {
    over: [0, 1],
    where: pairs6,
  });
  const pull = {
    value: tf.add(activeMeanEuclideanDistance, activeMean) as tf.Scalar,
    valid: ops.real(
      tf.logicalOr(ops.any(pairs5, { over: [0, 1] }), ops.any(pairs6, { over: [0, 1] })),
    ) as tf.Scalar,
  };

  // far: triplet(margin: 0.4) on distance_weighted() against memory(16) (line 15)
  // Each anchor nearer to its positives than to its negatives by a margin (Schroff, Kalenichenko & Philbin 2015, eq. 3).
  const farEmbeddings = embeddings["far"]!;
  const rememberedFar = net.state("memory/16/embeddings/far");
  const squaredDistance2 = ops.squaredDistances(farEmbeddings, tf.concat([farEmbeddings, rememberedFar]));
  const euclideanDistance4 = ops.sqrt(squaredDistance2);
  const difference4 = tf.sub(tf.expandDims(euclideanDistance4, 2), tf.expandDims(euclideanDistance4, 1));
  const rememberedLabels = net.state("memory/16/labels");
  const labelsAndMemory = tf.concat([labels, tf.cast(rememberedLabels, "int32")]);
  const rememberedIds = net.state("memory/16/ids");
  const positives3 = ops.sameClassAmong(
    [labels, ids],
    [labelsAndMemory, tf.concat([ids, tf.cast(rememberedIds, "int32")])],
  );
  const negatives2 = ops.differentClassAmong(labels, labelsAndMemory);
  const tuples7 = tf.logicalAnd(tf.expandDims(positives3, 2), tf.expandDims(negatives2, 1));
  const samples2 = ops.indices(0, labels.size + 16);
  const d2 = ops.maximum(0.5, euclideanDistance4);
  const tuples8 = tf.logicalAnd(negatives2, tf.less(ops.stopGradient(d2), tf.scalar(1.4)));
  const product4 = ops.multiply(2.5, ops.log(tf.sub(1, tf.div(tf.square(d2), 4))));
  const logWeight2 = tf.sub(ops.multiply(-6, ops.log(d2)), product4);
  const largestAligned2 = tf.expandDims(ops.max(logWeight2, { over: [1], where: tuples8 }), 1);
  const chosen3 = ops.select(
    tf.expandDims(ops.any(tuples8, { over: [1] }), 1),
    ops.exp(tf.sub(logWeight2, largestAligned2)),
    0,
  );
  const tuples9 = tf.logicalAnd(tuples8, tf.greater(ops.stopGradient(chosen3), tf.scalar(0)));
  const tuples10 = tf.logicalAnd(tuples9, tf.greaterEqual(samples2, tf.scalar(0)));
  const cumulativeSum3 = tf.cumsum(ops.select(tuples10, ops.stopGradient(chosen3), 0), 1);
  const product5 = tf.mul(
    net.noise("losses/far/miner/sample"),
    tf.expandDims(ops.max(cumulativeSum3, { over: [1] }), 1),
  );
  const above2 = tf.greater(tf.expandDims(cumulativeSum3, 1), tf.expandDims(product5, 2));
  const tuples11 = tf.logicalAnd(tf.expandDims(tuples10, 1), above2);
  const best = ops.argMin(ops.real(samples2), { over: [2], where: tuples11 });
  const tuples12 = tf.logicalAnd(
    tf.equal(samples2, tf.expandDims(best, 2)),
    tf.expandDims(ops.any(tuples11, { over: [2] }), 2),
  );
  const tuples13 = tf.logicalAnd(tuples7, tuples12);
  const far = {
    value: ops.meanActive(tf.relu(tf.add(difference4, 0.4)), {
      over: [0, 1, 2],
      where: tuples13,
    }) as tf.Scalar,
    valid: ops.real(ops.any(tuples13, { over: [0, 1, 2] })) as tf.Scalar,
  };
  net.update("memory/16/embeddings/far", ops.remember(rememberedFar, ops.stopGradient(farEmbeddings)));
  net.update("memory/16/labels", ops.remember(rememberedLabels, labels));
  net.update("memory/16/ids", ops.remember(rememberedIds, ids));

  // dice: dice() (line 16)
  // A die for each sample, weighed by how long its embedding is.
  const range2 = ops.indices(0, 6);
  const atLeast5 = tf.greaterEqual(range2, tf.scalar(0));
  const cumulativeSum4 = tf.cumsum(ops.select(atLeast5, 1, 0), 0);
  const product6 = tf.mul(net.noise("losses/dice/sample"), ops.max(cumulativeSum4, { over: [0] }));
  const tuples14 = tf.logicalAnd(atLeast5, tf.greater(cumulativeSum4, tf.expandDims(product6, 1)));
  const number3 = ops.real(ops.argMin(ops.real(range2), { over: [1], where: tuples14 }));
  const some = ops.any(tuples14, { over: [1] });
  const dice = {
    value: ops.mean(tf.mul(ops.norm(embeddings["dice"]!), tf.add(1, number3)), {
      over: [0],
      where: some,
    }) as tf.Scalar,
    valid: ops.real(ops.any(some, { over: [0] })) as tf.Scalar,
  };

  // soft: dynamic_soft_margin(momentum: 0.2) (line 17)
  // Dynamic soft margin: every triplet weighed by the share of triplets that violate less, so that no margin is to be chosen (Zhang & Rusinkiewicz 2019).
  const softH = net.state("losses/soft/h");
  const chosen4 = ops.select(tf.greater(ops.sum(softH, { over: [0] }), tf.scalar(0)), 0.2, 1);
  const softEmbeddings = embeddings["soft"]!;
  const euclideanDistance5 = ops.sqrt(ops.squaredDistancesFromGram(ops.gram(softEmbeddings)));
  const violation = tf.sub(
    tf.expandDims(ops.withinClass(euclideanDistance5, 3), 2),
    tf.expandDims(euclideanDistance5, 1),
  );
  const place = tf.div(tf.mul(tf.add(violation, 2), 10), 4);
  const range3 = ops.indices(0, 11);
  const number4 = ops.real(tf.expandDims(tf.expandDims(tf.expandDims(range3, 1), 2), 3));
  const share = ops.mean(tf.relu(tf.sub(1, ops.abs(tf.sub(place, number4)))), {
    over: [1, 2, 3],
    where: tuples,
  });
  const product7 = tf.mul(chosen4, tf.sub(share, tf.mul(softH, ops.sum(share, { over: [0] }))));
  const mixed = tf.add(softH, product7);
  const atMost = tf.lessEqual(ops.real(range3), ops.stopGradient(tf.expandDims(place, 3)));
  const weight = ops.stopGradient(ops.sum(mixed, { over: [3], where: atMost }));
  const soft = {
    value: ops.mean(tf.mul(weight, violation), { over: [0, 1, 2], where: tuples }) as tf.Scalar,
    valid: tf.scalar(1),
  };
  net.update("losses/soft/h", mixed);

  // center: center() (line 18)
  // Center: half the squared distance to the class's centre (Wen, Zhang, Li & Qiao 2016, eq. 2).
  const centerEmbeddings = embeddings["center"]!;
  const centerC = net.state("losses/center/c");
  const squaredEuclideanDistance = ops.pairedSquaredDistances(centerEmbeddings, tf.gather(centerC, labels));
  const atTarget = tf.equal(labels, tf.expandDims(ops.indices(0, net.sizes.classes), 1));
  const members = ops.count(atTarget, { over: [1] });
  const total6 = tf.matMul(ops.real(atTarget), tf.transpose(centerEmbeddings, [1, 0]), false, true);
  const product8 = tf.mul(0.5, tf.sub(tf.mul(tf.expandDims(members, 1), centerC), total6));
  const center = {
    value: ops.mean(tf.div(squaredEuclideanDistance, 2), { over: [0] }) as tf.Scalar,
    valid: tf.scalar(1),
  };
  net.update("losses/center/c", tf.sub(centerC, ops.divide(product8, tf.expandDims(tf.add(1, members), 1))));

  return { rank, pull, far, dice, soft, center };
}

/** The losses into the one number that is minimised. */
function combine(losses: Record<string, LossValue>, _context: CombineContext): Combined {
  return strategies.weightedSum([
    [1, strategies.term("rank", losses.rank!)],
    [1, strategies.term("pull", losses.pull!)],
    [1, strategies.term("far", losses.far!)],
    [0.1, strategies.term("dice", losses.dice!)],
    [1, strategies.term("soft", losses.soft!)],
    [0.1, strategies.term("center", losses.center!)],
  ]);
}

/** What is drawn anew for every step. */
function noise(_sizes: Sizes): NoiseSpec[] {
  return [
    { name: "losses/rank/miner/sample", shape: [12, 12] },
    { name: "losses/pull/miner/sample", shape: [12, 12] },
    { name: "losses/far/miner/sample", shape: [12, 28] },
    { name: "losses/dice/sample", shape: [12] },
  ];
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
    ...nn.linearParameters("heads/rank/0.linear", { inputs: 4, outputs: 8, bias: true, group: "heads" }),
    ...nn.linearParameters("heads/pull/0.linear", { inputs: 4, outputs: 8, bias: true, group: "heads" }),
    ...nn.linearParameters("heads/far/0.linear", { inputs: 4, outputs: 8, bias: true, group: "heads" }),
    ...nn.linearParameters("heads/dice/0.linear", { inputs: 4, outputs: 8, bias: true, group: "heads" }),
    ...nn.linearParameters("heads/soft/0.linear", { inputs: 4, outputs: 8, bias: true, group: "heads" }),
    ...nn.linearParameters("heads/center/0.linear", { inputs: 4, outputs: 8, bias: true, group: "heads" }),
  ];
}

/** What is kept from step to step without being trained. */
function state(sizes: Sizes): StateSpec[] {
  return [
    { name: "memory/16/embeddings/far", shape: [16, 8], initial: 0, transient: true },
    { name: "memory/16/labels", shape: [16], initial: -1, transient: true },
    { name: "memory/16/ids", shape: [16], initial: -1, transient: true },
    { name: "losses/soft/h", shape: [11], initial: 0 },
    { name: "losses/center/c", shape: [sizes.classes, 8], initial: init.xavierUniform() },
  ];
}

const program: Program = {
  name: "drawing",
  spec: { file: "drawing.dml", hash: "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" },
  compiler: "dmlc 0.0.0",
  data: data.folder("photos", { image: [12, 12, 1], strict: false }),
  split: data.zeroShot({ train: 0.5, validation: 0 }),
  augment: [],
  image: [12, 12, 1],
  heads: [
    { name: "rank", dim: 8, unit: true, weight: 0.16666666666666666, losses: ["rank"] },
    { name: "pull", dim: 8, unit: true, weight: 0.16666666666666666, losses: ["pull"] },
    { name: "far", dim: 8, unit: true, weight: 0.16666666666666666, losses: ["far"] },
    { name: "dice", dim: 8, unit: true, weight: 0.16666666666666666, losses: ["dice"] },
    { name: "soft", dim: 8, unit: true, weight: 0.16666666666666666, losses: ["soft"] },
    { name: "center", dim: 8, unit: true, weight: 0.16666666666666666, losses: ["center"] },
  ],
  lossPlaces: {
    rank: { file: "drawing.dml", line: 13, text: "rank: triplet(margin: 0.4) on distance_weighted()" },
    pull: {
      file: "drawing.dml",
      line: 14,
      text: "pull: contrastive(margin: 0.5) on uniform_histogram(bins: 3, positives: 2, negatives: 2)",
    },
    far: {
      file: "drawing.dml",
      line: 15,
      text: "far: triplet(margin: 0.4) on distance_weighted() against memory(16)",
    },
    dice: { file: "drawing.dml", line: 16, text: "dice: dice()" },
    soft: { file: "drawing.dml", line: 17, text: "soft: dynamic_soft_margin(momentum: 0.2)" },
    center: { file: "drawing.dml", line: 18, text: "center: center()" },
  },
  parameters,
  state,
  embed,
  losses,
  combine,
  noise,
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
