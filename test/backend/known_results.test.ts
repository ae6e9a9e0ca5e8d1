/** What a self-test asks of an engine: right on one that works, and named where a kernel is wrong. */
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, expect, test } from "vitest";
import { wrongKernels } from "../../src/cli/backend/known_results.ts";
import { startEngine } from "../../src/runtime/engine/index.ts";

beforeAll(() => startEngine("wasm"));

test("the wasm engine gives the known results", async () => {
  expect(await wrongKernels()).toEqual([]);
});

test("a wrong kernel is named with what it gave", async () => {
  const product = tf.getKernel(tf.BatchMatMul, "wasm")!;
  const { kernelFunc } = product;
  product.kernelFunc = (call) => tf.zeros((kernelFunc(call) as tf.TensorInfo).shape);
  const wrong = await wrongKernels();
  product.kernelFunc = kernelFunc;
  expect(wrong[0]).toBe("a matrix product gave 0, 0, 0, 0 instead of 4, 5, 10, 11");
});
