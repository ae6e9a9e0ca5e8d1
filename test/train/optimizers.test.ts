import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, test } from "vitest";
import { startEngine } from "../../src/runtime/engine/index.ts";
import { constant } from "../../src/runtime/init.ts";
import type { OptimizerSettings, ParameterSpec } from "../../src/runtime/program.ts";
import { createOptimizer } from "../../src/runtime/train/optimizers.ts";
import { initialState } from "../../src/runtime/train/parameters.ts";
import type { TensorMap } from "../../src/runtime/train/tensors.ts";

beforeAll(async () => {
  await startEngine("wasm");
});

type Values = Record<string, number[]>;

const specs: ParameterSpec[] = [
  { name: "filter", shape: [3], init: constant(0), group: "backbone", decay: true, trainable: true },
  { name: "bias", shape: [2], init: constant(0), group: "backbone", decay: false, trainable: true },
  { name: "head", shape: [2, 2], init: constant(0), group: "heads", decay: true, trainable: true },
  { name: "proxy", shape: [2], init: constant(0), group: "params", lr: 0.5, decay: false, trainable: true },
  { name: "fixed", shape: [1], init: constant(0), group: "params", decay: true, trainable: false },
];

const start: Values = {
  filter: [0.5, -1, 2],
  bias: [0.1, -0.2],
  head: [1, 2, -3, 0.25],
  proxy: [1, -1],
  fixed: [4],
};

/** Gradients of a step: anything that changes from step to step and is not symmetric. */
function gradientsAt(step: number): Values {
  return Object.fromEntries(
    Object.entries(start).map(([name, values], i) => [
      name,
      values.map((_, j) => Math.sin(1.7 * step + 0.9 * i + 0.4 * j) * (1 + i)),
    ]),
  );
}

/** Runs the optimiser under test. */
function run(settings: OptimizerSettings, steps: number, factor: (step: number) => number): Values {
  const optimizer = createOptimizer(settings, specs);
  let parameters: TensorMap = Object.fromEntries(
    specs.map(({ name, shape }) => [name, tf.tensor(start[name]!, [...shape])]),
  );
  let slots: TensorMap = initialState(optimizer.slots);
  for (let step = 0; step < steps; step++) {
    const rates = optimizer.rates(step, factor(step));
    const gradients = Object.fromEntries(
      specs
        .filter((spec) => spec.trainable)
        .map(({ name, shape }) => [name, tf.tensor(gradientsAt(step)[name]!, [...shape])]),
    );
    const next = optimizer.apply(parameters, gradients, slots, {
      lr: Object.fromEntries(Object.entries(rates.lr).map(([key, lr]) => [key, tf.scalar(lr)])),
      firstCorrection: tf.scalar(rates.firstCorrection),
      secondCorrection: tf.scalar(rates.secondCorrection),
    });
    ({ parameters, slots } = next);
  }
  return Object.fromEntries(specs.map(({ name }) => [name, Array.from(parameters[name]!.dataSync())]));
}

/** The same by hand in float64, one number at a time, as torch.optim writes it. */
function reference(settings: OptimizerSettings, steps: number, factor: (step: number) => number): Values {
  const p = structuredClone(start);
  const m: Values = Object.fromEntries(Object.keys(start).map((name) => [name, start[name]!.map(() => 0)]));
  const v = structuredClone(m);
  const { kind, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, momentum = 0, weightDecay = 0, clip } = settings;
  for (let step = 0; step < steps; step++) {
    const g = gradientsAt(step);
    const trained = specs.filter((spec) => spec.trainable);
    const norm = Math.sqrt(trained.flatMap(({ name }) => g[name]!).reduce((sum, x) => sum + x * x, 0));
    const scale = clip === undefined ? 1 : Math.min(1, clip / (norm + 1e-6));
    for (const spec of trained) {
      const lr = (spec.lr ?? settings.lr * (settings.groups?.[spec.group] ?? 1)) * factor(step);
      const decay = spec.decay ? weightDecay : 0;
      for (let i = 0; i < p[spec.name]!.length; i++) {
        let gradient = g[spec.name]![i]! * scale;
        const value = p[spec.name]![i]!;
        if (kind !== "adamw") gradient += decay * value;
        if (kind === "sgd") {
          m[spec.name]![i] = momentum * m[spec.name]![i]! + gradient;
          p[spec.name]![i] = value - lr * m[spec.name]![i]!;
          continue;
        }
        const first = (m[spec.name]![i] = beta1 * m[spec.name]![i]! + (1 - beta1) * gradient);
        const second = (v[spec.name]![i] = beta2 * v[spec.name]![i]! + (1 - beta2) * gradient ** 2);
        const update =
          first / (1 - beta1 ** (step + 1)) / (Math.sqrt(second / (1 - beta2 ** (step + 1))) + epsilon);
        p[spec.name]![i] = (kind === "adamw" ? value * (1 - lr * decay) : value) - lr * update;
      }
    }
  }
  return p;
}

