/**
 * The generated loops of captured functions against the engine's kernels: every elementwise operator on ordinary and on
 * extreme numbers, broadcasting, reductions over any axes, and random graphs of all of these.
 */
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import * as tf from "@tensorflow/tfjs-core";
import { startEngine } from "../../src/runtime/engine/index.ts";
import { RELU_GRADIENT } from "../../src/runtime/engine/kernel_names.ts";
import { isElementwise } from "../../src/runtime/engine/wasm/capture/elementwise.ts";
import { wasmRecorder } from "../../src/runtime/engine/wasm/capture/recorder.ts";
import { randomTensor } from "./parity.ts";

beforeAll(() => startEngine("wasm"));

type Fn = (inputs: readonly tf.Tensor[]) => tf.Tensor[];

/** Numbers at which something changes: signs, thresholds, the ends of the range, what is no number. */
const EXTREMES = [
  0,
  -0,
  1,
  -1,
  0.5,
  -0.5,
  2,
  6,
  7,
  -3.25,
  1e-3,
  1e-20,
  -1e-20,
  1e20,
  -1e20,
  88.5,
  89,
  -87,
  -88.5,
  -103,
  -105,
  1e-38,
  1e-40,
  1.5,
  2.5,
  -1.5,
  3.4e38,
  -3.4e38,
  Infinity,
  -Infinity,
  NaN,
];

const close = (a: number, b: number): boolean =>
  Object.is(a, b) || a === b || Math.abs(a - b) <= 2e-6 * Math.max(Math.abs(a), Math.abs(b)) + 1e-37;

function expectSame(fn: Fn, inputs: readonly tf.Tensor[], near: typeof close = close): void {
  const inTidy = (given: readonly tf.Tensor[]): tf.Tensor[] => tf.tidy(() => fn(given));
  const { outputs, recording } = wasmRecorder.record("test", inTidy, inputs);
  const replayed = recording.replay(inputs);
  const [got, expected] = [replayed, outputs].map((list) => list.map((each) => [...each.dataSync()])) as [
    number[][],
    number[][],
  ];
  recording.dispose();
  outputs.forEach((output, index) => {
    expect(replayed[index]!.shape).toEqual(output.shape);
    expect(replayed[index]!.dtype).toBe(output.dtype);
    const wrong = expected[index]!.findIndex((value, place) => !near(got[index]![place]!, value));
    const at = `result ${index}, element ${wrong}: ${got[index]![wrong]} for ${expected[index]![wrong]}`;
    expect(wrong, `${at} of ${inputs.map((each) => each.dataSync()[wrong])}`).toBe(-1);
  });
  tf.dispose([...replayed, ...outputs]);
}

const extremes = (): tf.Tensor1D => tf.tensor1d(EXTREMES);
/** Every extreme against every other. */
const pairs = (): [tf.Tensor, tf.Tensor] => {
  const n = EXTREMES.length;
  return [
    tf.tidy(() => tf.add(tf.reshape(extremes(), [n, 1]), tf.zeros([1, n]))),
    tf.tidy(() => tf.add(tf.reshape(extremes(), [1, n]), tf.zeros([n, 1]))),
  ];
};
const finite = (x: tf.Tensor): tf.Tensor => tf.where(tf.isFinite(x), x, tf.zerosLike(x));
const integers = (): tf.Tensor => tf.tensor1d([0, 1, -1, 7, -9, 2 ** 30, -(2 ** 30), 3, 5], "int32");
const flags = (): tf.Tensor => tf.tensor1d([1, 0, 0, 1, 1, 1, 0], "bool");
const isPositive = (x: tf.Tensor): tf.Tensor => tf.greater(x, 0);

