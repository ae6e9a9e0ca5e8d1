/**
 * Gradients of convolutions on the wasm engine against tfjs's `cpu` backend, over shapes that reach every branch of the
 * kernels: odd sizes, strides, paddings, and channel counts around the block sizes of the SIMD loops.
 */
import { beforeAll, describe, expect, test } from "vitest";
import fc from "fast-check";
import * as tf from "@tensorflow/tfjs-core";
import { type Case, expectSameOnBothBackends, randomTensor, startBoth } from "./parity.ts";

beforeAll(startBoth);

interface Shape {
  readonly batch: number;
  readonly size: readonly [number, number];
  readonly channels: readonly [number, number];
  readonly kernel: readonly [number, number];
  readonly stride: number | [number, number];
  readonly pad: "same" | "valid" | number;
}

const shapes: readonly Shape[] = [
  { batch: 2, size: [8, 8], channels: [4, 8], kernel: [3, 3], stride: 1, pad: "same" },
  { batch: 1, size: [7, 5], channels: [1, 1], kernel: [3, 3], stride: 1, pad: "same" },
  { batch: 3, size: [9, 7], channels: [3, 5], kernel: [3, 3], stride: 2, pad: "same" },
  { batch: 2, size: [10, 8], channels: [2, 13], kernel: [3, 3], stride: 2, pad: "same" },
  { batch: 2, size: [11, 6], channels: [5, 12], kernel: [5, 5], stride: 1, pad: "valid" },
  { batch: 2, size: [12, 13], channels: [3, 4], kernel: [5, 5], stride: 2, pad: "valid" },
  { batch: 2, size: [6, 6], channels: [7, 9], kernel: [1, 1], stride: 1, pad: "same" },
  { batch: 2, size: [7, 7], channels: [6, 3], kernel: [1, 1], stride: 2, pad: "same" },
  { batch: 1, size: [9, 9], channels: [2, 17], kernel: [2, 3], stride: 1, pad: "same" },
  { batch: 2, size: [8, 9], channels: [2, 3], kernel: [3, 3], stride: 3, pad: "same" },
  { batch: 2, size: [8, 9], channels: [2, 3], kernel: [2, 2], stride: 3, pad: "valid" },
  { batch: 2, size: [8, 9], channels: [2, 3], kernel: [3, 3], stride: 2, pad: 2 },
  { batch: 2, size: [8, 9], channels: [2, 3], kernel: [3, 3], stride: [1, 2], pad: "same" },
  { batch: 2, size: [8, 9], channels: [2, 3], kernel: [3, 3], stride: [2, 1], pad: 1 },
  { batch: 2, size: [20, 20], channels: [32, 16], kernel: [3, 3], stride: 1, pad: "same" },
];

const caseOf = ({ batch, size, channels, kernel, stride, pad }: Shape): Case => ({
  name: `${kernel.join("x")} stride ${stride} ${pad}, ${batch}x${size.join("x")}, ${channels.join(" to ")} channels`,
  inputs: [
    randomTensor(1, [batch, ...size, channels[0]]),
    randomTensor(2, [...kernel, channels[0], channels[1]]),
  ],
  compute: ([x, filter]) => tf.conv2d(x as tf.Tensor4D, filter as tf.Tensor4D, stride, pad),
});

describe("conv2d: value, input gradient and filter gradient", () => {
  test.each(shapes.map(caseOf))("$name", (each) => expectSameOnBothBackends(each));

  test("random shapes", async () => {
    const upTo = (largest: number): fc.Arbitrary<number> => fc.integer({ min: 1, max: largest });
    const shape = fc.record({
      batch: upTo(3),
      size: fc.tuple(upTo(11), upTo(11)),
      channels: fc.tuple(upTo(9), upTo(19)),
      kernel: fc.tuple(upTo(5), upTo(5)),
      stride: upTo(3),
      pad: fc.constantFrom("same" as const, "valid" as const),
    });
    const fits = ({ size, kernel, pad }: Shape): boolean =>
      pad === "same" || (kernel[0] <= size[0] && kernel[1] <= size[1]);
    await fc.assert(
      fc.asyncProperty(shape.filter(fits), (each) => expectSameOnBothBackends(caseOf(each))),
      { numRuns: 60, seed: 3 },
    );
  });
});

test("the filter gradient does not depend on what the scratch memory held before", () => {
  expect(tf.getKernel("Conv2DBackpropFilter", "wasm")).toBeDefined();
  tf.tidy(() => {
    tf.fill([40_000], Number.NaN).dispose();
    const x = tf.ones([1, 5, 5, 3]);
    const gradient = tf.grad((f: tf.Tensor) => tf.conv2d(x as tf.Tensor4D, f as tf.Tensor4D, 1, "same"));
    expect(
      gradient(tf.zeros([3, 3, 3, 2]))
        .dataSync()
        .every(Number.isFinite),
    ).toBe(true);
  });
});
