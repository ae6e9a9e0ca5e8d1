/** What a step is fed, on the engine: the batch of a step and the rates of a step, both functions of its number. */
import * as tf from "@tensorflow/tfjs-core";
import type { TrainingBatches } from "../data/batches.ts";
import type { TrainSettings } from "../program.ts";
import type { Optimizer, RateTensors } from "./optimizers.ts";
import { scheduleFactor } from "./schedules.ts";
import type { BatchTensors } from "./step.ts";

/** The feeds of one step, and how long its batch took to make. */
export interface Feeds {
  readonly batch: BatchTensors;
  readonly rates: RateTensors;
  readonly dataMs: number;
}

/** Makes the feeds of step `step` (0-based) of a run of `steps`. The caller disposes of them. */
export function makeFeeds(
  batches: TrainingBatches,
  optimizer: Optimizer,
  train: TrainSettings,
  steps: number,
  step: number,
): Feeds {
  const start = performance.now();
  const { images, labels } = batches.batch(step);
  const dataMs = performance.now() - start;
  const values = optimizer.rates(step, scheduleFactor(train.schedule, step, steps));
  return {
    batch: { images: tf.tensor4d(images, [...batches.shape]), labels: tf.tensor1d(labels, "int32") },
    rates: {
      lr: Object.fromEntries(Object.entries(values.lr).map(([key, lr]) => [key, tf.scalar(lr)])),
      firstCorrection: tf.scalar(values.firstCorrection),
      secondCorrection: tf.scalar(values.secondCorrection),
    },
    dataMs,
  };
}

export function disposeFeeds({ batch, rates }: Feeds): void {
  tf.dispose([batch.images, batch.labels, rates.firstCorrection, rates.secondCorrection, { ...rates.lr }]);
}