describe("optimisers against a float64 reference over 8 steps", () => {
  const cases: Record<string, OptimizerSettings> = {
    "plain SGD": { kind: "sgd", lr: 0.05 },
    "SGD with momentum, decay and groups": {
      kind: "sgd",
      lr: 0.05,
      momentum: 0.9,
      weightDecay: 0.1,
      groups: { backbone: 0.1, heads: 2 },
    },
    "Adam with decay": { kind: "adam", lr: 0.01, weightDecay: 0.1 },
    "Adam with its own betas and epsilon": { kind: "adam", lr: 0.01, beta1: 0.5, beta2: 0.9, epsilon: 0.1 },
    AdamW: { kind: "adamw", lr: 0.01, weightDecay: 0.2, groups: { heads: 0.5 } },
    "AdamW clipped": { kind: "adamw", lr: 0.01, weightDecay: 0.2, clip: 1 },
    "a clip that does not bind": { kind: "sgd", lr: 0.01, clip: 1e3 },
  };
  for (const [name, settings] of Object.entries(cases)) {
    test(name, () => {
      const factor = (step: number): number => 1 / (step + 1);
      const [actual, expected] = [run(settings, 8, factor), reference(settings, 8, factor)];
      for (const parameter of Object.keys(start)) {
        expected[parameter]!.forEach((value, i) => expect(actual[parameter]![i]).toBeCloseTo(value, 5));
      }
    });
  }

  test("no weight decay where it is off, and constants stay", () => {
    const still = (settings: OptimizerSettings): Values => {
      const optimizer = createOptimizer(settings, specs);
      const parameters = Object.fromEntries(
        specs.map(({ name, shape }) => [name, tf.tensor(start[name]!, [...shape])]),
      );
      const rates = optimizer.rates(0, 1);
      const next = optimizer.apply(parameters, {}, initialState(optimizer.slots), {
        lr: Object.fromEntries(Object.entries(rates.lr).map(([key, lr]) => [key, tf.scalar(lr)])),
        firstCorrection: tf.scalar(rates.firstCorrection),
        secondCorrection: tf.scalar(rates.secondCorrection),
      });
      return Object.fromEntries(
        specs.map(({ name }) => [name, Array.from(next.parameters[name]!.dataSync())]),
      );
    };
    const after = still({ kind: "adamw", lr: 0.1, weightDecay: 0.5 });
    expect(after["filter"]![0]).toBeCloseTo(0.5 * 0.95, 6);
    for (const name of ["bias", "proxy", "fixed"]) {
      start[name]!.forEach((value, i) => expect(after[name]![i]).toBeCloseTo(value, 6));
    }
  });

  test("parameters of one rate and one decay share their slots", () => {
    const optimizer = createOptimizer({ kind: "adam", lr: 0.1 }, specs);
    expect(optimizer.slots.map((slot) => [slot.name, slot.shape])).toEqual([
      ["optimizer/0/first", [7]],
      ["optimizer/0/second", [7]],
      ["optimizer/1/first", [2]],
      ["optimizer/1/second", [2]],
      ["optimizer/2/first", [2]],
      ["optimizer/2/second", [2]],
    ]);
  });
});
