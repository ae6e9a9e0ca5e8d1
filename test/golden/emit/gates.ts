/**
 * gates: compiled by dmlc 0.0.0 from gates.dml (SHA-256 0123456789ab).
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
  type HeadWeights,
  type LossValue,
  type Net,
  type ParameterSpec,
  type Program,
  type Sizes,
  type StateSpec,
} from "dmlc/runtime";

/** conv(4) |> relu |> global_avg_pool: images [12, 12, 1] to features [4]. */
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

  // many: linear(8) |> normalize, [B, 8], read by many
  const many = nn.normalize(nn.linear(features, net, "heads/many/0.linear", { bias: true }));

  // near: linear(8) |> normalize, [B, 8], read by near
  const near = nn.normalize(nn.linear(features, net, "heads/near/0.linear", { bias: true }));

  // same: linear(8), [B, 8], read by same
  const same = nn.linear(features, net, "heads/same/0.linear", { bias: true });

  // flat: linear(16), [B, 16], read by flat
  const flat = nn.linear(features, net, "heads/flat/0.linear", { bias: true });

  return { features, heads: { rank, many, near, same, flat } };
}

/** Each loss on one batch: its value, and whether the batch held a valid tuple. */
function losses(
  embeddings: Record<string, tf.Tensor2D>,
  labels: tf.Tensor1D,
  net: Net,
  otherViews: readonly Record<string, tf.Tensor2D>[],
): Record<string, LossValue> {
  // Shared between losses
  const positives = ops.otherClassmates(labels, 3);

  // rank: triplet(margin: 0.2) on semi_hard() (line 19)
  // Each anchor nearer to its positives than to its negatives by a margin (Schroff, Kalenichenko & Philbin 2015, eq. 3).
  const rankEmbeddings = embeddings["rank"]!;
  const euclideanDistance = ops.sqrt(ops.squaredDistancesFromGram(ops.gram(rankEmbeddings)));
  const euclideanDistanceWithinClassAligned = tf.expandDims(ops.withinClass(euclideanDistance, 3), 2);
  const difference = tf.sub(euclideanDistanceWithinClassAligned, tf.expandDims(euclideanDistance, 1));
  const relu = tf.relu(tf.add(difference, 0.2));
  const tuples = tf.logicalAnd(tf.expandDims(positives, 2), tf.expandDims(ops.differentClass(labels), 1));
  const below = tf.less(
    ops.stopGradient(euclideanDistanceWithinClassAligned),
    ops.stopGradient(tf.expandDims(euclideanDistance, 1)),
  );
  const withinClassAligned = tf.expandDims(ops.withinClass(tf.add(euclideanDistance, 0.2), 3), 2);
  const atMost = tf.lessEqual(
    ops.stopGradient(tf.expandDims(euclideanDistance, 1)),
    ops.stopGradient(withinClassAligned),
  );
  const tuples2 = tf.logicalAnd(tf.logicalAnd(tuples, below), atMost);
  const some = ops.any(tuples2, { over: [0, 1, 2] });
  const tuples3 = tf.logicalAnd(tuples2, tf.greater(ops.stopGradient(relu), tf.scalar(0)));
  const product = tf.mul(labels.size, ops.sum(relu, { over: [1, 2], where: tuples3 }));
  const count = ops.count(tf.scalar(true, "bool"), { over: [0, 1, 2], where: tuples3 });
  const rank = {
    value: ops.meanActive(relu, { over: [0, 1, 2], where: tuples2 }) as tf.Scalar,
    valid: ops.real(some) as tf.Scalar,
    perSample: ops.select(some, ops.ratio(product, count), 0) as tf.Tensor1D,
  };

  // many: soft_triple(centers: 2) (line 20)
  // SoftTriple: cross-entropy over similarities to several centres a class, and a regulariser that merges centres (Qian, Shang, Sun, Hu, Li & Jin 2019).
  const unitManyW = ops.normalize(net.param("losses/many/w"));
  const cosineSimilarity = ops.products(ops.normalize(embeddings["many"]!), unitManyW, { shared: 0 });
  const product2 = tf.mul(ops.softmax(tf.div(cosineSimilarity, 0.1), 2), cosineSimilarity);
  const classIndices = ops.indices(0, net.sizes.classes);
  const product3 = tf.mul(0.01, ops.real(tf.equal(tf.expandDims(labels, 1), classIndices)));
  const product4 = tf.mul(20, tf.sub(ops.sum(product2, { over: [2] }), product3));
  const crossEntropy = ops.crossEntropy(product4, tf.equal(classIndices, tf.expandDims(labels, 1)));
  const range = ops.indices(0, 2);
  const sum = ops.sum(ops.sqrt(tf.sub(2.00001, tf.mul(2, ops.gram(unitManyW)))), {
    over: [0, 1, 2],
    where: tf.less(tf.expandDims(range, 1), range),
  });
  const product5 = tf.mul(0.2, ops.ratio(sum, tf.mul(net.sizes.classes, 2)));
  const many = {
    value: tf.add(ops.mean(crossEntropy, { over: [0] }), product5) as tf.Scalar,
    valid: tf.scalar(1),
    perSample: crossEntropy as tf.Tensor1D,
    constant: product5 as tf.Scalar,
  };

  // near: nearer() (line 21)
  // Pairs of one class no farther apart than pairs have been on average.
  const nearEmbeddings = embeddings["near"]!;
  const squaredDistance = ops.squaredDistancesFromGram(ops.gram(nearEmbeddings));
  const nearTypical = net.state("losses/near/typical");
  const difference2 = tf.sub(ops.sqrt(ops.withinClass(squaredDistance, 3)), nearTypical);
  const relu2 = tf.relu(difference2);
  const product6 = tf.mul(labels.size, ops.sum(relu2, { over: [1], where: positives }));
  const count2 = ops.count(tf.scalar(true, "bool"), { over: [0, 1], where: positives });
  const samples = ops.indices(0, labels.size);
  const meanEuclideanDistance = ops.mean(ops.sqrt(squaredDistance), {
    over: [0, 1],
    where: tf.notEqual(tf.expandDims(samples, 1), samples),
  });
  const near = {
    value: ops.mean(relu2, { over: [0, 1], where: positives }) as tf.Scalar,
    valid: tf.scalar(1),
    perSample: ops.ratio(product6, count2) as tf.Tensor1D,
  };
  net.update("losses/near/typical", tf.add(tf.mul(0.9, nearTypical), tf.mul(0.1, meanEuclideanDistance)));

  // same: steady() with linear(8) (line 22)
  // Both views of a sample in one place.
  const squaredDistance2 = ops.pairedSquaredDistances(embeddings["same"]!, otherViews[0]!["same"]!);
  const same = {
    value: ops.mean(ops.sqrt(squaredDistance2), { over: [0] }) as tf.Scalar,
    valid: tf.scalar(1),
  };

  // flat: vicreg() with linear(16) (line 23)
  // VICReg: two views of a sample alike (invariance), every component spread over the batch, components uncorrelated (Bardes, Ponce & LeCun 2022, eq. 6).
  const flatEmbeddings = embeddings["flat"]!;
  const flat2Embeddings = otherViews[0]!["flat"]!;
  const mean = ops.mean(tf.square(tf.sub(flatEmbeddings, flat2Embeddings)), { over: [0, 1] });
  const flatEmbeddingsAligned = tf.transpose(flatEmbeddings, [1, 0]);
  const meanAligned = tf.expandDims(ops.mean(flatEmbeddingsAligned, { over: [1] }), 1);
  const centred = tf.sub(flatEmbeddingsAligned, meanAligned);
  const difference3 = tf.sub(labels.size, 1);
  const ratio = ops.ratio(ops.sum(tf.square(centred), { over: [1] }), difference3);
  const mean2 = ops.mean(tf.relu(tf.sub(1, ops.sqrt(tf.add(ratio, 0.0001)))), { over: [0] });
  const flat2EmbeddingsAligned = tf.transpose(flat2Embeddings, [1, 0]);
  const meanAligned2 = tf.expandDims(ops.mean(flat2EmbeddingsAligned, { over: [1] }), 1);
  const centred2 = tf.sub(flat2EmbeddingsAligned, meanAligned2);
  const ratio2 = ops.ratio(ops.sum(tf.square(centred2), { over: [1] }), difference3);
  const mean3 = ops.mean(tf.relu(tf.sub(1, ops.sqrt(tf.add(ratio2, 0.0001)))), { over: [0] });
  const total = tf.add(tf.mul(25, mean), tf.div(tf.mul(25, tf.add(mean2, mean3)), 2));
  const range2 = ops.indices(0, 16);
  const others = tf.notEqual(tf.expandDims(range2, 1), range2);
  const sum2 = ops.sum(tf.square(ops.ratio(ops.gram(centred), difference3)), { over: [0, 1], where: others });
  const sum3 = ops.sum(tf.square(ops.ratio(ops.gram(centred2), difference3)), {
    over: [0, 1],
    where: others,
  });
  const flat = {
    value: tf.add(total, tf.add(tf.div(sum2, 16), tf.div(sum3, 16))) as tf.Scalar,
    valid: tf.scalar(1),
  };

  return { rank, many, near, same, flat };
}

