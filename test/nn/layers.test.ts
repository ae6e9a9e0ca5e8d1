import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, test } from "vitest";
import { startEngine } from "../../src/runtime/engine/index.ts";
import * as init from "../../src/runtime/init.ts";
import * as nn from "../../src/runtime/nn/index.ts";
import type { ParameterSpec, StateSpec } from "../../src/runtime/program.ts";
import { counterRandom } from "../../src/runtime/random.ts";
import { createNet } from "../../src/runtime/train/net.ts";
import type { RecordingNet } from "../../src/runtime/train/net.ts";
import { initialParameters, initialState } from "../../src/runtime/train/parameters.ts";

beforeAll(async () => {
  await startEngine("wasm");
});

function netOf(parameters: ParameterSpec[], states: StateSpec[] = [], training = true): RecordingNet {
  return createNet({ classes: 0 }, training, initialParameters(parameters, 3), initialState(states));
}

function noise(shape: number[], name = "x"): tf.Tensor {
  const random = counterRandom(5, name);
  return tf.tensor(
    Float32Array.from({ length: tf.util.sizeFromShape(shape) }, () => random.normal()),
    shape,
  );
}

const values = (tensor: tf.Tensor): number[] => Array.from(tensor.dataSync());

/** Largest difference between the gradient of sum(c · f(x)) and central differences, c fixed. */
function gradientError(f: (x: tf.Tensor) => tf.Tensor, x: tf.Tensor, step = 1e-2): number {
  const weights = noise(f(x).shape, "weights");
  const value = (at: tf.Tensor): tf.Scalar => tf.sum(tf.mul(weights, f(at)));
  const gradient = values(tf.grad(value)(x));
  const start = values(x);
  return Math.max(
    ...start.map((_, i) => {
      const moved = (by: number): number => {
        const at = start.map((v, j) => (j === i ? v + by : v));
        return value(tf.tensor(at, x.shape)).dataSync()[0]!;
      };
      return Math.abs(gradient[i]! - (moved(step) - moved(-step)) / (2 * step));
    }),
  );
}

describe("conv and linear", () => {
  test("a convolution pads to the same size, strides round up, and the bias is there if declared", () => {
    const shape = { inputs: 2, outputs: 3, kernel: 3, group: "backbone" } as const;
    const net = netOf([
      ...nn.convParameters("plain", { ...shape, bias: false }),
      ...nn.convParameters("biased", { ...shape, bias: true }),
    ]);
    const x = noise([2, 5, 5, 2]) as tf.Tensor4D;
    expect(nn.conv(x, net, "plain").shape).toEqual([2, 5, 5, 3]);
    expect(nn.conv(x, net, "plain", { stride: 2 }).shape).toEqual([2, 3, 3, 3]);
    expect(nn.conv(x, net, "biased", { bias: true }).shape).toEqual([2, 5, 5, 3]);
    expect(() => nn.conv(x, net, "plain", { bias: true })).toThrow(/no parameter "plain\/bias"/);
  });

  test("linear flattens an image and equals the product written out", () => {
    const net = netOf(nn.linearParameters("head", { inputs: 12, outputs: 2, bias: true, group: "heads" }));
    const x = noise([3, 2, 2, 3]) as tf.Tensor4D;
    const [w, b, input] = [values(net.param("head/weight")), values(net.param("head/bias")), values(x)];
    const expected = [0, 1, 2].flatMap((row) =>
      [0, 1].map(
        (j) => b[j]! + input.slice(12 * row, 12 * row + 12).reduce((sum, v, i) => sum + v * w[2 * i + j]!, 0),
      ),
    );
    values(nn.linear(x, net, "head")).forEach((v, i) => expect(v).toBeCloseTo(expected[i]!, 5));
  });

  test("only weights decay", () => {
    const specs = [
      ...nn.convParameters("c", { inputs: 1, outputs: 1, kernel: 3, bias: true, group: "backbone" }),
      ...nn.linearParameters("l", { inputs: 1, outputs: 1, bias: true, group: "heads" }),
      ...nn.batchNormParameters("b", 1, "backbone"),
    ];
    expect(specs.filter((spec) => spec.decay).map((spec) => spec.name)).toEqual(["c/filter", "l/weight"]);
  });
});

