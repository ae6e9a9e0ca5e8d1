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

/** Images embedded at once: so many, or fewer where they are large. */
const EVALUATION_BATCH = 256;
const EVALUATION_BATCH_FLOATS = 2 ** 23;
const LEAST_EVALUATION_BATCH = 16;
/** The longest side of an image that is compared by its pixels. */
const PIXEL_SIDE = 32;

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
  const size = Math.min(evaluationBatch(program.image), indices.length);
  const batches = evaluationBatches(dataset, indices, size);
  for (let index = 0; index < batches.count; index++) {
    const { images, labels, release } = await batches.take(index);
    const count = labels.length;
    const from = index * size;
    const input = tf.tensor4d(images, [size, ...program.image]);
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
    release();
  }
  const all = { ...Object.fromEntries(weights), ...network.fitted };
  return { heads: embeddings, weights: all, ...(features === undefined ? {} : { features }) };
}

function evaluationBatch([height, width, channels]: readonly [number, number, number]): number {
  const fitting = Math.floor(EVALUATION_BATCH_FLOATS / (height * width * channels));
  return Math.min(EVALUATION_BATCH, Math.max(LEAST_EVALUATION_BATCH, fitting));
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
 * The images themselves as embeddings, [n, h · w · C]: each centred on its mean and scaled to unit length, so that
 * nearer means more correlated. An image of one colour becomes the zero vector. Images of more than 32 pixels a side are
 * made smaller by the mean over squares of pixels, the least that suffice.
 */
export async function pixelEmbeddings(
  dataset: Dataset,
  indices: Int32Array,
): Promise<{ embeddings: Float32Array; dim: number }> {
  const [height, width, channels] = dataset.image;
  const square = Math.ceil(Math.max(height, width) / PIXEL_SIDE);
  const dim = Math.ceil(height / square) * Math.ceil(width / square) * channels;
  const embeddings = new Float32Array(indices.length * dim);
  const size = evaluationBatch(dataset.image);
  const batches = evaluationBatches(dataset, indices, size);
  for (let index = 0; index < batches.count; index++) {
    const { images, labels, release } = await batches.take(index);
    labels.forEach((_, k) => {
      const length = height * width * channels;
      const pixels = smaller(images.subarray(k * length, (k + 1) * length), dataset.image, square);
      const mean = pixels.reduce((sum, value) => sum + value, 0) / dim;
      const squares = pixels.reduce((sum, value) => sum + (value - mean) ** 2, 0);
      const factor = squares > 0 ? 1 / Math.sqrt(squares) : 0;
      const row = (index * size + k) * dim;
      for (let i = 0; i < dim; i++) embeddings[row + i] = (pixels[i]! - mean) * factor;
    });
    release();
  }
  return { embeddings, dim };
}

/** The mean bytes over squares of pixels of an image in 0..1; those at the lower and the right edge may be cut short. */
function smaller(
  floats: Float32Array,
  [height, width, channels]: readonly [number, number, number],
  square: number,
): Float64Array {
  const columns = Math.ceil(width / square);
  const means = new Float64Array(Math.ceil(height / square) * columns * channels);
  const counts = new Float64Array(means.length);
  floats.forEach((value, at) => {
    const [y, x] = [Math.floor(at / (width * channels)), Math.floor(at / channels) % width];
    const to = (Math.floor(y / square) * columns + Math.floor(x / square)) * channels + (at % channels);
    // Bytes again: their sums are exact, and an image of one colour has no spread.
    means[to] = means[to]! + Math.round(value * 255);
    counts[to] = counts[to]! + 1;
  });
  return means.map((sum, at) => sum / counts[at]!);
}
