/** What a step is fed, on the engine: the batch of a step and the rates of a step, both functions of its number. */
import * as tf from "@tensorflow/tfjs-core";
import type { Batch, TrainingBatches } from "../data/batches.ts";
import type { NoiseSpec, TrainSettings } from "../program.ts";
import { counterRandom } from "../random.ts";
import type { Optimizer, RateTensors } from "./optimizers.ts";
import { scheduleFactor } from "./schedules.ts";
import type { BatchTensors } from "./step.ts";

/** The feeds of one step, and how long its batch took to make. */
export interface Feeds {
  readonly batch: BatchTensors;
  readonly rates: RateTensors;
  readonly dataMs: number;
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

/** Makes the feeds of step `step` (0-based) of a run. The caller disposes of them. */
export function makeFeeds(
  { batches, optimizer, train, noise, steps, seed, views = 1 }: FeedSource,
  step: number,
): Feeds {
  const start = performance.now();
  const drawn = Array.from({ length: views }, (_, view) => batches.batch(step, view));
  const { labels, ids } = drawn[0]!;
  const dataMs = performance.now() - start;
  const values = optimizer.rates(step, scheduleFactor(train.schedule, step, steps));
  return {
    batch: {
      images: imagesOf(drawn, batches.shape),
      labels: tf.tensor1d(labels, "int32"),
      ids: tf.tensor1d(ids, "int32"),
      noise: Object.fromEntries(noise.map((spec) => [spec.name, uniform(spec, seed, step)])),
    },
    rates: {
      lr: Object.fromEntries(Object.entries(values.lr).map(([key, lr]) => [key, tf.scalar(lr)])),
      firstCorrection: tf.scalar(values.firstCorrection),
      secondCorrection: tf.scalar(values.secondCorrection),
    },
    dataMs,
  };
}

/** The images of all views as one batch, view after view. */
function imagesOf(views: readonly Batch[], [size, ...image]: TrainingBatches["shape"]): tf.Tensor4D {
  const [first] = views;
  const length = first!.images.length;
  const all = views.length === 1 ? first!.images : new Float32Array(views.length * length);
  if (views.length > 1) views.forEach(({ images }, view) => all.set(images, view * length));
  return tf.tensor4d(all, [views.length * size, ...image]);
}

/** The noise of a step: uniform, from the stream of (seed, name, step). */
function uniform({ name, shape }: NoiseSpec, seed: number, step: number): tf.Tensor {
  const random = counterRandom(seed, name, step);
  const length = shape.reduce((product, side) => product * side, 1);
  return tf.tensor(
    Float32Array.from({ length }, () => random.uniform()),
    [...shape],
  );
}

export function disposeFeeds({ batch, rates }: Feeds): void {
  tf.dispose([
    batch.images,
    batch.labels,
    batch.ids,
    { ...batch.noise },
    rates.firstCorrection,
    rates.secondCorrection,
    { ...rates.lr },
  ]);
}