describe("batch norm", () => {
  const specs = nn.batchNormParameters("bn", 3, "backbone");
  const states = nn.batchNormState("bn", 3);

  test("normalises each channel in training and moves the running statistics as PyTorch does", () => {
    const net = netOf(specs, states);
    const x = tf.add(tf.mul(noise([4, 2, 2, 3]), [1, 5, 0.1]), [0, 10, -3]) as tf.Tensor4D;
    const y = nn.batchNorm(x, net, "bn");
    const { mean, variance } = tf.moments(y, [0, 1, 2]);
    values(mean).forEach((v) => expect(v).toBeCloseTo(0, 4));
    values(variance).forEach((v) => expect(v).toBeCloseTo(1, 2));
    const batch = tf.moments(x, [0, 1, 2]);
    values(net.updates["bn/mean"]!).forEach((v, c) => expect(v).toBeCloseTo(0.1 * values(batch.mean)[c]!, 4));
    values(net.updates["bn/variance"]!).forEach((v, c) =>
      expect(v).toBeCloseTo(0.9 + (0.1 * values(batch.variance)[c]! * 16) / 15, 4),
    );
  });

  test("uses the running statistics in evaluation and changes nothing", () => {
    const net = netOf(specs, states, false);
    const x = noise([2, 2, 2, 3]) as tf.Tensor4D;
    const y = values(nn.batchNorm(x, net, "bn"));
    values(x).forEach((v, i) => expect(y[i]).toBeCloseTo(v / Math.sqrt(1 + 1e-5), 5));
    expect(net.updates).toEqual({});
  });

  test("its gradient is that of the batch's own statistics", () => {
    const net = netOf(specs, states);
    expect(gradientError((x) => nn.batchNorm(x, net, "bn"), noise([2, 2, 2, 3]))).toBeLessThan(5e-3);
    expect(gradientError((x) => nn.batchNorm(x, net, "bn"), noise([5, 3]))).toBeLessThan(5e-3);
  });

  test("a channel without spread and a batch of one stay finite", () => {
    const net = netOf(specs, states);
    const gradient = tf.grad((x) => tf.sum(nn.batchNorm(x, net, "bn")));
    for (const x of [tf.ones([4, 3]), tf.ones([1, 3])]) {
      expect(values(nn.batchNorm(x, net, "bn")).every(Number.isFinite)).toBe(true);
      expect(values(gradient(x)).every(Number.isFinite)).toBe(true);
    }
  });
});

describe("normalize", () => {
  test("gives unit rows and the projected gradient", () => {
    const x = noise([4, 5]) as tf.Tensor2D;
    values(tf.norm(nn.normalize(x), "euclidean", 1)).forEach((length) => expect(length).toBeCloseTo(1, 5));
    expect(gradientError((at) => nn.normalize(at as tf.Tensor2D), x)).toBeLessThan(2e-3);
  });

  test("the zero vector stays zero, with gradient zero; tiny and huge rows stay finite", () => {
    const rows = [0, 1e-30, 1e-13, 1e-11, 1e15].map((scale) => [3 * scale, -4 * scale]);
    const x = tf.tensor2d(rows);
    const y = values(nn.normalize(x));
    expect(y.slice(0, 4)).toEqual([0, -0, 0, -0]);
    [0.6, -0.8, 0.6, -0.8, 0.6, -0.8].forEach((v, i) => expect(y[4 + i]).toBeCloseTo(v, 5));
    const gradient = values(tf.grad((at) => tf.sum(nn.normalize(at as tf.Tensor2D)))(x));
    expect(gradient.every(Number.isFinite)).toBe(true);
    expect(gradient.slice(0, 2)).toEqual([0, 0]);
  });
});

