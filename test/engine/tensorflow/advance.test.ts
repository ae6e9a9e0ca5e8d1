/**
 * Training steps on an installed TensorFlow that update their parameters in place: the same numbers as operation by
 * operation, and nothing lost that is still held. Skipped, with the reason, where there is no TensorFlow.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { capture } from "../../../src/runtime/engine/capture/capture.ts";
import type { Captured } from "../../../src/runtime/engine/capture/capture.ts";
import type { Recorder } from "../../../src/runtime/engine/capture/recorder.ts";
import { startEngine } from "../../../src/runtime/engine/index.ts";
import type { Engine } from "../../../src/runtime/engine/index.ts";
import type { Binding, NodeBackend } from "../../../src/runtime/engine/tensorflow/binding.ts";
import { locateTensorflow } from "../../../src/runtime/engine/tensorflow/locate.ts";
import { constant } from "../../../src/runtime/init.ts";
import type { OptimizerSettings, ParameterSpec } from "../../../src/runtime/program.ts";
import { createOptimizer } from "../../../src/runtime/train/optimizers.ts";
import { initialState } from "../../../src/runtime/train/parameters.ts";
import type { TensorMap } from "../../../src/runtime/train/tensors.ts";

const { backend, reason } = locateTensorflow();
if (backend === undefined) console.log(`the tensorflow engine is not tested: ${reason}`);

/**
 * Two matrices that the input is multiplied by, one with a learning rate of its own behind them, two vectors that are
 * updated together, and heads of several widths on one tensor.
 */
const specs: ParameterSpec[] = [
  { name: "wide", shape: [64, 256], init: constant(0), group: "heads", decay: true, trainable: true },
  { name: "probe", shape: [64, 256], init: constant(0), group: "heads", decay: true, trainable: true },
  {
    name: "deep",
    shape: [256, 64],
    init: constant(0),
    group: "params",
    lr: 0.03,
    decay: true,
    trainable: true,
  },
  { name: "bias", shape: [64], init: constant(0), group: "heads", decay: false, trainable: true },
  { name: "scale", shape: [256], init: constant(0), group: "heads", decay: false, trainable: true },
  { name: "head_1", shape: [256, 64], init: constant(0), group: "heads", decay: true, trainable: true },
  { name: "head_2", shape: [256, 80], init: constant(0), group: "heads", decay: true, trainable: true },
  { name: "head_3", shape: [256, 64], init: constant(0), group: "heads", decay: true, trainable: true },
];

interface Weights {
  readonly parameters: TensorMap;
  readonly slots: TensorMap;
}

interface Result extends Weights {
  readonly loss: tf.Tensor;
}

type Steps = Captured<[Weights, tf.Tensor, tf.Scalar[]], Result, Weights>;

