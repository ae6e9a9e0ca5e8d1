/**
 * Fused operations: the wasm kernels against the same operation in tfjs operations (on the `cpu` backend), against the
 * definition, and as a derivative.
 */
import { beforeAll, describe, expect, test } from "vitest";
import * as tf from "@tensorflow/tfjs-core";
import { batchNormTraining } from "../../src/runtime/engine/fused.ts";
import {
  type Case,
  expectGradientIsTheDerivative,
  expectSameOnBothBackends,
  randomTensor,
  startBoth,
} from "./parity.ts";

beforeAll(startBoth);

const shapes = [
  [3, 5, 4, 8],
  [2, 3, 3, 1],
  [2, 9, 9, 21],
  [40, 6],
  [1, 7],
  [700, 4],
];
const cases: readonly Case[] = shapes.map((shape, index) => ({
  name: `batch normalisation of ${shape}`,
  inputs: [
    randomTensor(index, shape, 1, 4),
    randomTensor(20 + index, shape.slice(-1), 0.5, 2),
    randomTensor(40 + index, shape.slice(-1)),
  ],
  compute: ([x, gamma, beta]) => {
    const { y, mean, variance } = batchNormTraining(x!, gamma!, beta!, 1e-3);
    return tf.add(y, tf.add(mean, variance));
  },
}));

describe("batchNormTraining on both backends, statistics included", () => {
  test.each(cases)("$name", (each) => expectSameOnBothBackends(each));
});

test.each(shapes)("batchNormTraining's gradient is the derivative (%i, ..)", async (...shape) => {
  await expectGradientIsTheDerivative({
    name: "",
    inputs: [
      randomTensor(1, shape, 1, 4),
      randomTensor(2, shape.slice(-1)),
      randomTensor(3, shape.slice(-1)),
    ],
    compute: ([x, gamma, beta]) => batchNormTraining(x!, gamma!, beta!, 0.1).y,
  });
});

test("the result has the batch's mean and variance and is normalised", () => {
  tf.tidy(() => {
    const x = tf.tensor2d([1, 10, 3, 20, 5, 60], [3, 2]);
    const { y, mean, variance } = batchNormTraining(x, tf.ones([2]), tf.zeros([2]), 0);
    expect([...mean.dataSync()]).toEqual([3, 30]);
    const [first, second] = variance.dataSync();
    expect(first).toBeCloseTo(8 / 3, 5);
    expect(second).toBeCloseTo(1400 / 3, 3);
    const normalised = tf.moments(y, 0);
    normalised.mean.dataSync().forEach((value) => expect(value).toBeCloseTo(0, 5));
    normalised.variance.dataSync().forEach((value) => expect(value).toBeCloseTo(1, 5));
  });
});

test("no gradient flows through the statistics", () => {
  tf.tidy(() => {
    const gradient = tf.grad(
      (x: tf.Tensor) => batchNormTraining(x, tf.ones([2]), tf.zeros([2]), 0.1).variance,
    );
    expect([...gradient(tf.tensor2d([1, 2, 3, 4], [2, 2])).dataSync()]).toEqual([0, 0, 0, 0]);
  });
});
