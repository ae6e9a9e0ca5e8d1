/**
 * constructor: compiled by dmlc 0.0.0 from hostile.dml (SHA-256 0123456789ab).
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

/** conv4(width: 4): images [16, 16, 1] to features [1, 1, 4]. */
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
  const relu4 = tf.tidy(() => {
    const maxPool3 = nn.maxPool(relu3, 2);
    const conv4 = nn.conv(maxPool3, net, "backbone/12.conv", { stride: 1, bias: false });
    const batchNorm4 = nn.batchNorm(conv4, net, "backbone/13.batch_norm");
    return nn.relu(batchNorm4);
  });
  const maxPool4 = nn.maxPool(relu4, 2);
  return maxPool4;
}

/** Images [B, H, W, C] to features and the embeddings of each head. */
function embed(images: tf.Tensor4D, net: Net): Embedded {
  const features = backbone(images, net);

  // constructor: linear(8) |> normalize, [B, 8], read by constructor
  const constructor2 = nn.normalize(nn.linear(features, net, "heads/constructor/0.linear", { bias: true }));

  // await: linear(8) |> normalize, [B, 8], read by await
  const await2 = nn.normalize(nn.linear(features, net, "heads/await/0.linear", { bias: true }));

  // __proto__: linear(8) |> normalize, [B, 8], read by __proto__
  const proto = nn.normalize(nn.linear(features, net, "heads/__proto__/0.linear", { bias: true }));

  // hasOwnProperty: linear(8) |> normalize, [B, 8], read by hasOwnProperty
  const hasOwnProperty2 = nn.normalize(
    nn.linear(features, net, "heads/hasOwnProperty/0.linear", { bias: true }),
  );

  // features: linear(8) |> normalize, [B, 8], read by features
  const features2 = nn.normalize(nn.linear(features, net, "heads/features/0.linear", { bias: true }));

  // linear1: linear(8) |> normalize, [B, 8], read by linear1
  const linear1 = nn.normalize(nn.linear(features, net, "heads/linear1/0.linear", { bias: true }));

  // tf: linear(8) |> normalize, [B, 8], read by tf
  const tf2 = nn.normalize(nn.linear(features, net, "heads/tf/0.linear", { bias: true }));

  // __: linear(8) |> normalize, [B, 8], read by __
  const _ = nn.normalize(nn.linear(features, net, "heads/__/0.linear", { bias: true }));

  return {
    features: tf.reshape(features, [features.shape[0], -1]),
    heads: {
      constructor: constructor2,
      await: await2,
      ["__proto__"]: proto,
      hasOwnProperty: hasOwnProperty2,
      features: features2,
      linear1,
      tf: tf2,
      __: _,
    },
  };
}

