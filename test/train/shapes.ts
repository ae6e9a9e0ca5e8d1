/**
 * A generated data set and a program over it, written by hand in the form in which the compiler emits them: two heads
 * on a small convolutional net, a contrastive and a normalised softmax loss, combined by `learned`.
 */
import * as tf from "@tensorflow/tfjs-core";
import type { Dataset, DataSource } from "../../src/runtime/data/types.ts";
import { zeroShot } from "../../src/runtime/data/split.ts";
import * as init from "../../src/runtime/init.ts";
import * as nn from "../../src/runtime/nn/index.ts";
import type {
  Combined,
  Embedded,
  LossValue,
  Net,
  ParameterSpec,
  Program,
  StateSpec,
} from "../../src/runtime/program.ts";
import { counterRandom } from "../../src/runtime/random.ts";
import * as strategies from "../../src/runtime/ensemble/index.ts";

export const SIDE = 12;

/** Every class is a fixed constellation of three soft blobs; its samples are shifted by up to a pixel, lit from a random side, with noise. */
export function shapes(classes = 24, samples = 10): DataSource {
  return {
    description: `shapes(classes: ${classes}, samples: ${samples})`,
    async load(context) {
      context.progress("drawing shapes", 0, classes * samples);
      return drawShapes(classes, samples);
    },
  };
}

export function drawShapes(classes: number, samples: number): Dataset {
  const n = classes * samples;
  const pixels = new Uint8Array(n * SIDE * SIDE);
  const labels = new Int32Array(n);
  const sampleNames: string[] = [];
  for (let c = 0; c < classes; c++) {
    const prototype = counterRandom(1, `shapes/${c}`);
    const blobs = [0, 1, 2].map(() => [2 + 8 * prototype.uniform(), 2 + 8 * prototype.uniform()] as const);
    for (let s = 0; s < samples; s++) {
      const index = c * samples + s;
      const random = counterRandom(1, `shapes/${c}`, s + 1);
      const [dy, dx] = [2 * random.uniform() - 1, 2 * random.uniform() - 1];
      // The light falls from a random side: most of what differs between images says nothing of the class.
      const [sideY, sideX] = [random.normal(), random.normal()];
      labels[index] = c;
      sampleNames.push(`${c}/${s}`);
      for (let y = 0; y < SIDE; y++) {
        for (let x = 0; x < SIDE; x++) {
          const light = blobs.reduce(
            (sum, [by, bx]) => sum + Math.exp(-((y - by - dy) ** 2 + (x - bx - dx) ** 2) / 2),
            0,
          );
          const shade = 8 * (sideY * (y - 6) + sideX * (x - 6));
          const value = 90 + 80 * Math.min(light, 1) + shade + 40 * random.uniform();
          pixels[(index * SIDE + y) * SIDE + x] = Math.max(0, Math.min(255, Math.round(value)));
        }
      }
    }
  }
  return {
    name: "shapes",
    image: [SIDE, SIDE, 1],
    classNames: Array.from({ length: classes }, (_, c) => `shape ${c}`),
    classClusters: Int32Array.from({ length: classes }, (_, c) => c),
    labels,
    sampleNames,
    pixels,
    notes: [],
  };
}

function parameters(sizes: { readonly classes: number }): ParameterSpec[] {
  return [
    ...nn.convParameters("backbone/1.conv", {
      inputs: 1,
      outputs: 8,
      kernel: 3,
      bias: false,
      group: "backbone",
    }),
    ...nn.batchNormParameters("backbone/2.batch_norm", 8, "backbone"),
    ...nn.convParameters("backbone/5.conv", {
      inputs: 8,
      outputs: 16,
      kernel: 3,
      bias: false,
      group: "backbone",
    }),
    ...nn.batchNormParameters("backbone/6.batch_norm", 16, "backbone"),
    ...nn.linearParameters("heads/pull/1.linear", { inputs: 144, outputs: 16, bias: true, group: "heads" }),
    ...nn.linearParameters("heads/soft/1.linear", { inputs: 144, outputs: 16, bias: true, group: "heads" }),
    {
      name: "losses/soft/w",
      shape: [sizes.classes, 16],
      init: init.xavierUniform(),
      group: "params",
      lr: 1e-2,
      decay: false,
      trainable: true,
    },
    ...strategies.learnedParameters("combine", 2),
  ];
}

