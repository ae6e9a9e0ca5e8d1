/**
 * The first steps of a program's training on an engine, value by value, and whether its memory grows. Used by the
 * conformance suite.
 */
import * as tf from "@tensorflow/tfjs-core";
import { trainingBatches } from "../../src/runtime/data/batches.ts";
import type { Recorder } from "../../src/runtime/engine/capture/recorder.ts";
import type { Program } from "../../src/runtime/program.ts";
import { capturedStep } from "../../src/runtime/train/captured_step.ts";
import { disposeFeeds, makeFeeds } from "../../src/runtime/train/feeds.ts";
import { createOptimizer } from "../../src/runtime/train/optimizers.ts";
import { createStep } from "../../src/runtime/train/step.ts";
import { Holder } from "../../src/runtime/train/tensors.ts";
import { initialGeneration } from "../../src/runtime/train/trainer.ts";
import { disposeValues, readValues } from "../../src/runtime/train/values.ts";
import type { ReadValues } from "../../src/runtime/train/values.ts";
import { drawShapes } from "../train/shapes.ts";

export interface Curve {
  /** What each step said of itself. */
  readonly steps: readonly ReadValues[];
  /** Parameters and state after the last step, by name. */
  readonly last: ReadonlyMap<string, Float32Array>;
  /** Tensors that were alive after each step. */
  readonly tensors: readonly number[];
  /** What was said of capturing the step. */
  readonly notes: readonly string[];
}

/** Trains `count` steps from the program's own start with one seed on the current backend. */
export async function curve(program: Program, count: number, recorder: Recorder | undefined): Promise<Curve> {
  const seed = 1;
  const dataset = drawShapes(12, 6);
  const indices = Int32Array.from({ length: dataset.labels.length }, (_, k) => k);
  const batches = trainingBatches(dataset, indices, program.train.batch, program.augment, seed);
  const sizes = { classes: batches.classes };
  const specs = program.parameters(sizes);
  const optimizer = createOptimizer(program.train.optimizer, specs);
  const notes: string[] = [];
  const { step, dispose } = capturedStep(recorder, createStep(program, sizes, specs, optimizer), (note) =>
    notes.push(note),
  );
  const noise = program.noise?.(sizes) ?? [];
  const { train, views } = program;
  const holder = new Holder();
  let generation = holder.hold(initialGeneration(program, sizes, specs, seed));
  const steps: ReadValues[] = [];
  const tensors: number[] = [];
  for (let k = 0; k < count; k++) {
    const feeds = makeFeeds({ batches, optimizer, train, noise, steps: count, seed, views }, k);
    const result = step(generation, feeds.batch, feeds.rates);
    holder.hold(result);
    disposeFeeds(feeds);
    steps.push(await readValues(result.values));
    disposeValues(result.values);
    holder.release(generation);
    generation = result;
    tensors.push(tf.memory().numTensors);
  }
  const named = Object.entries({ ...generation.parameters, ...generation.state });
  const last = new Map<string, Float32Array>();
  for (const [name, tensor] of named) last.set(name, Float32Array.from(await tensor.data()));
  holder.releaseAll();
  dispose();
  return { steps, last, tensors, notes };
}