describe("pooling and activations", () => {
  test("windows do not overlap and an incomplete one is dropped", () => {
    const x = tf.tensor4d([1, 2, 9, 4, 3, 8, 7, 6, 5], [1, 3, 3, 1]);
    expect(values(nn.maxPool(x, 2))).toEqual([4]);
    expect(values(nn.avgPool(x, 2))).toEqual([2.5]);
    expect(values(nn.globalMaxPool(x))).toEqual([9]);
    expect(values(nn.globalAvgPool(x))).toEqual([5]);
    expect(nn.globalAvgPool(noise([2, 3, 4, 5]) as tf.Tensor4D).shape).toEqual([2, 5]);
  });

  test("gradients of pooling", () => {
    const x = noise([2, 4, 4, 2]) as tf.Tensor4D;
    const layers = [
      (at: tf.Tensor) => nn.maxPool(at as tf.Tensor4D, 2),
      (at: tf.Tensor) => nn.avgPool(at as tf.Tensor4D, 2),
      (at: tf.Tensor) => nn.globalAvgPool(at as tf.Tensor4D),
      (at: tf.Tensor) => nn.globalMaxPool(at as tf.Tensor4D),
    ];
    for (const layer of layers) expect(gradientError(layer, x, 1e-3)).toBeLessThan(5e-3);
  });

  test("activations and their gradients at the kink", () => {
    const x = tf.tensor1d([-2, 0, 3]);
    expect(values(nn.relu(x))).toEqual([0, 0, 3]);
    expect(values(tf.grad((at) => tf.sum(nn.relu(at)))(x))).toEqual([0, 0, 1]);
    values(nn.leakyRelu(x)).forEach((v, i) => expect(v).toBeCloseTo([-0.02, 0, 3][i]!, 6));
    expect(gradientError((at) => nn.tanh(nn.sigmoid(at)), x)).toBeLessThan(1e-3);
  });
});

describe("initialisers", () => {
  const draw = (initializer: ReturnType<typeof init.zeros>, shape: number[]): number[] =>
    Array.from(initializer(shape, counterRandom(1, "w")));
  const deviation = (xs: number[]): number => Math.sqrt(xs.reduce((sum, x) => sum + x * x, 0) / xs.length);

  test("spread as torch.nn.init, with the last axis as the fan-in", () => {
    const shape = [50, 200];
    expect(deviation(draw(init.kaimingNormal(), shape))).toBeCloseTo(Math.sqrt(2 / 200), 2);
    expect(deviation(draw(init.xavierNormal(), shape))).toBeCloseTo(Math.sqrt(2 / 250), 2);
    for (const [initializer, bound] of [
      [init.kaimingUniform(), Math.sqrt(6 / 200)],
      [init.xavierUniform(), Math.sqrt(6 / 250)],
      [init.uniform(-0.5, 0.5), 0.5],
    ] as const) {
      const drawn = draw(initializer, shape);
      expect(Math.max(...drawn.map(Math.abs))).toBeLessThanOrEqual(bound);
      expect(Math.max(...drawn.map(Math.abs))).toBeGreaterThan(0.99 * bound);
      expect(deviation(drawn)).toBeCloseTo(bound / Math.sqrt(3), 2);
    }
    expect(draw(init.constant(1.5), [2, 2])).toEqual([1.5, 1.5, 1.5, 1.5]);
    expect(draw(init.ones(), [2]).concat(draw(init.zeros(), [1]))).toEqual([1, 1, 0]);
    const normal = draw(init.normal(3, 0.5), shape);
    expect(normal.reduce((sum, x) => sum + x, 0) / normal.length).toBeCloseTo(3, 1);
  });

  test("a convolution's fan-in is kernel² · inputs, a linear layer's its inputs", () => {
    const [filter] = nn.convParameters("c", {
      inputs: 16,
      outputs: 32,
      kernel: 3,
      bias: false,
      group: "backbone",
    });
    expect(deviation(draw(filter!.init, [...filter!.shape]))).toBeCloseTo(Math.sqrt(2 / 144), 2);
    const [weight] = nn.linearParameters("l", { inputs: 100, outputs: 50, bias: false, group: "heads" });
    const drawn = draw(weight!.init, [...weight!.shape]);
    expect(Math.max(...drawn.map(Math.abs))).toBeCloseTo(0.1, 3);
  });

  test("a parameter's values depend on the seed and its own name only", () => {
    const spec = (name: string): ParameterSpec => ({
      name,
      shape: [4],
      init: init.normal(),
      group: "params",
      decay: false,
      trainable: true,
    });
    const alone = values(initialParameters([spec("b")], 7)["b"]!);
    const beside = initialParameters([spec("a"), spec("b")], 7);
    expect(values(beside["b"]!)).toEqual(alone);
    expect(values(beside["a"]!)).not.toEqual(alone);
    expect(values(initialParameters([spec("b")], 8)["b"]!)).not.toEqual(alone);
    expect(() => initialParameters([spec("a"), spec("a")], 7)).toThrow(/"a" is declared twice/);
  });
});
