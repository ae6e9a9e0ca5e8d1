/**
 * nested: compiled by dmlc 0.0.0 from nested.dml (SHA-256 0123456789ab).
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

/** conv(8) |> relu |> global_avg_pool: images [16, 16, 3] to features [8]. */
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

  // pull: linear(16) |> normalize, [B, 16], read by pull
  const pull = nn.normalize(nn.linear(features, net, "heads/pull/0.linear", { bias: true }));

  // rank: linear(16) |> normalize, [B, 16], read by rank
  const rank = nn.normalize(nn.linear(features, net, "heads/rank/0.linear", { bias: true }));

  // soft: linear(16) |> normalize, [B, 16], read by soft
  const soft = nn.normalize(nn.linear(features, net, "heads/soft/0.linear", { bias: true }));

  // arc: linear(16) |> normalize, [B, 16], read by arc
  const arc = nn.normalize(nn.linear(features, net, "heads/arc/0.linear", { bias: true }));

  // anchor: linear(16) |> normalize, [B, 16], read by anchor
  const anchor = nn.normalize(nn.linear(features, net, "heads/anchor/0.linear", { bias: true }));

  return { features, heads: { pull, rank, soft, arc, anchor } };
}

/** Each loss on one batch: its value, and whether the batch held a valid tuple. */
function losses(
  embeddings: Record<string, tf.Tensor2D>,
  labels: tf.Tensor1D,
  net: Net,
): Record<string, LossValue> {
  // Shared between losses
  const positives = ops.otherClassmates(labels, 4);
  const negatives = ops.differentClass(labels);
  const classIndices = ops.indices(0, net.sizes.classes);

  // pull: contrastive() (line 10)
  // Pairs within one class together, pairs of different classes apart (Hadsell, Chopra & LeCun 2006, eq. 4).
  const pullEmbeddings = embeddings["pull"]!;
  const squaredDistance = ops.squaredDistancesFromGram(ops.gram(pullEmbeddings));
  const activeMeanEuclideanDistance = ops.meanActive(ops.sqrt(ops.withinClass(squaredDistance, 4)), {
    over: [0, 1],
    where: positives,
  });
  const activeMean = ops.meanActive(tf.relu(tf.sub(1, ops.sqrt(squaredDistance))), {
    over: [0, 1],
    where: negatives,
  });
  const pull = { value: tf.add(activeMeanEuclideanDistance, activeMean) as tf.Scalar, valid: tf.scalar(1) };

  // rank: triplet(smooth: true) (line 11)
  // Each anchor nearer to its positives than to its negatives by a margin (Schroff, Kalenichenko & Philbin 2015, eq. 3).
  const rankEmbeddings = embeddings["rank"]!;
  const euclideanDistance = ops.sqrt(ops.squaredDistancesFromGram(ops.gram(rankEmbeddings)));
  const difference = tf.sub(
    tf.expandDims(ops.withinClass(euclideanDistance, 4), 2),
    tf.expandDims(euclideanDistance, 1),
  );
  const tuples = tf.logicalAnd(tf.expandDims(positives, 2), tf.expandDims(negatives, 1));
  const rank = {
    value: ops.meanActive(ops.softplus(tf.add(difference, 0.05)), {
      over: [0, 1, 2],
      where: tuples,
    }) as tf.Scalar,
    valid: tf.scalar(1),
  };

  // soft: multi_similarity() (line 12)
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

  // arc: arcface() (line 13)
  // ArcFace: an angular margin added at the true class (Deng, Guo, Xue & Zafeiriou 2019, eq. 3), with the usual monotone continuation beyond 180deg - margin.
  const atTarget = tf.equal(classIndices, tf.expandDims(labels, 1));
  const unitArc = ops.normalize(embeddings["arc"]!);
  const arcW = net.param("losses/arc/w");
  const cosineSimilarityAtLabel = ops.sum(tf.mul(unitArc, ops.normalize(tf.gather(arcW, labels))), {
    over: [1],
  });
  const atMost = tf.lessEqual(
    ops.stopGradient(ops.acos(cosineSimilarityAtLabel)),
    tf.scalar(2.642428487519415),
  );
  const product2 = tf.mul(ops.sineOfAcos(cosineSimilarityAtLabel), 0.4786918579406068);
  const difference2 = tf.sub(tf.mul(cosineSimilarityAtLabel, 0.8779829754279805), product2);
  const pushedAtLabel = ops.select(atMost, difference2, tf.sub(cosineSimilarityAtLabel, 0.238945822073603));
  const chosen = ops.select(
    atTarget,
    tf.expandDims(pushedAtLabel, 1),
    tf.matMul(unitArc, ops.normalize(arcW), false, true),
  );
  const arc = {
    value: ops.mean(ops.crossEntropy(tf.mul(64, chosen), atTarget), { over: [0] }) as tf.Scalar,
    valid: tf.scalar(1),
  };

  // anchor: proxy_anchor() (line 14)
  // Proxy-Anchor: every proxy is an anchor for the whole batch (Kim, Kim, Cho & Kwak 2020, eq. 4).
  const cosineSimilarity2 = tf.matMul(
    ops.normalize(net.param("losses/anchor/proxy")),
    ops.normalize(embeddings["anchor"]!),
    false,
    true,
  );
  const atTarget2 = tf.equal(labels, tf.expandDims(classIndices, 1));
  const logSum2 = ops.log1pSumExp(tf.mul(-32, tf.sub(cosineSimilarity2, 0.1)), {
    over: [1],
    where: atTarget2,
  });
  const mean = ops.mean(logSum2, { over: [0], where: ops.any(atTarget2, { over: [1] }) });
  const logSum3 = ops.log1pSumExp(tf.mul(32, tf.add(cosineSimilarity2, 0.1)), {
    over: [1],
    where: tf.notEqual(labels, tf.expandDims(classIndices, 1)),
  });
  const anchor = { value: tf.add(mean, ops.mean(logSum3, { over: [0] })) as tf.Scalar, valid: tf.scalar(1) };

  return { pull, rank, soft, arc, anchor };
}

