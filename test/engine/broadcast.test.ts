/**
 * Comparisons, logic, extremes, tiling and gathering on the wasm engine against the `cpu` backend, for every way of
 * broadcasting and every element type.
 */
import { beforeAll, expect, test } from "vitest";
import * as tf from "@tensorflow/tfjs-core";
import { startBoth, stream } from "./parity.ts";

beforeAll(startBoth);

type Type = "float32" | "int32" | "bool";

const shapes: readonly (readonly [number[], number[]])[] = [
  [[], []],
  [[3, 2], []],
  [[], [3, 2]],
  [[4, 5], [5]],
  [
    [4, 5],
    [4, 1],
  ],
  [
    [4, 1],
    [1, 5],
  ],
  [
    [2, 1, 3],
    [1, 4, 1],
  ],
  [
    [2, 4, 3, 2],
    [4, 1, 2],
  ],
  [
    [2, 3, 1, 1],
    [2, 3, 4, 2],
  ],
  [
    [1, 1],
    [1, 1],
  ],
  [[0, 3], [3]],
];

const comparisons = ["equal", "notEqual", "less", "lessEqual", "greater", "greaterEqual"] as const;
const kernels: readonly (readonly [string, Type])[] = [
  ...comparisons.flatMap((name) => (["float32", "int32"] as const).map((type) => [name, type] as const)),
  ["equal", "bool"],
  ["logicalAnd", "bool"],
  ["logicalOr", "bool"],
  ["maximum", "float32"],
  ["maximum", "int32"],
  ["minimum", "float32"],
];

/** Few distinct values, so that ties occur, and a NaN among floats. */
function values(shape: number[], type: Type, seed: number): tf.Tensor {
  const next = stream(seed);
  const size = shape.reduce((product, length) => product * length, 1);
  const data = Array.from({ length: size }, () => Math.floor(next() * (type === "bool" ? 2 : 4)));
  if (type === "float32" && size > 5) data[size - 2] = Number.NaN;
  return tf.tensor(data, shape, type);
}

async function both(compute: () => tf.Tensor): Promise<void> {
  const results: unknown[] = [];
  for (const backend of ["wasm", "cpu"]) {
    await tf.setBackend(backend);
    const before = tf.memory().numTensors;
    const result = tf.tidy(compute);
    results.push({ data: [...result.dataSync()], dtype: result.dtype, shape: result.shape });
    result.dispose();
    expect(tf.memory().numTensors).toBe(before);
  }
  await tf.setBackend("wasm");
  expect(results[0]).toEqual(results[1]);
}

test.each(kernels)("%s of %s", async (name, type) => {
  const apply = tf[name as "equal"];
  for (const [a, b] of shapes) await both(() => apply(values(a, type, 1), values(b, type, 2)));
});

test.each(["float32", "int32", "bool"] as const)("tile of %s", async (type) => {
  await both(() => tf.tile(values([3], type, 1), [4]));
  await both(() => tf.tile(values([2, 1, 3], type, 1), [1, 5, 1]));
  await both(() => tf.tile(values([2, 3, 1], type, 1), [1, 1, 6]));
  await both(() => tf.tile(values([2, 3, 2], type, 1), [3, 2, 4]));
  await both(() => tf.tile(values([1, 1], type, 1), [1, 1]));
});

test.each(["float32", "int32", "bool"] as const)("gather of %s", async (type) => {
  const places = (): tf.Tensor1D => tf.tensor1d([2, 0, 2, 1, 1], "int32");
  await both(() => tf.gather(values([3], type, 1), places()));
  await both(() => tf.gather(values([3, 40], type, 1), places()));
  await both(() => tf.gather(values([3, 2], type, 1), places(), 0));
  await both(() => tf.gather(values([4, 3, 2], type, 1), places(), 1));
  await both(() => tf.gather(values([4, 3], type, 1), tf.reshape(places(), [5, 1]), -1));
});

test("gathering outside the axis is an error", () => {
  expect(() => tf.gather(tf.ones([3]), tf.tensor1d([3], "int32"))).toThrow("index 3 is not in [0, 2]");
});
