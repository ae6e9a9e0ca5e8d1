/**
 * shared_head: compiled by dmlc 0.0.0 from shared_head.dml (SHA-256 0123456789ab).
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

/** conv4(width: 8): images [16, 16, 1] to features [1, 1, 8]. */
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

  // shared: linear(16) |> normalize, [B, 16], read by pull, class
  const shared = nn.normalize(nn.linear(features, net, "heads/shared/0.linear", { bias: true }));

  return { features: tf.reshape(features, [features.shape[0], -1]), heads: { shared } };
}

/** Each loss on one batch: its value, and whether the batch held a valid tuple. */
function losses(
  embeddings: Record<string, tf.Tensor2D>,
  labels: tf.Tensor1D,
  net: Net,
): Record<string, LossValue> {
  // Shared between losses
  const unitShared = ops.normalize(embeddings["shared"]!);

  // pull: contrastive(margin: 0.5, distance: cosine_distance) (line 10)
  // Pairs within one class together, pairs of different classes apart (Hadsell, Chopra & LeCun 2006, eq. 4).
  const cosineSimilarity = ops.gram(unitShared);
  const activeMean = ops.meanActive(tf.relu(tf.sub(1, ops.withinClass(cosineSimilarity, 4))), {
    over: [0, 1],
    where: ops.otherClassmates(labels, 4),
  });
  const activeMean2 = ops.meanActive(tf.relu(tf.sub(0.5, tf.sub(1, cosineSimilarity))), {
    over: [0, 1],
    where: ops.differentClass(labels),
  });
  const pull = { value: tf.add(activeMean, activeMean2) as tf.Scalar, valid: tf.scalar(1) };

  // class: normalized_softmax() (line 11)
  // Normalised softmax: cross-entropy over cosines to one weight vector a class (Zhai & Wu 2019).
  const cosineSimilarity2 = tf.matMul(unitShared, ops.normalize(net.param("losses/class/w")), false, true);
  const atTarget = tf.equal(ops.indices(0, net.sizes.classes), tf.expandDims(labels, 1));
  const class2 = {
    value: ops.mean(ops.crossEntropy(tf.div(cosineSimilarity2, 0.05), atTarget), { over: [0] }) as tf.Scalar,
    valid: tf.scalar(1),
  };

  return { pull, class: class2 };
}

/** The losses into the one number that is minimised. */
function combine(losses: Record<string, LossValue>, context: CombineContext): Combined {
  return strategies.equal(
    context.net,
    "combine",
    [strategies.term("pull", losses.pull!), strategies.term("class", losses.class!)],
    { scale: "running_mean" },
  );
}

/** Every trainable parameter, with its group and first value. */
function parameters(sizes: Sizes): ParameterSpec[] {
  return [
    ...nn.convParameters("backbone/0.conv", {
      inputs: 1,
      outputs: 8,
      kernel: 3,
      bias: false,
      group: "backbone",
    }),
    ...nn.batchNormParameters("backbone/1.batch_norm", 8, "backbone"),
    ...nn.convParameters("backbone/4.conv", {
      inputs: 8,
      outputs: 8,
      kernel: 3,
      bias: false,
      group: "backbone",
    }),
    ...nn.batchNormParameters("backbone/5.batch_norm", 8, "backbone"),
    ...nn.convParameters("backbone/8.conv", {
      inputs: 8,
      outputs: 8,
      kernel: 3,
      bias: false,
      group: "backbone",
    }),
    ...nn.batchNormParameters("backbone/9.batch_norm", 8, "backbone"),
    ...nn.convParameters("backbone/12.conv", {
      inputs: 8,
      outputs: 8,
      kernel: 3,
      bias: false,
      group: "backbone",
    }),
    ...nn.batchNormParameters("backbone/13.batch_norm", 8, "backbone"),
    ...nn.linearParameters("heads/shared/0.linear", { inputs: 8, outputs: 16, bias: true, group: "heads" }),
    {
      name: "losses/class/w",
      shape: [sizes.classes, 16],
      init: init.xavierUniform(),
      group: "params",
      lr: 0.01,
      decay: false,
      trainable: true,
    },
  ];
}

/** What is kept from step to step without being trained. */
function state(_sizes: Sizes): StateSpec[] {
  return [
    ...nn.batchNormState("backbone/1.batch_norm", 8),
    ...nn.batchNormState("backbone/5.batch_norm", 8),
    ...nn.batchNormState("backbone/9.batch_norm", 8),
    ...nn.batchNormState("backbone/13.batch_norm", 8),
    ...strategies.scaleState("combine", 2, "running_mean"),
  ];
}

const program: Program = {
  name: "shared_head",
  spec: { file: "shared_head.dml", hash: "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef" },
  compiler: "dmlc 0.0.0",
  data: data.folder("photos", { image: [16, 16, 1], strict: false }),
  split: data.zeroShot({ train: 0.5, validation: 0 }),
  augment: [],
  image: [16, 16, 1],
  heads: [{ name: "shared", dim: 16, unit: true, weight: 1, losses: ["pull", "class"] }],
  lossPlaces: {
    pull: {
      file: "shared_head.dml",
      line: 10,
      text: "pull: contrastive(margin: 0.5, distance: cosine_distance)",
    },
    class: { file: "shared_head.dml", line: 11, text: "class: normalized_softmax()" },
  },
  parameters,
  state,
  embed,
  losses,
  combine,
  train: {
    batch: { classes: 4, samples: 4 },
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