const ofOne: Readonly<Record<string, (x: tf.Tensor) => tf.Tensor>> = {
  [tf.Neg]: tf.neg,
  [tf.Abs]: tf.abs,
  [tf.Square]: tf.square,
  [tf.Sqrt]: tf.sqrt,
  [tf.Rsqrt]: tf.rsqrt,
  [tf.Reciprocal]: tf.reciprocal,
  [tf.Floor]: tf.floor,
  [tf.Ceil]: tf.ceil,
  [tf.Round]: tf.round,
  [tf.Exp]: tf.exp,
  [tf.Log]: tf.log,
  [tf.Sign]: tf.sign,
  [tf.Step]: tf.step,
  [tf.Relu]: tf.relu,
  [tf.Relu6]: tf.relu6,
  [tf.LeakyRelu]: (x) => tf.leakyRelu(x, 0.3),
  [tf.ClipByValue]: (x) => tf.clipByValue(x, -1, 6),
  [tf.IsNan]: tf.isNaN,
  [tf.Sigmoid]: tf.sigmoid,
  [tf.Acos]: tf.acos,
};
const ofTwo: Readonly<Record<string, (a: tf.Tensor, b: tf.Tensor) => tf.Tensor>> = {
  [tf.Add]: tf.add,
  [tf.Sub]: tf.sub,
  [tf.Multiply]: tf.mul,
  [tf.RealDiv]: tf.div,
  [tf.Maximum]: tf.maximum,
  [tf.Minimum]: tf.minimum,
  [tf.SquaredDifference]: tf.squaredDifference,
  [tf.Equal]: tf.equal,
  [tf.NotEqual]: tf.notEqual,
  [tf.Less]: tf.less,
  [tf.LessEqual]: tf.lessEqual,
  [tf.Greater]: tf.greater,
  [tf.GreaterEqual]: tf.greaterEqual,
};
const others = [
  tf.LogicalAnd,
  tf.LogicalOr,
  tf.LogicalNot,
  tf.Select,
  tf.Cast,
  tf.Log1p,
  tf.Softplus,
  RELU_GRADIENT,
];

describe("every operator on extreme numbers, as the engine's kernel has it", () => {
  test.each(Object.entries(ofOne))("%s", (name, op) => {
    expect(isElementwise(name)).toBe(true);
    // Where the engine's kernels are at odds with the definition the loops are not: NaN is lost, tiny numbers have no sign.
    const own: Readonly<Record<string, readonly number[]>> = {
      [tf.Relu6]: EXTREMES.filter((x) => !Number.isNaN(x)),
      [tf.ClipByValue]: EXTREMES.filter((x) => !Number.isNaN(x)),
      [tf.Sign]: EXTREMES.filter((x) => Math.abs(x) > 1e-3 || x === 0),
    };
    expectSame(([x]) => [op(x!)], [tf.tensor1d([...(own[name] ?? EXTREMES)])]);
  });

  test.each(Object.entries(ofTwo))("%s", (name, op) => {
    expect(isElementwise(name)).toBe(true);
    // The engine's maximum of two operands one of which is NaN depends on their order.
    const ordered = name === tf.Maximum || name === tf.Minimum;
    const operands = pairs().map((each) => (ordered ? finite(each) : each));
    expectSame(([a, b]) => [op(a!, b!)], operands);
  });

  test("log1p and softplus, as defined: the engine's kernels lose digits", () => {
    for (const name of others) expect(isElementwise(name)).toBe(true);
    const defined = (
      fn: (x: tf.Tensor) => tf.Tensor,
      definition: (x: number) => number,
      from: readonly number[],
    ) => {
      const x = tf.tensor1d([...from]);
      const { recording } = wasmRecorder.record("test", ([each]) => [fn(each!)], [x]);
      const got = recording.replay([x])[0]!.dataSync();
      x.dataSync().forEach((value, place) => {
        const wanted = Math.fround(definition(value));
        expect(close(got[place]!, wanted), `${got[place]} for ${wanted} at ${value}`).toBe(true);
      });
    };
    defined(tf.log1p, Math.log1p, [...EXTREMES, -0.999, 1e-7, -1e-7, 3e-5]);
    const softplus = (x: number): number => (x > 0 ? x + Math.log1p(Math.exp(-x)) : Math.log1p(Math.exp(x)));
    defined(tf.softplus, softplus, EXTREMES.filter(Number.isFinite));
  });

  test("integers, flags, casts, choices and the gradient of relu", () => {
    const i = integers();
    expectSame(([x]) => [tf.add(x!, x!), tf.sub(x!, tf.scalar(3, "int32")), tf.neg(x!), tf.abs(x!)], [i]);
    expectSame(
      ([x]) => [tf.greater(x!, tf.scalar(2, "int32")), tf.equal(x!, x!), tf.cast(x!, "float32")],
      [i],
    );
    expectSame(
      ([x]) => [
        tf.cast(tf.abs(tf.sign(tf.cast(x!, "float32"))), "bool"),
        tf.maximum(x!, tf.scalar(4, "int32")),
      ],
      [i],
    );
    const f = flags();
    expectSame(
      ([x]) => [tf.logicalNot(x!), tf.cast(x!, "float32"), tf.cast(x!, "int32"), tf.any(x!), tf.all(x!)],
      [f],
    );
    expectSame(([x]) => [tf.cast(x!, "int32")], [tf.tensor1d([0, 1.7, -1.7, 1e6, -0.2])]);
    expectSame(([x]) => [tf.cast(x!, "bool")], [tf.tensor1d([0, 1, 1, 0, 1])]);
    const [a, b] = pairs();
    expectSame(([x, y]) => [tf.where(isPositive(x!), x!, y!)], [a, b]);
    expectSame(
      ([x, y]) => [
        tf.logicalAnd(isPositive(x!), isPositive(y!)),
        tf.logicalOr(isPositive(x!), isPositive(y!)),
      ],
      [a, b],
    );
    expectSame(
      ([x, y]) => [tf.engine().runKernel(RELU_GRADIENT, { dy: y!, x: x! }) as tf.Tensor],
      [a, finite(b)],
    );
  });
});