/** Each loss on one batch: its value, and whether the batch held a valid tuple. */
function losses(
  embeddings: Record<string, tf.Tensor2D>,
  labels: tf.Tensor1D,
  net: Net,
): Record<string, LossValue> {
  // Shared between losses
  const positives = ops.otherClassmates(labels, 2);
  const negatives = ops.differentClass(labels);
  const classIndices = ops.indices(0, net.sizes.classes);
  const atTarget = tf.equal(classIndices, tf.expandDims(labels, 1));

  // constructor: contrastive( margin: 0.5 ) (line 17)
  // Pairs within one class together, pairs of different classes apart (Hadsell, Chopra & LeCun 2006, eq. 4).
  const constructorEmbeddings = embeddings["constructor"]!;
  const squaredDistance = ops.squaredDistancesFromGram(ops.gram(constructorEmbeddings));
  const activeMeanEuclideanDistance = ops.meanActive(ops.sqrt(ops.withinClass(squaredDistance, 2)), {
    over: [0, 1],
    where: positives,
  });
  const activeMean = ops.meanActive(tf.relu(tf.sub(0.5, ops.sqrt(squaredDistance))), {
    over: [0, 1],
    where: negatives,
  });
  const constructor2 = {
    value: tf.add(activeMeanEuclideanDistance, activeMean) as tf.Scalar,
    valid: tf.scalar(1),
  };

  // await: triplet() (line 20)
  // Each anchor nearer to its positives than to its negatives by a margin (Schroff, Kalenichenko & Philbin 2015, eq. 3).
  const awaitEmbeddings = embeddings["await"]!;
  const euclideanDistance = ops.sqrt(ops.squaredDistancesFromGram(ops.gram(awaitEmbeddings)));
  const difference = tf.sub(
    tf.expandDims(ops.withinClass(euclideanDistance, 2), 2),
    tf.expandDims(euclideanDistance, 1),
  );
  const tuples = tf.logicalAnd(tf.expandDims(positives, 2), tf.expandDims(negatives, 1));
  const await2 = {
    value: ops.meanActive(tf.relu(tf.add(difference, 0.05)), { over: [0, 1, 2], where: tuples }) as tf.Scalar,
    valid: tf.scalar(1),
  };

  // __proto__: multi_similarity() (line 21)
  // Multi-similarity: soft hardest positives and negatives of each anchor (Wang, Han, Huang, Dong & Scott 2019, eq. 15), without its mining.
  const unitProto = ops.normalize(embeddings["__proto__"]!);
  const cosineSimilarity = ops.gram(unitProto);
  const product = tf.mul(-2, tf.sub(ops.withinClass(cosineSimilarity, 2), 0.5));
  const quotient = tf.div(ops.log1pSumExp(product, { over: [1], where: positives }), 2);
  const logSum = ops.log1pSumExp(tf.mul(50, tf.sub(cosineSimilarity, 0.5)), { over: [1], where: negatives });
  const proto = {
    value: ops.mean(tf.add(quotient, tf.div(logSum, 50)), { over: [0] }) as tf.Scalar,
    valid: tf.scalar(1),
  };

  // hasOwnProperty: delete(constructor: 0.25) (line 22)
  // Closes the comment * / process.exit(1) /* and starts again.
  const cosineSimilarity2 = tf.matMul(
    ops.normalize(embeddings["hasOwnProperty"]!),
    ops.normalize(net.param("losses/hasOwnProperty/prototype")),
    false,
    true,
  );
  const hasOwnProperty2 = {
    value: ops.mean(ops.crossEntropy(tf.div(cosineSimilarity2, 0.25), atTarget), { over: [0] }) as tf.Scalar,
    valid: tf.scalar(1),
  };

  // features: arcface() (line 23)
  // ArcFace: an angular margin added at the true class (Deng, Guo, Xue & Zafeiriou 2019, eq. 3), with the usual monotone continuation beyond 180deg - margin.
  const unitFeatures = ops.normalize(embeddings["features"]!);
  const featuresW = net.param("losses/features/w");
  const product2 = tf.mul(unitFeatures, ops.normalize(tf.gather(featuresW, labels)));
  const cosineSimilarityAtLabel = ops.sum(product2, { over: [1] });
  const atMost = tf.lessEqual(
    ops.stopGradient(ops.acos(cosineSimilarityAtLabel)),
    tf.scalar(2.642428487519415),
  );
  const product3 = tf.mul(ops.sineOfAcos(cosineSimilarityAtLabel), 0.4786918579406068);
  const difference2 = tf.sub(tf.mul(cosineSimilarityAtLabel, 0.8779829754279805), product3);
  const pushedAtLabel = ops.select(atMost, difference2, tf.sub(cosineSimilarityAtLabel, 0.238945822073603));
  const cosineSimilarity3 = tf.matMul(unitFeatures, ops.normalize(featuresW), false, true);
  const chosen = ops.select(atTarget, tf.expandDims(pushedAtLabel, 1), cosineSimilarity3);
  const features = {
    value: ops.mean(ops.crossEntropy(tf.mul(64, chosen), atTarget), { over: [0] }) as tf.Scalar,
    valid: tf.scalar(1),
  };

  // linear1: proxy_anchor() (line 24)
  // Proxy-Anchor: every proxy is an anchor for the whole batch (Kim, Kim, Cho & Kwak 2020, eq. 4).
  const cosineSimilarity4 = tf.matMul(
    ops.normalize(net.param("losses/linear1/proxy")),
    ops.normalize(embeddings["linear1"]!),
    false,
    true,
  );
  const atTarget2 = tf.equal(labels, tf.expandDims(classIndices, 1));
  const logSum2 = ops.log1pSumExp(tf.mul(-32, tf.sub(cosineSimilarity4, 0.1)), {
    over: [1],
    where: atTarget2,
  });
  const mean = ops.mean(logSum2, { over: [0], where: ops.any(atTarget2, { over: [1] }) });
  const logSum3 = ops.log1pSumExp(tf.mul(32, tf.add(cosineSimilarity4, 0.1)), {
    over: [1],
    where: tf.notEqual(labels, tf.expandDims(classIndices, 1)),
  });
  const linear1 = { value: tf.add(mean, ops.mean(logSum3, { over: [0] })) as tf.Scalar, valid: tf.scalar(1) };

  // tf: normalized_softmax() (line 25)
  // Normalised softmax: cross-entropy over cosines to one weight vector a class (Zhai & Wu 2019).
  const cosineSimilarity5 = tf.matMul(
    ops.normalize(embeddings["tf"]!),
    ops.normalize(net.param("losses/tf/w")),
    false,
    true,
  );
  const tf2 = {
    value: ops.mean(ops.crossEntropy(tf.div(cosineSimilarity5, 0.05), atTarget), { over: [0] }) as tf.Scalar,
    valid: tf.scalar(1),
  };

  // __: contrastive() (line 26)
  // Pairs within one class together, pairs of different classes apart (Hadsell, Chopra & LeCun 2006, eq. 4).
  const embeddings2 = embeddings["__"]!;
  const squaredDistance2 = ops.squaredDistancesFromGram(ops.gram(embeddings2));
  const activeMeanEuclideanDistance2 = ops.meanActive(ops.sqrt(ops.withinClass(squaredDistance2, 2)), {
    over: [0, 1],
    where: positives,
  });
  const activeMean2 = ops.meanActive(tf.relu(tf.sub(1, ops.sqrt(squaredDistance2))), {
    over: [0, 1],
    where: negatives,
  });
  const _ = { value: tf.add(activeMeanEuclideanDistance2, activeMean2) as tf.Scalar, valid: tf.scalar(1) };

  return {
    constructor: constructor2,
    await: await2,
    ["__proto__"]: proto,
    hasOwnProperty: hasOwnProperty2,
    features,
    linear1,
    tf: tf2,
    __: _,
  };
}