describe.skipIf(backend === undefined)("a step that updates in place", () => {
  let engine: Engine;
  const made: Steps[] = [];

  beforeAll(async () => {
    engine = await startEngine("tensorflow");
  });

  afterEach(() => {
    for (const each of made.splice(0)) each.dispose();
  });

  /**
   * Captured on `recorder`, or operation by operation. With h = tanh(x wide + scale), |h deep + bias - x|^2 is minimised
   * and |x probe - 1|^2 and, of each head, |h head - 1|^2.
   *
   * @param penalty of the squares of the last head, which then is not read by products alone.
   */
  function steps(
    settings: OptimizerSettings,
    recorder: Recorder | undefined,
    said: string[] = [],
    penalty = 0,
  ): Steps {
    const optimizer = createOptimizer(settings, specs);
    const f: Steps = capture(
      recorder,
      ({ parameters, slots }: Weights, x: tf.Tensor, numbers: tf.Scalar[]): Result =>
        tf.tidy(() => {
          const loss = (...values: tf.Tensor[]): tf.Scalar => {
            const [wide, probe, deep, bias, scale, ...heads] = values as tf.Tensor2D[];
            const hidden = tf.tanh(tf.add(tf.matMul(x as tf.Tensor2D, wide!), scale!)) as tf.Tensor2D;
            const own = tf.mean(tf.squaredDifference(tf.add(tf.matMul(hidden, deep!), bias!), x));
            const ones = (product: tf.Tensor2D): tf.Tensor => tf.mean(tf.squaredDifference(product, 1));
            const others = heads.map((head) => ones(tf.matMul(hidden, head)));
            if (penalty > 0) others.push(tf.mul(tf.sum(tf.square(heads.at(-1)!)), penalty));
            return [own, ones(tf.matMul(x as tf.Tensor2D, probe!)), ...others].reduce((a, b) =>
              tf.add(a, b),
            ) as tf.Scalar;
          };
          const { value, grads } = tf.valueAndGrads(loss)(specs.map(({ name }) => parameters[name]!));
          const gradients = Object.fromEntries(specs.map(({ name }, k) => [name, grads[k]]));
          const [firstCorrection, secondCorrection, ...lr] = numbers as [
            tf.Scalar,
            tf.Scalar,
            ...tf.Scalar[],
          ];
          const rates = { firstCorrection, secondCorrection, lr: Object.fromEntries(lr.entries()) };
          const next = optimizer.apply(parameters, gradients, slots, rates);
          return { parameters: next.parameters, slots: next.slots, loss: value };
        }),
      {
        label: "step",
        say: (message) => said.push(message),
        carried: { from: partsOf, to: partsOf },
      },
    );
    made.push(f);
    return f;
  }

  const partsOf = ({ parameters, slots }: Weights): Weights => ({ parameters, slots });

  function first(settings: OptimizerSettings): Weights {
    const parameters = Object.fromEntries(
      specs.map(({ name, shape }, k) => [name, tf.randomNormal([...shape], 0, 0.2, "float32", 10 + k)]),
    );
    return { parameters, slots: initialState(createOptimizer(settings, specs).slots) };
  }

  /** One step: `how` of the captured function. */
  function go<T>(
    settings: OptimizerSettings,
    number: number,
    how: (x: tf.Tensor, rates: tf.Scalar[]) => T,
  ): T {
    const { firstCorrection, secondCorrection, lr } = createOptimizer(settings, specs).rates(number, 1);
    const rates = [firstCorrection, secondCorrection, ...Object.values(lr)].map((value) => tf.scalar(value));
    const x = tf.randomNormal([8, 64], 0, 1, "float32", 100 + number);
    const result = how(x, rates);
    tf.dispose([x, rates]);
    return result;
  }

  const release = ({ parameters, slots }: Weights): void =>
    void tf.dispose([{ ...parameters }, { ...slots }]);
  const numbersOf = ({ parameters, slots }: Weights): number[] =>
    [...Object.values(parameters), ...Object.values(slots)].flatMap((tensor) => [...tensor.dataSync()]);

  /** Within what rounding makes of some steps, over whole tensors: Adam follows the signs of gradients near 0. */
  function expectClose(a: Weights, b: Weights): void {
    const tensorsOf = ({ parameters, slots }: Weights): tf.Tensor[] =>
      [parameters, slots].flatMap((map) => Object.values(map));
    const others = tensorsOf(b);
    tensorsOf(a).forEach((tensor, k) => {
      const off = tf.tidy(
        () => tf.div(tf.norm(tf.sub(tensor, others[k]!)), tf.norm(others[k]!)).dataSync()[0]!,
      );
      expect(off).toBeLessThan(1e-4);
    });
  }

  /** The weights after `count` steps, each given up to the next. */
  function advanced(f: Steps, settings: OptimizerSettings, count: number): Weights {
    let weights = first(settings);
    for (let k = 0; k < count; k++) {
      const next = go(settings, k, (x, rates) => f.advance(weights, x, rates));
      release(weights);
      weights = next;
    }
    return weights;
  }

  /** Runs `work` with some calls of the native binding replaced. */
  function withBinding<T>(own: PropertyDescriptorMap, work: () => T): T {
    const native = tf.backend() as unknown as NodeBackend;
    const { binding } = native;
    const all = { ...Object.getOwnPropertyDescriptors(binding), ...own };
    native.binding = Object.defineProperties({}, all) as Binding;
    try {
      return work();
    } finally {
      native.binding = binding;
    }
  }

  /** Runs `work`, and adds the graphs that it loads as they are written. */
  function withGraphs<T>(graphs: string[], work: () => T): T {
    const { binding } = tf.backend() as unknown as NodeBackend;
    const loadSavedModel = (folder: string, tags: string): number => {
      graphs.push(readFileSync(join(folder, "saved_model.pb"), "latin1"));
      return binding.loadSavedModel(folder, tags);
    };
    return withBinding({ loadSavedModel: { value: loadSavedModel } }, work);
  }

  const adam: OptimizerSettings = { kind: "adam", lr: 0.01 };
  /** How many updates are done in place: four where the heads are one and what the input is multiplied by, else seven. */
  const cases: [string, OptimizerSettings, number][] = [
    ["Adam", adam, 4],
    ["Adam with other constants", { ...adam, beta1: 0.8, beta2: 0.95, epsilon: 1e-3 }, 4],
    ["Adam with clipping", { ...adam, clip: 0.05 }, 4],
    ["Adam with weight decay, which reads the parameters", { ...adam, weightDecay: 0.1, clip: 0.05 }, 7],
    ["AdamW", { kind: "adamw", lr: 0.01, weightDecay: 0.5 }, 4],
    ["AdamW with clipping", { kind: "adamw", lr: 0.01, weightDecay: 0.5, clip: 0.1 }, 4],
    ["SGD with momentum", { kind: "sgd", lr: 0.01, momentum: 0.9 }, 0],
  ];

  it.each(cases)("computes what its operations do: %s", (_, settings, inPlace) => {
    const said: string[] = [];
    const graphs: string[] = [];
    const captured = withGraphs(graphs, () => advanced(steps(settings, engine.recorder, said), settings, 12));
    const plain = advanced(steps(settings, undefined), settings, 12);
    expect(said).toEqual(["step: captured"]);
    expect(graphs.map((graph) => graph.split("ResourceApplyAdam").length - 1)).toEqual([inPlace]);
    expectClose(captured, plain);
    release(captured);
    release(plain);
  });

  it("leaves a head apart that something else reads, and adds its gradient to that of the others", () => {
    const graphs: string[] = [];
    const captured = withGraphs(graphs, () => advanced(steps(adam, engine.recorder, [], 0.1), adam, 12));
    const plain = advanced(steps(adam, undefined, [], 0.1), adam, 12);
    expect(graphs.map((graph) => graph.split("ResourceApplyAdam").length - 1)).toEqual([5]);
    expectClose(captured, plain);
    release(captured);
    release(plain);
  });

  it("gives the values of a step that is asked for them, and keeps what enters it", () => {
    const f = steps(adam, engine.recorder);
    const plain = steps(adam, undefined);
    let weights = first(adam);
    let expected = first(adam);
    const held: { number: number; weights: Weights; numbers: number[] }[] = [];
    for (let k = 0; k < 16; k++) {
      const asked = k % 4 === 3;
      const result = go(adam, k, (x, rates) => (asked ? f(weights, x, rates) : f.advance(weights, x, rates)));
      const { loss, ...next } = go(adam, k, (x, rates) => plain(expected, x, rates));
      if ("loss" in result) {
        const own = result.loss as tf.Tensor;
        expect(own.dataSync()[0]).toBeCloseTo(loss.dataSync()[0]!, 3);
        own.dispose();
        held.push({ number: k, weights, numbers: numbersOf(expected) });
      } else {
        release(weights);
      }
      loss.dispose();
      release(expected);
      weights = partsOf(result);
      expected = next;
    }
    expectClose(weights, expected);
    expect(held).toHaveLength(4);
    for (const each of held) {
      const off = numbersOf(each.weights).map((value, i) => Math.abs(value - each.numbers[i]!));
      expect(off.every((value) => value < 1e-3)).toBe(true);
    }
    // Gone on from the second again, the path is the same.
    const { number, weights: again } = held[1]!;
    const repeated = go(adam, number, (x, rates) => f(again, x, rates));
    const onward = go(adam, number, (x, rates) => plain(again, x, rates));
    expectClose(repeated, onward);
    expect(numbersOf(again)).toEqual(numbersOf(held[1]!.weights));
    for (const each of [...held.map(({ weights: kept }) => kept), weights, expected, repeated, onward]) {
      release(each);
    }
    tf.dispose([repeated.loss, onward.loss]);
  });

  it("says so when weights are read that were given up", () => {
    const f = steps(adam, engine.recorder);
    const before = advanced(f, adam, 4);
    const after = go(adam, 4, (x, rates) => f.advance(before, x, rates));
    expect(() => before.parameters["wide"]!.dataSync()).toThrow("given up");
    expect(after.parameters["wide"]!.dataSync()).toHaveLength(64 * 256);
    release(before);
    release(after);
  });

  it("need not be given weights again that were read", () => {
    const { binding } = tf.backend() as unknown as NodeBackend;
    const fed: string[] = [];
    const runSavedModel: Binding["runSavedModel"] = (session, ids, feeds, fetches) => {
      fed.push(feeds);
      return binding.runSavedModel(session, ids, feeds, fetches);
    };
    const run = (): Weights => {
      const f = steps(adam, engine.recorder);
      let weights = advanced(f, adam, 4);
      for (let k = 4; k < 8; k++) {
        numbersOf(weights);
        const next = go(adam, k, (x, rates) => f.advance(weights, x, rates));
        release(weights);
        weights = next;
      }
      return weights;
    };
    const read = withBinding({ runSavedModel: { value: runSavedModel } }, run);
    // Loaded to prove the recording, and once more for the step after that.
    const loads = fed.filter((feeds) => feeds.startsWith("placeholder"));
    expect(loads).toHaveLength(2);
    const plain = advanced(steps(adam, undefined), adam, 8);
    expectClose(read, plain);
    release(read);
    release(plain);
  });

  it("holds no more memory after three hundred steps than after thirty", () => {
    const f = steps(adam, engine.recorder);
    const { binding } = tf.backend() as unknown as { binding: { getNumOfTensors(): number } };
    const counts: number[][] = [];
    let weights = advanced(f, adam, 4);
    let kept: Weights | undefined;
    for (let k = 4; k < 300; k++) {
      const asked = k % 10 === 0;
      const result = go(adam, k, (x, rates) => (asked ? f(weights, x, rates) : f.advance(weights, x, rates)));
      if (asked) {
        (result as Result).loss.dispose();
        if (kept !== undefined) release(kept);
        kept = weights;
      } else {
        release(weights);
      }
      weights = partsOf(result);
      if (k === 35 || k === 295) counts.push([tf.memory().numTensors, binding.getNumOfTensors()]);
    }
    expect(counts[1]).toEqual(counts[0]);
    release(weights);
    release(kept!);
  });
});
