/** Captured functions on an installed TensorFlow; skipped, with the reason, where there is none. */
import * as tf from "@tensorflow/tfjs-core";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { capture } from "../../../src/runtime/engine/capture/capture.ts";
import type { Captured } from "../../../src/runtime/engine/capture/capture.ts";
import { startEngine } from "../../../src/runtime/engine/index.ts";
import type { Engine } from "../../../src/runtime/engine/index.ts";
import { locateTensorflow } from "../../../src/runtime/engine/tensorflow/locate.ts";

const { backend, reason } = locateTensorflow();
if (backend === undefined) console.log(`the tensorflow engine is not tested: ${reason}`);

interface Weights {
  readonly w: tf.Tensor;
  readonly fixed: tf.Tensor;
}

interface Result extends Weights {
  readonly loss: tf.Tensor;
}

describe.skipIf(backend === undefined)("a captured function on TensorFlow", () => {
  let engine: Engine;
  const captured: Captured<never, unknown>[] = [];

  beforeAll(async () => {
    engine = await startEngine("tensorflow");
  });

  afterEach(() => {
    for (const each of captured.splice(0)) each.dispose();
  });

  /** w <- w + x * fixed, loss = sum w: a step whose weights stay in the session. */
  function step(said: string[] = []): Captured<[Weights, tf.Tensor], Result, Weights> {
    const f = capture(
      engine.recorder,
      ({ w, fixed }: Weights, x: tf.Tensor): Result =>
        tf.tidy(() => {
          const next = tf.add(w, tf.mul(x, fixed));
          return { w: next, fixed, loss: tf.sum(next) };
        }),
      {
        label: "step",
        carried: { from: (before) => before, to: ({ w, fixed }) => ({ w, fixed }) },
        say: (message) => said.push(message),
      },
    );
    captured.push(f as unknown as Captured<never, unknown>);
    return f;
  }

  const run = (f: ReturnType<typeof step>, weights: Weights, value: number): Result => {
    const x = tf.scalar(value);
    const result = f(weights, x);
    x.dispose();
    return result;
  };

  it("carries its weights from call to call", () => {
    const said: string[] = [];
    const f = step(said);
    let weights: Weights = { w: tf.zeros([3]), fixed: tf.tensor1d([1, 2, 3]) };
    let sum = 0;
    for (const value of [1, 2, 3, 4, 5]) {
      const result = run(f, weights, value);
      sum += 6 * value;
      expect(result.loss.dataSync()[0]).toBe(sum);
      expect(result.fixed).toBe(weights.fixed);
      tf.dispose([weights.w, result.loss]);
      weights = { w: result.w, fixed: result.fixed };
    }
    expect(said).toEqual(["step: captured"]);
    expect([...weights.w.dataSync()]).toEqual([15, 30, 45]);
    tf.dispose([weights.w, weights.fixed]);
  });

  it("keeps what is held on to: weights of every step can be read at the end, and gone on from", () => {
    const f = step();
    const fixed = tf.tensor1d([1, 2]);
    const all: Weights[] = [{ w: tf.zeros([2]), fixed }];
    for (const value of [1, 1, 1, 1, 1, 1]) {
      const { w, loss } = run(f, all.at(-1)!, value);
      loss.dispose();
      all.push({ w, fixed });
    }
    const again = run(f, all[3]!, 10);
    expect([...again.w.dataSync()]).toEqual([13, 26]);
    expect(all.map(({ w }) => w.dataSync()[0])).toEqual([0, 1, 2, 3, 4, 5, 6]);
    const onward = run(f, { w: again.w, fixed }, 1);
    expect([...onward.w.dataSync()]).toEqual([14, 28]);
    expect([...again.w.dataSync()]).toEqual([13, 26]);
    tf.dispose([all.map(({ w }) => w), fixed, { ...again }, { ...onward }]);
  });

  it("takes another constant when it is given one", () => {
    const f = step();
    const [one, two] = [tf.ones([2]), tf.tensor1d([2, 2])];
    let w: tf.Tensor = tf.zeros([2]);
    for (const fixed of [one, one, one, two, two, one]) {
      const result = run(f, { w, fixed }, 1);
      expect(result.fixed).toBe(fixed);
      tf.dispose([w, result.loss]);
      w = result.w;
    }
    expect([...w.dataSync()]).toEqual([8, 8]);
    tf.dispose([w, one, two]);
  });

  it("can be used in operations of tfjs like any tensor, and outlives its session", () => {
    const f = step();
    const fixed = tf.ones([2]);
    let w: tf.Tensor = tf.zeros([2]);
    for (let k = 0; k < 4; k++) {
      const result = run(f, { w, fixed }, 1);
      tf.dispose([w, result.loss]);
      w = result.w;
    }
    const double = tf.tidy(() => tf.reshape(tf.mul(w, 2), [1, 2]));
    expect([...double.dataSync()]).toEqual([8, 8]);
    f.dispose();
    expect([...w.dataSync()]).toEqual([4, 4]);
    tf.dispose([w, double, fixed]);
  });

  it("holds no more memory after a thousand steps than after ten", () => {
    const f = step();
    const binding = (tf.backend() as unknown as { binding: { getNumOfTensors(): number } }).binding;
    let weights: Weights = { w: tf.zeros([100]), fixed: tf.ones([100]) };
    let early = [0, 0];
    const counts = (): number[] => [tf.memory().numTensors, binding.getNumOfTensors()];
    for (let k = 0; k < 1000; k++) {
      const result = run(f, weights, 0.001);
      tf.dispose([weights.w, result.loss]);
      weights = { w: result.w, fixed: result.fixed };
      if (k === 10) early = counts();
    }
    expect(counts()).toEqual(early);
    tf.dispose([weights.w, weights.fixed]);
  });

  it("computes gradients, convolutions, pooling and indices in the graph as outside it", () => {
    const said: string[] = [];
    const filter = tf.randomNormal([3, 3, 2, 4], 0, 0.3, "float32", 3);
    const f = capture(
      engine.recorder,
      (images: tf.Tensor, labels: tf.Tensor, weights: tf.Tensor) =>
        tf.tidy(() => {
          const loss = (w: tf.Tensor): tf.Scalar => {
            const maps = tf.conv2d(images as tf.Tensor4D, w as tf.Tensor4D, 1, "same");
            const pooled = tf.maxPool(tf.relu(maps), 2, 2, "valid");
            const rows = tf.reshape(pooled, [4, -1]);
            const same = tf.equal(tf.expandDims(labels, 0), tf.expandDims(labels, 1));
            const products = tf.matMul(rows, rows, false, true);
            const hardest = tf.max(tf.where(same, tf.zerosLike(products), products), 1);
            return tf.mean(tf.softplus(tf.gather(hardest, labels as tf.Tensor1D)));
          };
          const { value, grad } = tf.valueAndGrad(loss)(weights);
          return { value, grad };
        }),
      { label: "network", say: (message) => said.push(message) },
    );
    captured.push(f as unknown as Captured<never, unknown>);
    for (let seed = 1; seed < 5; seed++) {
      const images = tf.randomNormal([4, 6, 6, 2], 0, 1, "float32", seed);
      const labels = tf.tensor1d([0, 1, seed % 2, 1], "int32");
      tf.dispose([{ ...f(images, labels, filter) }, images, labels]);
    }
    expect(said).toEqual(["network: captured"]);
    filter.dispose();
  });

  it("is refused where it reads a value in the middle", () => {
    const said: string[] = [];
    const f = capture(engine.recorder, (x: tf.Tensor) => tf.tidy(() => tf.mul(x, tf.sum(x).dataSync()[0]!)), {
      label: "reader",
      say: (message) => said.push(message),
    });
    captured.push(f as unknown as Captured<never, unknown>);
    const values = [1, 2, 3].map((value) => tf.tidy(() => f(tf.tensor1d([value, value])).dataSync()[0]));
    expect(values).toEqual([2, 8, 18]);
    expect(said).toEqual([
      "reader: not captured, because it reads a value back in the middle; it runs operation by operation",
    ]);
  });
});