/** The losses into the one number that is minimised. */
function combine(losses: Record<string, LossValue>, context: CombineContext): Combined {
  return strategies.learned(
    context.net,
    "combine",
    [
      strategies.term("constructor", losses["constructor"]!),
      strategies.weightedSum([
        [0.5, strategies.term("await", losses.await!)],
        [1, strategies.term("__proto__", losses["__proto__"]!)],
      ]),
      strategies.term("hasOwnProperty", losses["hasOwnProperty"]!),
      strategies.term("features", losses.features!),
      strategies.term("linear1", losses.linear1!),
      strategies.term("tf", losses.tf!),
      strategies.term("__", losses.__!),
    ],
    { floor: 0.25 / 7, scale: "running_mean" },
  );
}

/** Every trainable parameter, with its group and first value. */
function parameters(sizes: Sizes): ParameterSpec[] {
  return [
    ...nn.convParameters("backbone/0.conv", {
      inputs: 1,
      outputs: 4,
      kernel: 3,
      bias: false,
      group: "backbone",
    }),
    ...nn.batchNormParameters("backbone/1.batch_norm", 4, "backbone"),
    ...nn.convParameters("backbone/4.conv", {
      inputs: 4,
      outputs: 4,
      kernel: 3,
      bias: false,
      group: "backbone",
    }),
    ...nn.batchNormParameters("backbone/5.batch_norm", 4, "backbone"),
    ...nn.convParameters("backbone/8.conv", {
      inputs: 4,
      outputs: 4,
      kernel: 3,
      bias: false,
      group: "backbone",
    }),
    ...nn.batchNormParameters("backbone/9.batch_norm", 4, "backbone"),
    ...nn.convParameters("backbone/12.conv", {
      inputs: 4,
      outputs: 4,
      kernel: 3,
      bias: false,
      group: "backbone",
    }),
    ...nn.batchNormParameters("backbone/13.batch_norm", 4, "backbone"),
    ...nn.linearParameters("heads/constructor/0.linear", {
      inputs: 4,
      outputs: 8,
      bias: true,
      group: "heads",
    }),
    ...nn.linearParameters("heads/await/0.linear", { inputs: 4, outputs: 8, bias: true, group: "heads" }),
    ...nn.linearParameters("heads/__proto__/0.linear", { inputs: 4, outputs: 8, bias: true, group: "heads" }),
    ...nn.linearParameters("heads/hasOwnProperty/0.linear", {
      inputs: 4,
      outputs: 8,
      bias: true,
      group: "heads",
    }),
    ...nn.linearParameters("heads/features/0.linear", { inputs: 4, outputs: 8, bias: true, group: "heads" }),
    ...nn.linearParameters("heads/linear1/0.linear", { inputs: 4, outputs: 8, bias: true, group: "heads" }),
    ...nn.linearParameters("heads/tf/0.linear", { inputs: 4, outputs: 8, bias: true, group: "heads" }),
    ...nn.linearParameters("heads/__/0.linear", { inputs: 4, outputs: 8, bias: true, group: "heads" }),
    {
      name: "losses/hasOwnProperty/prototype",
      shape: [sizes.classes, 8],
      init: init.normal(0, 1),
      group: "params",
      lr: 0.01,
      decay: false,
      trainable: true,
    },
    {
      name: "losses/features/w",
      shape: [sizes.classes, 8],
      init: init.xavierUniform(),
      group: "params",
      lr: 0.01,
      decay: false,
      trainable: true,
    },
    {
      name: "losses/linear1/proxy",
      shape: [sizes.classes, 8],
      init: init.kaimingNormal(),
      group: "params",
      lr: 0.01,
      decay: false,
      trainable: true,
    },
    {
      name: "losses/tf/w",
      shape: [sizes.classes, 8],
      init: init.xavierUniform(),
      group: "params",
      lr: 0.01,
      decay: false,
      trainable: true,
    },
    ...strategies.learnedParameters("combine", 7, { floor: 0.25 / 7 }),
  ];
}

