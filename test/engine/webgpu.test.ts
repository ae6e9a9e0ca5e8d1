/**
 * The webgpu engine where it is installed and finds a GPU, or a driver that stands in for one: every operation's value
 * and gradients equal those of tfjs's `cpu` backend. Elsewhere skipped, with the reason printed.
 */
import { describe, expect, test } from "vitest";
import * as tf from "@tensorflow/tfjs-core";
import { registerGradients } from "../../src/runtime/engine/gradients/index.ts";
import { startWebgpu } from "../../src/runtime/engine/webgpu/start.ts";
import { operations } from "./operations.ts";
import { expectSameOnBothBackends } from "./parity.ts";
import "@tensorflow/tfjs-backend-cpu";

const reason = await startWebgpu({ software: true }).then(
  (description) => void console.info(description),
  (error: Error) => error.message,
);
if (reason === undefined) {
  registerGradients();
  // In test mode tfjs checks after every kernel that it made no more data than its outputs.
  tf.env().set("IS_TEST", true);
} else {
  console.info(`skipped: ${reason}`);
}

const onWebgpu = describe.skipIf(reason !== undefined);

onWebgpu.each(Object.entries(operations))("%s on webgpu", (_, cases) => {
  test.each(cases)("$name", (each) => expectSameOnBothBackends(each, 2e-5, "webgpu"));
});

/** Numbers where formulas overflow, cancel, or have no value; none below the smallest normal number. */
const EXTREMES = [
  0,
  1,
  -1,
  0.5,
  -0.5,
  1e-6,
  -1e-6,
  1e-3,
  -1e-3,
  0.1,
  0.999999,
  1.000001,
  1.5,
  -1.5,
  3,
  -3,
  10,
  -10,
  20,
  -20,
  88,
  -88,
  100,
  -100,
  3e38,
  -3e38,
  Infinity,
  -Infinity,
  NaN,
];
const ELEMENTARY = [
  "exp",
  "log",
  "log1p",
  "expm1",
  "elu",
  "softplus",
  "sigmoid",
  "tanh",
  "sinh",
  "cosh",
  "acos",
  "asin",
  "sin",
  "cos",
] as const;

onWebgpu("elementary functions on webgpu", () => {
  test.each(ELEMENTARY)(
    "%s keeps its digits near 0, its infinities and what is not a number",
    async (name) => {
      const inputs = EXTREMES.filter((x) => !/^(sin|cos)$/.test(name) || !(Math.abs(x) > 1e3));
      const [ours, theirs] = [await valuesOn("webgpu", name, inputs), await valuesOn("cpu", name, inputs)];
      await tf.setBackend("webgpu");
      inputs.forEach((x, k) => {
        const [have, want] = [ours[k]!, theirs[k]!];
        if (!Number.isFinite(want)) expect(have, `${name}(${x})`).toBe(want);
        else
          expect(Math.abs(have - want), `${name}(${x})`).toBeLessThanOrEqual(
            4e-6 * Math.abs(want) + 4e-8 * Math.min(1, Math.abs(x)),
          );
      });
    },
  );

  async function valuesOn(
    backend: string,
    name: (typeof ELEMENTARY)[number],
    inputs: readonly number[],
  ): Promise<number[]> {
    await tf.setBackend(backend);
    const x = tf.tensor1d([...inputs]);
    const y = tf[name](x);
    const values = Array.from(await y.data());
    tf.dispose([x, y]);
    return values;
  }
});

onWebgpu("sums on webgpu", () => {
  const values = async (compute: () => tf.Tensor): Promise<number[]> => {
    const tensor = tf.tidy(compute);
    const read = Array.from(await tensor.data());
    tensor.dispose();
    return read;
  };

  test("ids outside the segments belong to none, and those beyond 2^24 are told apart", async () => {
    const x = (): tf.Tensor2D => tf.tensor2d([1, 2, 3, 4, 5, 6], [3, 2]);
    const sum = (ids: number[], segments: number) => () =>
      tf.unsortedSegmentSum(x(), tf.tensor1d(ids, "int32"), segments);
    expect(await values(sum([0, 5, 1], 3))).toEqual([1, 2, 5, 6, 0, 0]);
    expect(await values(sum([0, -1, 0], 2))).toEqual([6, 8, 0, 0]);
    const far = 2 ** 24;
    const two = () =>
      tf.slice(
        tf.unsortedSegmentSum(tf.tensor1d([1, 2]), tf.tensor1d([far, far + 1], "int32"), far + 2),
        [far],
        [2],
      );
    expect(await values(two)).toEqual([1, 2]);
  });

  test("running sums of two lengths", async () => {
    const all = (length: number, exclusive: boolean, reverse: boolean) =>
      values(() => tf.cumsum(tf.ones([length]), 0, exclusive, reverse));
    expect(await all(4, true, true)).toEqual([3, 2, 1, 0]);
    expect(await all(6, true, true)).toEqual([5, 4, 3, 2, 1, 0]);
    expect(await all(3, false, true)).toEqual([3, 2, 1]);
    expect(await all(5, false, false)).toEqual([1, 2, 3, 4, 5]);
  });
});

interface Buffers {
  readonly bufferManager: { readonly numBytesAllocated: number; readonly numUsedBuffers: number };
  readonly pipelineCache: object;
}

onWebgpu("memory on webgpu", () => {
  test("of repeated work stays the same to the byte: buffers and pipelines are used again", async () => {
    await tf.setBackend("webgpu");
    const backend = tf.backend() as unknown as Buffers;
    const [x, w] = [tf.ones<tf.Rank.R2>([32, 16]), tf.ones<tf.Rank.R2>([16, 8])];
    const once = async (): Promise<number[]> => {
      const gradient = tf.grad((v: tf.Tensor) => tf.sum(tf.square(tf.matMul(x, v as tf.Tensor2D))))(w);
      await gradient.data();
      gradient.dispose();
      const { bufferManager, pipelineCache } = backend;
      return [
        bufferManager.numBytesAllocated,
        bufferManager.numUsedBuffers,
        Object.keys(pipelineCache).length,
        tf.memory().numTensors,
      ];
    };
    for (let k = 0; k < 5; k++) await once();
    const before = await once();
    for (let k = 0; k < 50; k++) await once();
    expect(await once()).toEqual(before);
    tf.dispose([x, w]);
  });
});
