/** What a step is fed, on the engine: the batch of a step and the rates of a step, both functions of its number. */
import * as tf from "@tensorflow/tfjs-core";
import type { Batch, TrainingBatches } from "../data/batches.ts";
import { ImageStream } from "../data/images/stream.ts";
import type { NoiseSpec, TrainSettings } from "../program.ts";
import { uniformNoise } from "../random.ts";
import type { Optimizer, RateTensors } from "./optimizers.ts";
import { scheduleFactor } from "./schedules.ts";
import type { BatchTensors } from "./step.ts";

/** The feeds of one step. */
export interface Feeds {
  readonly batch: BatchTensors;
  readonly rates: RateTensors;
  /** How long the step waited for its batch, in milliseconds. */
  readonly dataMs: number;
  /** Gives back the memory of the images, if it is used again. */
  readonly release?: () => void;
}

/** What the feeds of a run are made of. */
export interface FeedSource {
  readonly batches: TrainingBatches;
  readonly optimizer: Optimizer;
  readonly train: TrainSettings;
  /** Noise that the program reads. */
  readonly noise: readonly NoiseSpec[];
  /** Steps of the run. */
  readonly steps: number;
  readonly seed: number;
  /** Views of each batch that the program reads; one where absent. */
  readonly views?: number | undefined;
}

/** Makes the feeds of step `step` (0-based) of a run here and now. The caller disposes of them. */
export function makeFeeds(source: FeedSource, step: number): Feeds {
  const { batches, views = 1 } = source;
  const start = performance.now();
  const drawn = Array.from({ length: views }, (_, view) => batches.batch(step, view));
  const images = joined(drawn);
  return { ...feedsOf(source, step, images), dataMs: performance.now() - start };
}

/** The feeds of any step; where the data set has a maker of images, those of the steps to come are made meanwhile. */
export function feedsAhead(source: FeedSource): (step: number) => Promise<Feeds> {
  const { batches, steps, views = 1 } = source;
  const [size, ...image] = batches.shape;
  const { images: maker } = batches;
  if (maker === undefined) return async (step) => makeFeeds(source, step);
  const requestOf = (step: number) => batches.request(step, views);
  const stream = new ImageStream(maker, requestOf, steps, [views * size, ...image]);
  return async (step) => {
    const start = performance.now();
    const { images, release } = await stream.take(step);
    const dataMs = performance.now() - start;
    return { ...feedsOf(source, step, images), dataMs, release };
  };
}

/** @param images those of all views, view after view. */
function feedsOf(
  { batches, optimizer, train, noise, steps, seed, views = 1 }: FeedSource,
  step: number,
  images: Float32Array,
): Pick<Feeds, "batch" | "rates"> {
  const values = optimizer.rates(step, scheduleFactor(train.schedule, step, steps));
  const [size, ...image] = batches.shape;
  return {
    batch: {
      images: tf.tensor4d(images, [views * size, ...image]),
      labels: tf.tensor1d(batches.labels(step), "int32"),
      ids: tf.tensor1d(batches.samples(step), "int32"),
      otherLabels: Object.fromEntries(
        batches.further.map(({ name, labels }) => [name, tf.tensor1d(labels(step), "int32")]),
      ),
      noise: Object.fromEntries(noise.map((spec) => [spec.name, uniform(spec, seed, step)])),
    },
    rates: {
      lr: Object.fromEntries(Object.entries(values.lr).map(([key, lr]) => [key, tf.scalar(lr)])),
      firstCorrection: tf.scalar(values.firstCorrection),
      secondCorrection: tf.scalar(values.secondCorrection),
    },
  };
}

/** The images of all views as one array. */
function joined(views: readonly Batch[]): Float32Array {
  const [first] = views;
  if (views.length === 1) return first!.images;
  const all = new Float32Array(views.length * first!.images.length);
  views.forEach(({ images }, view) => all.set(images, view * images.length));
  return all;
}

/** The noise of a step: uniform, from the stream of (seed, name, step). */
function uniform({ name, shape }: NoiseSpec, seed: number, step: number): tf.Tensor {
  const length = shape.reduce((product, side) => product * side, 1);
  return tf.tensor(uniformNoise(seed, name, step, length), [...shape]);
}

/** Once no tensor of a step is read any more. */
export function disposeFeeds({ batch, rates, release }: Feeds): void {
  tf.dispose([
    batch.images,
    batch.labels,
    batch.ids,
    { ...batch.otherLabels },
    { ...batch.noise },
    rates.firstCorrection,
    rates.secondCorrection,
    { ...rates.lr },
  ]);
  release?.();
}
