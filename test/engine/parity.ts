/**
 * Comparison of an operation's value and gradients on an engine with those on tfjs's pure JavaScript `cpu`
 * backend, including a check that no tensor and no backend memory is left behind. Used by the tests of this folder.
 */
import { expect } from "vitest";
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import { startEngine } from "../../src/runtime/engine/index.ts";

export interface Values {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

export interface Case {
  readonly name: string;
  readonly inputs: readonly Values[];
  /** A float tensor of any shape from the inputs. */
  compute(inputs: readonly tf.Tensor[]): tf.Tensor;
}

/** Starts the wasm engine; the `cpu` backend starts by itself when it is set. */
export async function startBoth(): Promise<void> {
  // In test mode tfjs checks after every kernel that it made no more data than its outputs.
  tf.env().set("IS_TEST", true);
  await startEngine("wasm");
}

/** A deterministic stream of numbers in [0, 1). */
export function stream(seed: number): () => number {
  let state = (seed * 2654435761) >>> 0;
  return () => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) >>> 0;
    const mixed = Math.imul(state ^ (state >>> 12), 0x297a2d39) >>> 0;
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
  };
}

/** Numbers in [from, to), all distinct with overwhelming probability: no ties in maxima. */
export function randomTensor(seed: number, shape: readonly number[], from = -1, to = 1): Values {
  const next = stream(seed);
  const size = shape.reduce((product, n) => product * n, 1);
  return { shape, data: Float32Array.from({ length: size }, () => from + (to - from) * next()) };
}

/**
 * Numbers 0.05 apart in random order, none nearer to 0 than 0.025: for functions with kinks, which small steps of a
 * difference quotient must not cross.
 */
export function spacedTensor(seed: number, shape: readonly number[]): Values {
  const { data } = randomTensor(seed, shape);
  const order = [...data.keys()].sort((a, b) => data[a]! - data[b]!);
  const spaced = new Float32Array(data.length);
  order.forEach((place, rank) => (spaced[place] = (rank - (data.length >> 1) + 0.5) * 0.05));
  return { shape, data: spaced };
}

/**
 * Expects the gradient by each input, along a random direction, to equal the central difference quotient of the value.
 * The gradients of tfjs's operations are this project's own, so that they agree on two backends is not enough.
 */
export async function expectGradientIsTheDerivative(
  { inputs, compute }: Case,
  tolerance = 5e-3,
): Promise<void> {
  await tf.setBackend("wasm");
  const h = 0.01;
  tf.tidy(() => {
    const tensors = inputs.map(({ shape, data }) => tf.tensor(data, [...shape]));
    const value = compute(tensors);
    const weights = tf.tensor(randomTensor(99, value.shape).data, value.shape);
    const gradients = tf.grads((...xs: tf.Tensor[]) => compute(xs))(tensors, weights);
    inputs.forEach((input, index) => {
      const direction = tf.tensor(randomTensor(100 + index, input.shape).data, [...input.shape]);
      const at = (step: number): tf.Tensor =>
        compute(tensors.map((t, i) => (i === index ? tf.add(t, tf.mul(direction, step)) : t)));
      const quotient = tf.sum(tf.mul(weights, tf.div(tf.sub(at(h), at(-h)), 2 * h))).dataSync()[0]!;
      const derivative = tf.sum(tf.mul(gradients[index]!, direction)).dataSync()[0]!;
      const scale = Math.max(1, Math.abs(quotient));
      expect(Math.abs(quotient - derivative) / scale, `derivative by input ${index + 1}`).toBeLessThan(
        tolerance,
      );
    });
  });
}

/** Expects equal values and gradients within `tolerance` of the largest entry. */
export async function expectSameOnBothBackends(
  each: Case,
  tolerance = 2e-5,
  backend = "wasm",
): Promise<void> {
  const ownValues = await on(backend, () => evaluate(each));
  const cpu = await on("cpu", () => evaluate(each));
  await tf.setBackend(backend);
  expect(ownValues.length).toBe(cpu.length);
  ownValues.forEach((ours, index) => {
    const theirs = cpu[index]!;
    const what = index === 0 ? "value" : `gradient by input ${index}`;
    expect(ours.shape, `shape of the ${what}`).toEqual(theirs.shape);
    const scale = Math.max(1, ...theirs.data.map(Math.abs));
    const worst = ours.data.reduce((most, value, i) => {
      const difference = Math.abs(value - theirs.data[i]!);
      return difference <= most ? most : difference;
    }, 0);
    expect(worst / scale, `largest difference of the ${what}`).toBeLessThan(tolerance);
  });
}

async function on<T>(backend: string, run: () => Promise<T>): Promise<T> {
  await tf.setBackend(backend);
  const before = tf.memory();
  const data = tf.engine().backend.numDataIds();
  const result = await run();
  expect(tf.memory().numTensors, `tensors left behind on ${backend}`).toBe(before.numTensors);
  expect(tf.engine().backend.numDataIds(), `data left behind on ${backend}`).toBe(data);
  return result;
}

/** The value, then the gradient by each input of the value's product with fixed random numbers. */
async function evaluate({ inputs, compute }: Case): Promise<Values[]> {
  const results = tf.tidy(() => {
    const tensors = inputs.map(({ shape, data }) => tf.tensor(data, [...shape]));
    const value = compute(tensors);
    const weights = randomTensor(99, value.shape);
    const gradients = tf.grads((...xs: tf.Tensor[]) => compute(xs))(
      tensors,
      tf.tensor(weights.data, [...weights.shape]),
    );
    return [value, ...gradients];
  });
  // A GPU's values can only be waited for.
  const values = await Promise.all(
    results.map(async (t) => ({ shape: t.shape, data: (await t.data()) as Float32Array })),
  );
  tf.dispose(results);
  return values;
}
