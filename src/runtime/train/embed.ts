/**
 * Embeddings of many samples: through the network in evaluation mode, and of the raw pixels as the baseline it must
 * beat. Called for selection during training and for the final evaluation.
 */
import * as tf from "@tensorflow/tfjs-core";
import { evaluationBatches } from "../data/batches.ts";
import type { Dataset } from "../data/types.ts";
import { capture } from "../engine/capture/capture.ts";
import type { Captured } from "../engine/capture/capture.ts";
import type { Recorder } from "../engine/capture/recorder.ts";
import type { WeightValues } from "../ensemble/embedding.ts";
import { fitHeadWeights } from "../ensemble/fit.ts";
import type { Program, Sizes } from "../program.ts";
import { createNet } from "./net.ts";
import type { TensorMap } from "./tensors.ts";

const EVALUATION_BATCH = 256;

/** What a network makes of a batch. */
interface EmbeddedBatch {
  readonly heads: TensorMap;
  /** Squared weights of heads, where the network decides them: [B], or scalars. */
  readonly weights: TensorMap;
  /** The features [B, F] under `features`, where the compression reads them; else nothing. */
  readonly read: TensorMap;
}

/** A program's forward pass in evaluation mode, over parameters, state and images [B, H, W, C]. */
export type Embedder = Captured<[parameters: TensorMap, state: TensorMap, images: tf.Tensor], EmbeddedBatch>;

/** The forward pass of a program, captured where the engine can: one for a run, whatever the weights. */
export function createEmbedder(
  program: Program,
  sizes: Sizes,
  recorder: Recorder | undefined,
  say?: (message: string, captured: boolean) => void,
): Embedder {
  const embed = (parameters: TensorMap, state: TensorMap, images: tf.Tensor): EmbeddedBatch =>
    tf.tidy(() => {
      const net = createNet(sizes, false, parameters, state);
      const { features, heads } = program.embed(images as tf.Tensor4D, net);
      const read: TensorMap = readsFeatures(program) ? { features } : {};
      return { heads: { ...heads }, weights: { ...program.headWeights?.(features, net) }, read };
    });
  return capture(recorder, embed, {
    label: "embedding pass",
    ...(say === undefined ? {} : { say }),
  }) as Embedder;
}

/** Whether the compression makes its embedding of the features. */
const readsFeatures = ({ compress }: Program): boolean =>
  compress !== undefined && (compress.kind === "distilled" || compress.fold !== undefined);

/** A network: a program with its parameters and state. */
export interface Network {
  readonly program: Program;
  /** Its forward pass. */
  readonly embedder: Embedder;
  readonly parameters: TensorMap;
  readonly state: TensorMap;
  /** Squared weights of the heads that were fitted after training; they take the place of all others. */
  readonly fitted?: WeightValues;
}

/** What a network makes of n samples. */
export interface SampleEmbeddings {
  /** Each head's embeddings [n, dim]. */
  readonly heads: Readonly<Record<string, Float32Array>>;
  /** Squared weights of heads that the network decides on, or that were fitted: [n], or [1] for all samples. */
  readonly weights: WeightValues;
  /** The backbone's features [n, F], where the program's compression reads them. */
  readonly features?: Float32Array;
}

/** The embeddings of the samples at `indices`, without augmentation. */
export async function embedSamples(
  network: Network,
  dataset: Dataset,
  indices: Int32Array,
): Promise<SampleEmbeddings> {
  const { program, embedder, parameters, state } = network;
  const embeddings: Record<string, Float32Array> = Object.fromEntries(
    program.heads.map((head) => [head.name, new Float32Array(indices.length * head.dim)]),
  );
  const weights = new Map<string, Float32Array>();
  let features: Float32Array | undefined;
  // Every batch is of one size, the last filled up with zeros: one shape, one captured graph.
  const size = Math.min(EVALUATION_BATCH, indices.length);
  const batches = evaluationBatches(dataset, indices, size);
  for (let index = 0; index < batches.count; index++) {
    const { images, labels } = batches.batch(index);
    const count = labels.length;
    const from = index * size;
    const input = tf.tensor4d(filledUp(images, count, size), [size, ...program.image]);
    const output = embedder(parameters, state, input);
    for (const { name, dim } of program.heads) {
      const values = await output.heads[name]!.data();
      embeddings[name]!.set(values.subarray(0, count * dim), from * dim);
    }
    for (const [name, weight] of Object.entries(output.weights)) {
      const all = weights.get(name) ?? new Float32Array(weight.rank === 0 ? 1 : indices.length);
      const values = await weight.data();
      all.set(weight.rank === 0 ? values : values.subarray(0, count), weight.rank === 0 ? 0 : from);
      weights.set(name, all);
    }
    const read = output.read["features"];
    if (read !== undefined) {
      const width = read.size / size;
      features ??= new Float32Array(indices.length * width);
      features.set((await read.data()).subarray(0, count * width), from * width);
    }
    tf.dispose([input, { ...output.heads }, { ...output.weights }, { ...output.read }]);
  }
  const all = { ...Object.fromEntries(weights), ...network.fitted };
  return { heads: embeddings, weights: all, ...(features === undefined ? {} : { features }) };
}

/** Images of `count` samples as those of `size`. */
function filledUp(images: Float32Array, count: number, size: number): Float32Array {
  if (count === size) return images;
  const all = new Float32Array((images.length / count) * size);
  all.set(images);
  return all;
}

/**
 * The heads' weights that serve the validation classes, where the program asks for them; none where it does not.
 *
 * @throws RunError if the validation classes hold too little.
 */
export async function fitted(
  network: Network,
  dataset: Dataset,
  validation: Int32Array,
  seed: number,
): Promise<WeightValues | undefined> {
  const { program } = network;
  if (program.inference === undefined) return undefined;
  const { heads } = await embedSamples(network, dataset, validation);
  const labels = validation.map((sample) => dataset.labels[sample]!);
  return fitHeadWeights(program.heads, heads, labels, seed);
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