/** The losses into the one number that is minimised. */
function combine(losses: Record<string, LossValue>, context: CombineContext): Combined {
  return strategies.weightedSum([
    [
      1,
      strategies.gated(
        context,
        "combine/0",
        [
          strategies.term("rank", losses.rank!),
          strategies.term("many", losses.many!),
          strategies.term("near", losses.near!),
        ],
        [["rank"], ["many"], ["near"]],
        { top: 2, temperature: 1, balance: 0.01, samples: 3 },
      ),
    ],
    [0.5, strategies.term("same", losses.same!)],
    [0.01, strategies.term("flat", losses.flat!)],
  ]);
}

/** Squared weights of heads in the embedding, where the combination decides on them. */
function headWeights(features: tf.Tensor2D, net: Net): HeadWeights {
  return {
    ...strategies.gateHeadWeights(features, net, "combine/0", [["rank"], ["many"], ["near"]], {
      top: 2,
      temperature: 1,
      share: 0.6,
    }),
  };
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
    ...nn.linearParameters("heads/rank/0.linear", { inputs: 4, outputs: 8, bias: true, group: "heads" }),
    ...nn.linearParameters("heads/many/0.linear", { inputs: 4, outputs: 8, bias: true, group: "heads" }),
    ...nn.linearParameters("heads/near/0.linear", { inputs: 4, outputs: 8, bias: true, group: "heads" }),
    ...nn.linearParameters("heads/same/0.linear", { inputs: 4, outputs: 8, bias: true, group: "heads" }),
    ...nn.linearParameters("heads/flat/0.linear", { inputs: 4, outputs: 16, bias: true, group: "heads" }),
    {
      name: "losses/many/w",
      shape: [sizes.classes, 2, 8],
      init: init.kaimingUniform(),
      group: "params",
      lr: 0.01,
      decay: false,
      trainable: true,
    },
    ...strategies.gateParameters("combine/0", 4, 3),
  ];
}

