import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, test, vi } from "vitest";
import { trainingBatches } from "../../src/runtime/data/batches.ts";
import { startEngine } from "../../src/runtime/engine/index.ts";
import type { Program } from "../../src/runtime/program.ts";
import { disposeFeeds, makeFeeds } from "../../src/runtime/train/feeds.ts";
import type { Feeds } from "../../src/runtime/train/feeds.ts";
import { createOptimizer } from "../../src/runtime/train/optimizers.ts";
import { readTensors, restoreTensors } from "../../src/runtime/train/parameters.ts";
import { createStep } from "../../src/runtime/train/step.ts";
import type { Step, StepResult } from "../../src/runtime/train/step.ts";
import { Holder } from "../../src/runtime/train/tensors.ts";
import type { Generation } from "../../src/runtime/train/tensors.ts";
import { initialGeneration } from "../../src/runtime/train/trainer.ts";
import { disposeValues } from "../../src/runtime/train/values.ts";
import { drawShapes, shapesProgram } from "./shapes.ts";

beforeAll(async () => {
  await startEngine("wasm");
});

interface SetUp {
  readonly step: Step;
  readonly start: Generation;
  feeds(number: number): Feeds;
}

/** The shapes program on twelve classes, before its first step. */
function setUp(program: Program = shapesProgram()): SetUp {
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
  const noise = program.noise?.(sizes) ?? [];
  const source = { batches, optimizer, train: program.train, noise, steps: 30, seed: 7 };
  return {
    step: createStep(program, sizes, specs, optimizer),
    start: initialGeneration(program, sizes, specs, 7),
    feeds: (number) => makeFeeds(source, number),
  };
}

/** Every number of a generation. */
function numbersOf({ parameters, state, slots }: Generation): Record<string, number[]> {
  const all = Object.entries({ ...parameters, ...state, ...slots });
  return Object.fromEntries(all.map(([name, tensor]) => [name, Array.from(tensor.dataSync())]));
}

/** Disposes of what a step has made. */
function disposeResult(result: StepResult): void {
  disposeValues(result.values);
  tf.dispose([{ ...result.parameters }, { ...result.state }, { ...result.slots }]);
}

describe("a training step", () => {
  test("lowers the loss, and leaks no tensor", () => {
    const before = tf.memory().numTensors;
    const { step, start, feeds } = setUp();
    const holder = new Holder();
    let generation = holder.hold(start);
    const pulls: number[] = [];
    const alive = new Set<number>();
    for (let i = 0; i < 30; i++) {
      const fed = feeds(i);
      const next = step(generation, fed.batch, fed.rates);
      holder.hold(next);
      holder.release(generation);
      generation = next;
      pulls.push(next.values.losses["pull"]!.dataSync()[0]!);
      disposeFeeds(fed);
      disposeValues(next.values);
      alive.add(tf.memory().numTensors);
    }
    const mean = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
    expect(mean(pulls.slice(-5))).toBeLessThan(0.8 * mean(pulls.slice(0, 5)));
    expect(alive.size).toBe(1);
    holder.releaseAll();
    expect(tf.memory().numTensors).toBe(before);
  });

  test("is a pure function: the same arguments give the same bits, and stay as they were", () => {
    const { step, start, feeds } = setUp();
    const before = numbersOf(start);
    const fed = feeds(0);
    const [first, second] = [step(start, fed.batch, fed.rates), step(start, fed.batch, fed.rates)];
    expect(numbersOf(second)).toEqual(numbersOf(first));
    expect(numbersOf(start)).toEqual(before);
    expect(numbersOf(first)).not.toEqual(before);
    for (const result of [first, second]) disposeResult(result);
    disposeFeeds(fed);
    tf.dispose([{ ...start.parameters }, { ...start.state }, { ...start.slots }]);
  });

  test("reads nothing back and draws no random number", () => {
    const { step, start, feeds } = setUp();
    const fed = feeds(0);
    const reads = [
      vi.spyOn(tf.engine(), "read"),
      vi.spyOn(tf.engine(), "readSync"),
      vi.spyOn(Math, "random"),
    ];
    const result = step(start, fed.batch, fed.rates);
    for (const read of reads) {
      expect(read).not.toHaveBeenCalled();
      read.mockRestore();
    }
    disposeResult(result);
    disposeFeeds(fed);
    tf.dispose([{ ...start.parameters }, { ...start.state }, { ...start.slots }]);
  });

  test("leaves a parameter that is not trainable as it is, the very tensor", () => {
    const program = shapesProgram();
    const fixed = "losses/soft/w";
    const { step, start, feeds } = setUp({
      ...program,
      parameters: (sizes) =>
        program.parameters(sizes).map((spec) => (spec.name === fixed ? { ...spec, trainable: false } : spec)),
    });
    const fed = feeds(0);
    const result = step(start, fed.batch, fed.rates);
    expect(result.parameters[fixed]).toBe(start.parameters[fixed]);
    const holder = new Holder();
    holder.hold(start);
    holder.hold(result);
    holder.release(start);
    expect(start.parameters[fixed]!.isDisposed).toBe(false);
    expect(start.parameters["combine/a"]!.isDisposed).toBe(true);
    holder.releaseAll();
    expect(start.parameters[fixed]!.isDisposed).toBe(true);
    disposeValues(result.values);
    disposeFeeds(fed);
  });

  test("what a program reads or sets without declaring it is named", () => {
    const program = shapesProgram();
    const { step, start, feeds } = setUp({
      ...program,
      embed: (_, net) => ({ features: net.param("missing") as tf.Tensor2D, heads: {} }),
    });
    const fed = feeds(0);
    expect(() => step(start, fed.batch, fed.rates)).toThrow('no parameter "missing" is declared');
    disposeFeeds(fed);
    tf.dispose([{ ...start.parameters }, { ...start.state }, { ...start.slots }]);
  });
});

describe("stored weights", () => {
  test("come back as they were, and what does not fit is named", async () => {
    const program = shapesProgram();
    const specs = program.parameters({ classes: 12 });
    const { start } = setUp(program);
    const stored = await readTensors(start.parameters);
    const restored = restoreTensors(specs, stored);
    for (const { name } of specs) {
      expect(restored[name]!.dataSync()).toEqual(start.parameters[name]!.dataSync());
      expect(restored[name]!.shape).toEqual(start.parameters[name]!.shape);
    }
    expect(() => restoreTensors(program.parameters({ classes: 13 }), stored)).toThrow(
      '"losses/soft/w" has shape [12, 16], not [13, 16]',
    );
    stored.delete("combine/a");
    expect(() => restoreTensors(specs, stored)).toThrow('"combine/a" is not among the stored tensors');
  });
});