const shapes: readonly (readonly [number[], number[]])[] = [
  [
    [5, 7],
    [1, 7],
  ],
  [
    [5, 7],
    [5, 1],
  ],
  [[5, 7], [7]],
  [[1], [6, 9]],
  [[], [3, 4]],
  [
    [8, 1],
    [1, 33],
  ],
  [
    [4, 1, 4, 1],
    [1, 3, 1, 16],
  ],
  [
    [2, 3, 4],
    [2, 1, 4],
  ],
  [
    [2, 3, 64],
    [3, 1],
  ],
  [
    [1, 1],
    [1, 1],
  ],
];

describe("functions by polynomials, over all floats", () => {
  const softplus = (x: number): number => (x > 0 ? x + Math.log1p(Math.exp(-x)) : Math.log1p(Math.exp(x)));
  /** Distance of a float to the next. */
  const unit = (x: number): number =>
    x === 0 ? 2 ** -149 : 2 ** Math.max(Math.floor(Math.log2(Math.abs(x))) - 23, -149);

  test.each([
    ["exp", tf.exp, Math.exp, 1.5],
    ["log", tf.log, Math.log, 1.5],
    ["log1p", tf.log1p, Math.log1p, 3],
    ["softplus", tf.softplus, softplus, 3],
    ["acos", tf.acos, Math.acos, 3],
  ] as const)("%s is within a few units in the last place", (_, fn, definition, most) => {
    // Every 65521st of all bit patterns: all signs and exponents, denormals, infinities and NaN among them.
    const patterns = Uint32Array.from({ length: 65_536 }, (_unused, k) => (k * 65_521) >>> 0);
    const near = Float32Array.from({ length: 4096 }, (_unused, k) => (k - 2048) / 2000);
    const x = tf.tensor1d(Float32Array.from([...new Float32Array(patterns.buffer), ...near]));
    const { recording } = wasmRecorder.record("test", ([each]) => [fn(each!)], [x]);
    const got = recording.replay([x])[0]!.dataSync();
    recording.dispose();
    let worst = { off: 0, at: 0 };
    x.dataSync().forEach((value, place) => {
      const exact = definition(value);
      const [have, want] = [got[place]!, Math.fround(exact)];
      if (Object.is(have, want) || have === want) return;
      const distance = Math.abs(have - exact) / unit(want);
      const off = Number.isFinite(distance) ? distance : Infinity;
      if (off > worst.off) worst = { off, at: value };
    });
    expect(worst.off, `at ${worst.at}`).toBeLessThanOrEqual(most);
  });
});

describe("shapes", () => {
  test.each(shapes)("broadcasting of [%s] and [%s], then sums", (left, right) => {
    const [a, b] = [left, right].map((shape, index) => tf.tensor(randomTensor(index, shape).data, shape));
    const near = (x: number, y: number): boolean => Math.abs(x - y) <= 1e-5 * (1 + Math.abs(y));
    expectSame(
      ([x, y]) => {
        const product = tf.mul(tf.exp(x!), tf.sub(y!, x!));
        const axes = product.shape.map((_, axis) => axis);
        return [
          product,
          tf.sum(product),
          ...axes.map((axis) => tf.sum(product, axis)),
          tf.greater(x!, y!),
          tf.any(tf.greater(x!, y!), axes.slice(0, 1)),
        ];
      },
      [a!, b!],
      near,
    );
  });

  test.each([[[0]], [[1]], [[2]], [[0, 1]], [[0, 2]], [[1, 2]], [[0, 1, 2]]])(
    "reductions over axes %s",
    (axes) => {
      const near = (x: number, y: number): boolean => Math.abs(x - y) <= 1e-5 * (1 + Math.abs(y));
      for (const shape of [
        [3, 5, 7],
        [4, 4, 8],
        [2, 1, 33],
      ]) {
        const x = tf.tensor(randomTensor(3, shape).data, shape);
        expectSame(
          ([each]) => {
            const y = tf.mul(each!, 2);
            return [
              tf.sum(y, axes),
              tf.mean(y, axes, true),
              tf.max(y, axes),
              tf.min(y, axes),
              tf.any(isPositive(y), axes),
              tf.all(isPositive(y), axes),
            ];
          },
          [x],
          near,
        );
      }
    },
  );

  test("a NaN anywhere is the largest, the smallest and the sum", () => {
    const x = tf.tensor2d([1, 2, 3, 4, 5, NaN, NaN, 1, 2, 3, 4, 5], [2, 6]);
    const fn: Fn = ([each]) => [tf.max(each!, 1), tf.min(each!, 1), tf.sum(each!, 1), tf.max(each!, 0)];
    const { recording } = wasmRecorder.record("test", fn, [tf.zerosLike(x)]);
    const [largest, smallest, sum, columns] = recording.replay([x]).map((each) => [...each.dataSync()]);
    for (const each of [largest, smallest, sum]) expect(each).toEqual([NaN, NaN]);
    expect(columns).toEqual([NaN, 2, 3, 4, 5, NaN]);
    recording.dispose();
  });

  test("empty tensors and scalars", () => {
    expectSame(([x]) => [tf.exp(tf.neg(x!)), tf.sum(x!)], [tf.scalar(2)]);
    expectSame(([x]) => [tf.add(x!, 1)], [tf.zeros([0, 3])]);
  });
});