/** What is kept from step to step without being trained. */
function state(_sizes: Sizes): StateSpec[] {
  return [{ name: "losses/near/typical", shape: [], initial: 1 }, ...strategies.scaleState("combine/0", 3)];
}

const program: Program = {
  name: "gates",
  spec: { file: "gates.dml", hash: "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" },
  compiler: "dmlc 0.0.0",
  data: data.folder("photos", { image: [12, 12, 1], strict: false }),
  split: data.zeroShot({ train: 0.5, validation: 0 }),
  augment: [data.flip()],
  image: [12, 12, 1],
  views: 2,
  heads: [
    { name: "rank", dim: 8, unit: true, weight: 0.2, losses: ["rank"] },
    { name: "many", dim: 8, unit: true, weight: 0.2, losses: ["many"] },
    { name: "near", dim: 8, unit: true, weight: 0.2, losses: ["near"] },
    { name: "same", dim: 8, unit: false, weight: 0.2, losses: ["same"] },
    { name: "flat", dim: 16, unit: false, weight: 0.2, losses: ["flat"] },
  ],
  lossPlaces: {
    rank: { file: "gates.dml", line: 19, text: "rank: triplet(margin: 0.2) on semi_hard()" },
    many: { file: "gates.dml", line: 20, text: "many: soft_triple(centers: 2)" },
    near: { file: "gates.dml", line: 21, text: "near: nearer()" },
    same: { file: "gates.dml", line: 22, text: "same: steady() with linear(8)" },
    flat: { file: "gates.dml", line: 23, text: "flat: vicreg() with linear(16)" },
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