/** The losses into the one number that is minimised. */
function combine(losses: Record<string, LossValue>, context: CombineContext): Combined {
  return strategies.weightedSum([
    [
      0.5,
      strategies.learned(
        context.net,
        "combine/0",
        [
          strategies.term("pull", losses.pull!),
          strategies.equal(
            context.net,
            "combine/0/1",
            [strategies.term("rank", losses.rank!), strategies.term("soft", losses.soft!)],
            { scale: "initial" },
          ),
        ],
        { floor: 0.5 / 2, scale: "running_mean" },
      ),
    ],
    [2, strategies.term("arc", losses.arc!)],
    [0.5, strategies.term("anchor", losses.anchor!)],
  ]);
}

/** Every trainable parameter, with its group and first value. */
function parameters(sizes: Sizes): ParameterSpec[] {
  return [
    ...nn.convParameters("backbone/0.conv", {
      inputs: 3,
      outputs: 8,
      kernel: 3,
      bias: true,
      group: "backbone",
    }),
    ...nn.linearParameters("heads/pull/0.linear", { inputs: 8, outputs: 16, bias: true, group: "heads" }),
    ...nn.linearParameters("heads/rank/0.linear", { inputs: 8, outputs: 16, bias: true, group: "heads" }),
    ...nn.linearParameters("heads/soft/0.linear", { inputs: 8, outputs: 16, bias: true, group: "heads" }),
    ...nn.linearParameters("heads/arc/0.linear", { inputs: 8, outputs: 16, bias: true, group: "heads" }),
    ...nn.linearParameters("heads/anchor/0.linear", { inputs: 8, outputs: 16, bias: true, group: "heads" }),
    {
      name: "losses/arc/w",
      shape: [sizes.classes, 16],
      init: init.xavierUniform(),
      group: "params",
      lr: 0.01,
      decay: false,
      trainable: true,
    },
    {
      name: "losses/anchor/proxy",
      shape: [sizes.classes, 16],
      init: init.kaimingNormal(),
      group: "params",
      lr: 0.01,
      decay: false,
      trainable: true,
    },
    ...strategies.learnedParameters("combine/0", 2, { floor: 0.5 / 2 }),
  ];
}

/** What is kept from step to step without being trained. */
function state(_sizes: Sizes): StateSpec[] {
  return [
    ...strategies.scaleState("combine/0", 2, "running_mean"),
    ...strategies.scaleState("combine/0/1", 2, "initial"),
  ];
}

const program: Program = {
  name: "nested",
  spec: { file: "nested.dml", hash: "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" },
  compiler: "dmlc 0.0.0",
  data: data.folder("photos", { image: [16, 16, 3], strict: false }),
  split: data.zeroShot({ train: 0.5, validation: 0.2 }),
  augment: [],
  image: [16, 16, 3],
  heads: [
    { name: "pull", dim: 16, unit: true, weight: 0.2, losses: ["pull"] },
    { name: "rank", dim: 16, unit: true, weight: 0.2, losses: ["rank"] },
    { name: "soft", dim: 16, unit: true, weight: 0.2, losses: ["soft"] },
    { name: "arc", dim: 16, unit: true, weight: 0.2, losses: ["arc"] },
    { name: "anchor", dim: 16, unit: true, weight: 0.2, losses: ["anchor"] },
  ],
  lossPlaces: {
    pull: { file: "nested.dml", line: 10, text: "pull: contrastive()" },
    rank: { file: "nested.dml", line: 11, text: "rank: triplet(smooth: true)" },
    soft: { file: "nested.dml", line: 12, text: "soft: multi_similarity()" },
    arc: { file: "nested.dml", line: 13, text: "arc: arcface()" },
    anchor: { file: "nested.dml", line: 14, text: "anchor: proxy_anchor()" },
  },
  parameters,
  state,
  embed,
  losses,
  combine,
  train: {
    batch: { classes: 4, samples: 4 },
    optimizer: {
      kind: "sgd",
      lr: 0.1,
      momentum: 0.9,
      weightDecay: 0,
      clip: 1,
      groups: { heads: 2, weights: 0.5 },
    },
    schedule: { kind: "step", warmup: 0, every: 10, factor: 0.1 },
    steps: 20,
    select: { kind: "best", metric: "recall_at_2", every: 5, patience: 10 },
    seed: 0,
  },
  evaluate: { recallAt: [1, 2], mapAtR: false, rPrecision: false, nmi: false },
};

export default program;

await main(program, import.meta.url);
