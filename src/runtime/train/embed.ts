/**
 * Embeddings of many samples: through the network in evaluation mode, and of the raw pixels as the baseline it must
 * beat. Called for selection during training and for the final evaluation.
 */
import * as tf from "@tensorflow/tfjs-core";
import { evaluationBatches } from "../data/batches.ts";
import type { Dataset } from "../data/types.ts";
import type { WeightValues } from "../ensemble/embedding.ts";
import type { Program, Sizes } from "../program.ts";
import { createNet } from "./net.ts";
import type { TensorMap } from "./tensors.ts";

const EVALUATION_BATCH = 256;

/** A network: a program with its parameters and state. */
export interface Network {
  readonly program: Program;
  readonly sizes: Sizes;
  readonly parameters: TensorMap;
  readonly state: TensorMap;
}

/** What a network makes of n samples. */
export interface SampleEmbeddings {
  /** Each head's embeddings [n, dim]. */
  readonly heads: Readonly<Record<string, Float32Array>>;
  /** Squared weights of heads that the network decides on: [n], or [1] for all samples. */
  readonly weights: WeightValues;
}

/** The embeddings of the samples at `indices`, without augmentation. */
export async function embedSamples(
  network: Network,
  dataset: Dataset,
  indices: Int32Array,
): Promise<SampleEmbeddings> {
  const { program, sizes, parameters, state } = network;
  const net = createNet(sizes, false, parameters, state);
  const embeddings: Record<string, Float32Array> = Object.fromEntries(
    program.heads.map((head) => [head.name, new Float32Array(indices.length * head.dim)]),
  );
  const weights = new Map<string, Float32Array>();
  const batches = evaluationBatches(dataset, indices, EVALUATION_BATCH);
  for (let index = 0; index < batches.count; index++) {
    const { images, labels } = batches.batch(index);
    const from = index * EVALUATION_BATCH;
    const output = tf.tidy(() => {
      const { features, heads } = program.embed(tf.tensor4d(images, [labels.length, ...program.image]), net);
      return { heads: { ...heads }, weights: { ...program.headWeights?.(features, net) } };
    });
    for (const head of program.heads) {
      embeddings[head.name]!.set(await output.heads[head.name]!.data(), from * head.dim);
    }
    for (const [name, weight] of Object.entries(output.weights)) {
      const all = weights.get(name) ?? new Float32Array(weight.rank === 0 ? 1 : indices.length);
      all.set(await weight.data(), weight.rank === 0 ? 0 : from);
      weights.set(name, all);
    }
    tf.dispose(output);
  }
  return { heads: embeddings, weights: Object.fromEntries(weights) };
}

/**
 * The images themselves as embeddings, [n, H · W · C]: each centred on its mean and scaled to unit length, so that
 * nearer means more correlated. An image of one colour becomes the zero vector.
 */
export function pixelEmbeddings(dataset: Dataset, indices: Int32Array): Float32Array {
  const [height, width, channels] = dataset.image;
  const length = height * width * channels;
  const embeddings = new Float32Array(indices.length * length);
  indices.forEach((sample, row) => {
    const pixels = dataset.pixels.subarray(sample * length, (sample + 1) * length);
    const mean = pixels.reduce((sum, value) => sum + value, 0) / length;
    const squares = pixels.reduce((sum, value) => sum + (value - mean) ** 2, 0);
    const factor = squares > 0 ? 1 / Math.sqrt(squares) : 0;
    for (let i = 0; i < length; i++) embeddings[row * length + i] = (pixels[i]! - mean) * factor;
  });
  return embeddings;
}