function state(): StateSpec[] {
  return [
    ...nn.batchNormState("backbone/2.batch_norm", 8),
    ...nn.batchNormState("backbone/6.batch_norm", 16),
    ...strategies.scaleState("combine", 2),
  ];
}

function embed(images: tf.Tensor4D, net: Net): Embedded {
  let h = nn.conv(images, net, "backbone/1.conv");
  h = nn.maxPool(nn.relu(nn.batchNorm(h, net, "backbone/2.batch_norm")), 2);
  h = nn.conv(h, net, "backbone/5.conv");
  h = nn.maxPool(nn.relu(nn.batchNorm(h, net, "backbone/6.batch_norm")), 2);
  return {
    features: tf.reshape(h, [h.shape[0], -1]),
    heads: {
      pull: nn.normalize(nn.linear(h, net, "heads/pull/1.linear")),
      soft: nn.normalize(nn.linear(h, net, "heads/soft/1.linear")),
    },
  };
}

/** Contrastive on squared distances of unit vectors, means over all pairs. */
export function contrastive(x: tf.Tensor2D, y: tf.Tensor1D): LossValue {
  const batch = x.shape[0];
  const same = tf.cast(tf.equal(tf.expandDims(y, 1), tf.expandDims(y, 0)), "float32");
  const positives = tf.sub(same, tf.eye(batch));
  const negatives = tf.sub(1, same);
  const squared = tf.sub(2, tf.mul(2, tf.matMul(x, x, false, true)));
  const mean = (mask: tf.Tensor, terms: tf.Tensor): tf.Tensor =>
    tf.div(tf.sum(tf.mul(mask, terms)), tf.maximum(tf.sum(mask), 1));
  const value = tf.add(mean(positives, squared), mean(negatives, tf.relu(tf.sub(1, squared))));
  return { value: value as tf.Scalar, valid: tf.scalar(1) };
}

/** Cross-entropy of scaled cosines to one proxy a class. */
function normalizedSoftmax(x: tf.Tensor2D, y: tf.Tensor1D, net: Net): LossValue {
  const w = nn.normalize(net.param("losses/soft/w") as tf.Tensor2D);
  const logits = tf.mul(tf.matMul(x, w, false, true), 10);
  const target = tf.cast(tf.oneHot(y, net.sizes.classes), "float32");
  const value = tf.mean(tf.sub(tf.logSumExp(logits, 1), tf.sum(tf.mul(logits, target), 1)));
  return { value: value as tf.Scalar, valid: tf.scalar(1) };
}

/** The program; `changes` replaces parts of it. */
export function shapesProgram(changes: Partial<Program> = {}): Program {
  return {
    name: "shape_search",
    spec: { file: "shapes.dml", hash: "0".repeat(64) },
    compiler: "0.1.0",
    data: shapes(),
    split: zeroShot({ train: 0.5, validation: 0.2 }),
    augment: [],
    image: [SIDE, SIDE, 1],
    heads: [
      { name: "pull", dim: 16, unit: true, weight: 0.5, losses: ["pull"] },
      { name: "soft", dim: 16, unit: true, weight: 0.5, losses: ["soft"] },
    ],
    lossPlaces: {
      pull: { file: "shapes.dml", line: 11, text: "pull: contrastive()" },
      soft: { file: "shapes.dml", line: 12, text: "soft: normalized_softmax(scale: 10)" },
    },
    parameters,
    state,
    embed,
    losses: (embeddings, labels, net) => ({
      pull: contrastive(embeddings["pull"]!, labels),
      soft: normalizedSoftmax(embeddings["soft"]!, labels, net),
    }),
    combine: (losses, { net }): Combined =>
      strategies.learned(net, "combine", [
        strategies.term("pull", losses["pull"]!),
        strategies.term("soft", losses["soft"]!),
      ]),
    train: {
      batch: { classes: 6, samples: 4 },
      optimizer: { kind: "adamw", lr: 3e-3, weightDecay: 1e-4, clip: 10 },
      schedule: { kind: "cosine", warmup: 5, floor: 0 },
      steps: 60,
      select: { kind: "last" },
      seed: 7,
    },
    evaluate: { recallAt: [1, 2, 4], mapAtR: true, rPrecision: true, nmi: true, knnAccuracy: 3 },
    compress: { kind: "distances", to: 16 },
    ...changes,
  };
}
