/**
 * Every tfjs operation that emitted programs and the runtime differentiate: its value and gradients on the wasm engine
 * equal those on tfjs's `cpu` backend, its gradient is the derivative, and nothing is left behind.
 */
import { beforeAll, describe, expect, test } from "vitest";
import fc from "fast-check";
import * as tf from "@tensorflow/tfjs-core";
import { binary, operations, wrongOnCpu } from "./operations.ts";
import {
  expectGradientIsTheDerivative,
  expectSameOnBothBackends,
  randomTensor,
  startBoth,
} from "./parity.ts";

beforeAll(startBoth);

describe.each(Object.entries(operations))("%s", (_, cases) => {
  test.each(cases)("$name", async (each) => {
    await expectSameOnBothBackends(each);
    await expectGradientIsTheDerivative(each);
  });
});

test("matMul of random shapes", async () => {
  const length = fc.integer({ min: 1, max: 21 });
  const shape = fc.record({
    batch: fc.integer({ min: 1, max: 3 }),
    rows: length,
    inner: length,
    columns: length,
  });
  const operands = fc.tuple(shape, fc.boolean(), fc.boolean());
  await fc.assert(
    fc.asyncProperty(operands, async ([{ batch, rows, inner, columns }, transposeA, transposeB]) => {
      const a = randomTensor(1, [batch, ...(transposeA ? [inner, rows] : [rows, inner])]);
      const b = randomTensor(2, [batch, ...(transposeB ? [columns, inner] : [inner, columns])]);
      await expectSameOnBothBackends(binary("", a, b, (x, y) => tf.matMul(x, y, transposeA, transposeB)));
    }),
    { numRuns: 60, seed: 5 },
  );
});

describe("where the cpu backend is wrong", () => {
  test.each(wrongOnCpu)("$name", (each) => expectGradientIsTheDerivative(each));

  test("batches that broadcast both ways multiply as if repeated", () => {
    tf.tidy(() => {
      const a = tf.tensor(randomTensor(25, [2, 1, 5, 4]).data, [2, 1, 5, 4]);
      const b = tf.tensor(randomTensor(26, [3, 4, 6]).data, [3, 4, 6]);
      const repeated = tf.matMul(tf.tile(a, [1, 3, 1, 1]), tf.tile(tf.expandDims(b, 0), [2, 1, 1, 1]));
      expect(tf.matMul(a, b).dataSync()).toEqual(repeated.dataSync());
    });
  });
});

describe("kinks", () => {
  const gradientAt = (apply: (x: tf.Tensor) => tf.Tensor, values: number[]): number[] =>
    tf.tidy(() => [
      ...tf
        .grad((x: tf.Tensor) => apply(x))(tf.tensor1d(values))
        .dataSync(),
    ]);

  test("relu, abs and sqrt have gradient 0 at 0", () => {
    expect(gradientAt(tf.relu, [0, 1])).toEqual([0, 1]);
    expect(gradientAt(tf.abs, [0, -1])).toEqual([0, -1]);
    expect(gradientAt(tf.sqrt, [0, 4])).toEqual([0, 0.25]);
  });

  test("ties of a maximum or minimum split equally", () => {
    expect(gradientAt((x) => tf.max(x), [3, 3, 1])).toEqual([0.5, 0.5, 0]);
    expect(gradientAt((x) => tf.min(x), [1, 3, 1, 1]).map((g) => Math.round(g * 3))).toEqual([1, 0, 1, 1]);
    expect(gradientAt((x) => tf.maximum(x, 2), [1, 2, 3])).toEqual([0, 0.5, 1]);
    expect(gradientAt((x) => tf.minimum(x, 2), [1, 2, 3])).toEqual([1, 0.5, 0]);
  });

  test("the first of several largest entries of a pooling window takes the gradient", () => {
    const x = tf.fill([1, 2, 2, 4], 3) as tf.Tensor4D;
    const gradient = tf.grad((t: tf.Tensor) => tf.maxPool(t as tf.Tensor4D, 2, 2, "valid"))(x);
    expect([...gradient.dataSync()]).toEqual([1, 1, 1, 1, ...Array<number>(12).fill(0)]);
    tf.dispose([x, gradient]);
  });
});
