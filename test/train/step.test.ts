import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, test } from "vitest";
import { trainingBatches } from "../../src/runtime/data/batches.ts";
import { startEngine } from "../../src/runtime/engine/index.ts";
import { createOptimizer } from "../../src/runtime/train/optimizers.ts";
import { initialParameters, initialState } from "../../src/runtime/train/parameters.ts";
import { createStep } from "../../src/runtime/train/step.ts";
import { Holder } from "../../src/runtime/train/tensors.ts";
import type { Generation } from "../../src/runtime/train/tensors.ts";
import { drawShapes, shapesProgram } from "./shapes.ts";

beforeAll(async () => {
  await startEngine("wasm");
});

function feed(values: Readonly<Record<string, number>>): Record<string, tf.Scalar> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, tf.scalar(value)]));
}

/** Runs the shapes program for some steps; returns one loss and the number of tensors alive after each. */
function trainSteps(steps: number): { pulls: number[]; alive: number[]; dispose: () => void } {
  const program = shapesProgram();
  const dataset = drawShapes(12, 10);
  const batches = trainingBatches(
    dataset,
    Int32Array.from(dataset.labels.keys()),
    program.train.batch,
    [],
    7,
  );
  const sizes = { classes: batches.classes };
  const specs = program.parameters(sizes);
  const optimizer = createOptimizer(program.train.optimizer, specs);
  const step = createStep(program, sizes, specs, optimizer);
  const holder = new Holder();
  let generation: Generation = holder.hold({
    parameters: initialParameters(specs, 7),
    state: initialState(program.state(sizes)),
    slots: initialState(optimizer.slots),
  });
  const pulls: number[] = [];
  const alive: number[] = [];
  for (let i = 0; i < steps; i++) {
    const { images, labels } = batches.batch(i);
    const batch = { images: tf.tensor4d(images, [...batches.shape]), labels: tf.tensor1d(labels, "int32") };
    const values = optimizer.rates(i, 1);
    const rates = {
      lr: feed(values.lr),
      firstCorrection: tf.scalar(values.firstCorrection),
      secondCorrection: tf.scalar(values.secondCorrection),
    };
    const next = step(generation, batch, rates);
    holder.hold(next);
    holder.release(generation);
    generation = next;
    pulls.push(next.values.losses["pull"]!.dataSync()[0]!);
    tf.dispose([batch.images, batch.labels, rates.lr, rates.firstCorrection, rates.secondCorrection]);
    tf.dispose({ ...next.values });
    alive.push(tf.memory().numTensors);
  }
  return { pulls, alive, dispose: () => holder.releaseAll() };
}

describe("a training step", () => {
  test("lowers the loss, and leaks no tensor", () => {
    const before = tf.memory().numTensors;
    const run = trainSteps(30);
    const mean = (pulls: number[]): number => pulls.reduce((sum, value) => sum + value, 0) / pulls.length;
    expect(mean(run.pulls.slice(-5))).toBeLessThan(0.8 * mean(run.pulls.slice(0, 5)));
    expect(new Set(run.alive).size).toBe(1);
    run.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  test("is deterministic to the bit", () => {
    const [first, second] = [trainSteps(5), trainSteps(5)];
    expect(second.pulls).toEqual(first.pulls);
    first.dispose();
    second.dispose();
  });
});