/** What is kept from step to step without being trained. */
function state(_sizes: Sizes): StateSpec[] {
  return [
    ...nn.batchNormState("backbone/1.batch_norm", 4),
    ...nn.batchNormState("backbone/5.batch_norm", 4),
    ...nn.batchNormState("backbone/9.batch_norm", 4),
    ...nn.batchNormState("backbone/13.batch_norm", 4),
    ...strategies.scaleState("combine", 7, "running_mean"),
  ];
}

const program: Program = {
  name: "constructor",
  spec: { file: "hostile.dml", hash: "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" },
  compiler: "dmlc 0.0.0",
  data: data.folder('it\'s "quoted" \\ `tick` ${process.exit(1)} */ // \u200b<\u2029>', {
    image: [16, 16, 1],
    strict: false,
  }),
  split: data.zeroShot({ train: 0.5, validation: 0 }),
  augment: [],
  image: [16, 16, 1],
  heads: [
    { name: "constructor", dim: 8, unit: true, weight: 0.125, losses: ["constructor"] },
    { name: "await", dim: 8, unit: true, weight: 0.125, losses: ["await"] },
    { name: "__proto__", dim: 8, unit: true, weight: 0.125, losses: ["__proto__"] },
    { name: "hasOwnProperty", dim: 8, unit: true, weight: 0.125, losses: ["hasOwnProperty"] },
    { name: "features", dim: 8, unit: true, weight: 0.125, losses: ["features"] },
    { name: "linear1", dim: 8, unit: true, weight: 0.125, losses: ["linear1"] },
    { name: "tf", dim: 8, unit: true, weight: 0.125, losses: ["tf"] },
    { name: "__", dim: 8, unit: true, weight: 0.125, losses: ["__"] },
  ],
  lossPlaces: {
    constructor: { file: "hostile.dml", line: 17, text: "constructor: contrastive( margin: 0.5 )" },
    await: { file: "hostile.dml", line: 20, text: "await: triplet()" },
    ["__proto__"]: { file: "hostile.dml", line: 21, text: "__proto__: multi_similarity()" },
    hasOwnProperty: { file: "hostile.dml", line: 22, text: "hasOwnProperty: delete(constructor: 0.25)" },
    features: { file: "hostile.dml", line: 23, text: "features: arcface()" },
    linear1: { file: "hostile.dml", line: 24, text: "linear1: proxy_anchor()" },
    tf: { file: "hostile.dml", line: 25, text: "tf: normalized_softmax()" },
    __: { file: "hostile.dml", line: 26, text: "__: contrastive()" },
  },
  parameters,
  state,
  embed,
  losses,
  combine,
  train: {
    batch: { classes: 4, samples: 2 },
    optimizer: { kind: "adamw", lr: 0.001, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.01 },
    schedule: { kind: "constant", warmup: 0 },
    steps: 3,
    select: { kind: "last" },
    seed: 0,
  },
  evaluate: { recallAt: [1, 2, 4, 8], mapAtR: true, rPrecision: true, nmi: true, knnAccuracy: 3 },
};

export default program;

await main(program, import.meta.url);