/** What random graphs are made of; every step takes tensors of the pool and adds one. */
const steps: readonly ((a: tf.Tensor, b: tf.Tensor) => tf.Tensor)[] = [
  (a, b) => tf.add(a, b),
  (a, b) => tf.mul(a, b),
  (a, b) => tf.maximum(a, b),
  (a, b) => tf.where(tf.greater(a, b), a, tf.mul(b, 0.5)),
  (a) => tf.sigmoid(a),
  (a) => tf.sub(tf.relu(a), 0.25),
  (a) => tf.sum(a, -1, true),
  (a) => tf.sum(a, 0, true),
  (a) => tf.max(a, -1, true),
  (a) => tf.div(a, tf.add(tf.abs(a), 1)),
  (a) => tf.mul(a, tf.cast(tf.lessEqual(a, 0.3), "float32")),
  (a) =>
    a.shape[0] === 6 && a.shape[1] === 8 ? tf.reshape(tf.sum(tf.reshape(a, [3, 2, 8]), 1), [1, 24]) : a,
  (a) => (a.shape[0] === 6 ? tf.transpose(tf.matMul(a as tf.Tensor2D, a as tf.Tensor2D, false, true)) : a),
  (a) => tf.reshape(tf.mean(tf.square(a)), [1, 1]),
];

test("random graphs give what they give step by step, on other numbers too", () => {
  const choice = fc.record({ step: fc.nat(steps.length - 1), a: fc.nat(50), b: fc.nat(50) });
  fc.assert(
    fc.property(fc.array(choice, { minLength: 1, maxLength: 24 }), fc.nat(1000), (choices, seed) => {
      const fn: Fn = (inputs) => {
        const pool = [...inputs];
        for (const { step, a, b } of choices) {
          const left = pool[a % pool.length]!;
          const right = pool[b % pool.length]!;
          const fits = (shape: readonly number[]): boolean =>
            [left.shape, right.shape].every((each) =>
              each.every((n, k) => n === 1 || n === shape[k + shape.length - each.length]),
            );
          pool.push(steps[step]!(left, fits(left.shape) || fits(right.shape) ? right : left));
        }
        return pool.slice(inputs.length).map((each) => tf.clone(each));
      };
      const inputs = (k: number): tf.Tensor[] => [
        tf.tensor2d(randomTensor(seed + k, [6, 8]).data, [6, 8]),
        tf.tensor2d(randomTensor(seed + k + 1, [6, 1]).data, [6, 1]),
        tf.tensor2d(randomTensor(seed + k + 2, [1, 8]).data, [1, 8]),
      ];
      tf.tidy(() => {
        const { recording } = wasmRecorder.record("test", fn, inputs(0));
        const given = inputs(5);
        const got = recording.replay(given);
        fn(given).forEach((expected, index) => {
          const [a, b] = [got[index]!.dataSync(), expected.dataSync()] as [Float32Array, Float32Array];
          const scale = Math.max(1, ...b.map(Math.abs));
          const worst = b.reduce((most, value, place) => Math.max(most, Math.abs(value - a[place]!)), 0);
          expect(worst / scale, `result ${index}`).toBeLessThan(1e-4);
        });
        recording.dispose();
      });
    }),
    { numRuns: 60 },
  );
});
