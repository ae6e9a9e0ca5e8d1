/** The backward pass of a step: tfjs's gradients, with what is needed no more let go of on the way. */
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, test } from "vitest";
import { startEngine } from "../../src/runtime/engine/index.ts";
import { inBlocks } from "../../src/runtime/ops/in_blocks.ts";
import { stopGradient } from "../../src/runtime/ops/untracked.ts";
import { gradientWithin, recorded } from "../../src/runtime/train/tape.ts";

beforeAll(() => startEngine("wasm"));

const values = (tensor: tf.Tensor | null | undefined): number[] | undefined =>
  tensor == null ? undefined : [...tensor.dataSync()];

/** Both ways to the gradient of `f` by the inputs. */
function bothWays(f: (...inputs: tf.Tensor[]) => tf.Tensor, inputs: tf.Tensor[]) {
  const { grads } = tf.engine().gradients(() => f(...inputs), inputs, undefined, true) as {
    grads: (tf.Tensor | null)[];
  };
  const ours = recorded(
    inputs,
    () => f(...inputs) as tf.Scalar,
    (y, of) => of(y, "last"),
  );
  return { theirs: grads.map(values), ours: ours.map(values) };
}

const x = () => tf.tensor2d([1, -2, 3, 4, -5, 6], [2, 3]);
const w = () => tf.tensor2d([0.5, 1, -1, 2, 0.25, -0.5], [3, 2]);
const twice = tf.customGrad((...args) => {
  const [a, b, save] = args as unknown as [tf.Tensor, tf.Tensor, tf.GradSaveFunc];
  save([a, b]);
  // One tensor is the gradient by both.
  return { value: tf.add(a, b), gradFunc: (dy: tf.Tensor) => [dy, dy] };
});
/** Its gradient is a tensor that it saved. */
const product = tf.customGrad((...args) => {
  const [a, b, save] = args as unknown as [tf.Tensor, tf.Tensor, tf.GradSaveFunc];
  save([a, b]);
  return { value: tf.sum(tf.mul(a, b)), gradFunc: (_: tf.Tensor, [p, q]: tf.Tensor[]) => [q!, p!] };
});

const FUNCTIONS: Record<string, (a: tf.Tensor, b: tf.Tensor) => tf.Tensor> = {
  "a product": (a, b) => tf.sum(tf.square(tf.matMul(a as tf.Tensor2D, b as tf.Tensor2D))),
  "an operand used twice": (a) => tf.sum(tf.mul(a, tf.add(a, tf.relu(a)))),
  "a gradient that was saved": (a, b) => tf.add(product(a, tf.square(a)), tf.sum(b)),
  "a broadcast and a split": (a, b) => {
    const [left, right] = tf.split(tf.add(a, tf.sum(b)), [1, 2], 1);
    return tf.sum(tf.mul(left!, right!));
  },
  "a constant path": (a, b) => tf.sum(tf.mul(a, stopGradient(tf.add(a, tf.sum(b))))),
  "an input that is the result": (a) => tf.sum(a),
};

describe("gradients equal tfjs's", () => {
  test.each(Object.entries(FUNCTIONS))("of %s", (_, f) => {
    const { theirs, ours } = bothWays((a, b) => f(a!, b!), [x(), w()]);
    expect(ours).toEqual(theirs);
  });
});

test("one tensor may be the gradient of several", () => {
  const a = x();
  // a + a - a, squared; tfjs's own pass disposes of a gradient here that it still needs.
  const gradient = recorded(
    [a],
    () => tf.sum(tf.square(twice(twice(a, a), tf.neg(a)))) as tf.Scalar,
    (y, of) => of(y, "last")[0],
  );
  expect(values(gradient)).toEqual(values(a)!.map((v) => 2 * v));
});

test("several gradients of one forward pass, and one in the middle of it", () => {
  const a = x();
  const found = recorded(
    [a],
    () => {
      const square = tf.square(a);
      const one = tf.sum(square) as tf.Scalar;
      const within = gradientWithin(one, square)!;
      return { one, two: tf.sum(tf.mul(square, a)) as tf.Scalar, within: tf.keep(within) };
    },
    ({ one, two, within }, of) => [of(one), of(two), [within]].map(([gradient]) => values(gradient)),
  );
  const numbers = values(a)!;
  expect(found).toEqual([numbers.map((v) => 2 * v), numbers.map((v) => 3 * v * v), numbers.map(() => 1)]);
});

test("blocks have their gradient within a recording", () => {
  const a = tf.tensor2d([1, 2, 3, 4, 5, 6, 7, 8], [8, 1]);
  const blocks = (rows: tf.Tensor): tf.Tensor =>
    inBlocks(4, [rows], [], (block) => tf.sum(tf.square(block!)), 8);
  const gradient = recorded(
    [a],
    () => blocks(a) as tf.Scalar,
    (y, of) => of(y, "last")[0],
  );
  expect(values(gradient)).toEqual([2, 4, 6, 8, 10, 12, 14, 16]);
});

test("what a pass needs no more is let go of: memory does not grow with what lies behind", () => {
  const deep = (a: tf.Tensor): tf.Tensor => {
    let y = a;
    for (let k = 0; k < 20; k++) y = tf.mul(tf.sin(y), 1.5);
    return tf.sum(y);
  };
  const a = tf.ones([1000]);
  // Bytes at the end of each kernel of the pass.
  const peakOf = (work: () => unknown): number => {
    let peak = 0;
    const kernel = tf.getKernel("Cos", "wasm")!;
    const { kernelFunc } = kernel;
    kernel.kernelFunc = (call) => {
      peak = Math.max(peak, tf.memory().numBytes);
      return kernelFunc(call);
    };
    tf.tidy(() => void work());
    kernel.kernelFunc = kernelFunc;
    return peak;
  };
  const before = tf.memory().numBytes;
  const theirs = peakOf(() => tf.grad(deep)(a)) - before;
  const ours =
    peakOf(() =>
      recorded(
        [a],
        () => deep(a) as tf.Scalar,
        (y, of) => of(y, "last")[0],
      ),
    ) - before;
  expect(ours).toBeLessThan(0.6 * theirs);
  expect(tf.memory().numBytes).toBe(before);
});

test("an operation without a gradient is named", () => {
  const a = x();
  expect(() =>
    recorded(
      [a],
      () => tf.sum(tf.cumprod(a)) as tf.Scalar,
      (y, of) => of(y),
    ),
  ).toThrow("Cumprod has no gradient");
});
