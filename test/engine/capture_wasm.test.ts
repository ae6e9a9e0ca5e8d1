/**
 * Captured functions on the wasm engine against the functions themselves: what a training step is made of, other numbers
 * at replay, results that are arguments or share data, constants, refusals, and memory over many replays.
 */
import { beforeAll, describe, expect, test } from "vitest";
import * as tf from "@tensorflow/tfjs-core";
import { CaptureRefused } from "../../src/runtime/engine/capture/recorder.ts";
import { batchNormTraining } from "../../src/runtime/engine/fused.ts";
import { startEngine } from "../../src/runtime/engine/index.ts";
import { wasmRecorder } from "../../src/runtime/engine/wasm/capture/recorder.ts";
import { randomTensor } from "./parity.ts";

beforeAll(() => startEngine("wasm"));

type Fn = (inputs: readonly tf.Tensor[]) => readonly tf.Tensor[];

const make = (seed: number, shape: readonly number[], from = -1, to = 1): tf.Tensor => {
  const { data } = randomTensor(seed, shape, from, to);
  return tf.tensor(data, [...shape]);
};

/** Records on one set of inputs, replays on others, and compares with the function each time. */
function expectSame(fn: Fn, ...runs: (readonly tf.Tensor[])[]): void {
  const inTidy: Fn = (inputs) => tf.tidy(() => [...fn(inputs)]);
  const { outputs, recording } = wasmRecorder.record("test", inTidy, runs[0]!);
  expectClose(outputs, inTidy(runs[0]!));
  for (const inputs of [...runs, runs[0]!]) expectClose(recording.replay(inputs), inTidy(inputs));
  recording.dispose();
}

function expectClose(got: readonly tf.Tensor[], expected: readonly tf.Tensor[]): void {
  expect(got.length).toBe(expected.length);
  got.forEach((tensor, index) => {
    const other = expected[index]!;
    expect(tensor.shape).toEqual(other.shape);
    expect(tensor.dtype).toBe(other.dtype);
    const [a, b] = [tensor.dataSync(), other.dataSync()] as [Float32Array, Float32Array];
    const scale = b.reduce(
      (most, value) => (Number.isFinite(value) ? Math.max(most, Math.abs(value)) : most),
      0,
    );
    for (let i = 0; i < b.length; i++) {
      if (Object.is(a[i], b[i])) continue;
      expect(
        Math.abs(a[i]! - b[i]!),
        `result ${index}, element ${i}: ${a[i]} for ${b[i]}`,
      ).toBeLessThanOrEqual(1e-5 * scale + 1e-7);
    }
  });
}

describe("a captured function gives what the function gives", () => {
  test("products, transpositions, reductions and gradients of a loss over similarities", () => {
    const loss = (x: tf.Tensor): tf.Scalar => {
      const rows = tf.div(x, tf.norm(x, "euclidean", 1, true));
      const similarity = tf.matMul(rows as tf.Tensor2D, rows as tf.Tensor2D, false, true);
      const positives = tf.relu(tf.sub(0.9, similarity));
      const soft = tf.logSumExp(tf.mul(similarity, 20), 1);
      return tf.add(tf.mean(positives), tf.mean(tf.softplus(soft)));
    };
    const fn: Fn = ([x]) => tf.grads((each) => loss(each!))([x!]);
    expectSame(fn, [make(1, [12, 7])], [make(2, [12, 7])], [make(3, [12, 7])]);
  });

  test("a convolutional net with batch normalisation, pooling and an update", () => {
    const fn: Fn = ([images, filter, gamma, beta, dense, rate]) => {
      const value = (...p: tf.Tensor[]): tf.Scalar => {
        const conv = tf.conv2d(images as tf.Tensor4D, p[0] as tf.Tensor4D, 1, "same");
        const { y } = batchNormTraining(conv, p[1]!, p[2]!, 1e-5);
        const pooled = tf.maxPool(tf.relu(y), 2, 2, "valid");
        const features = tf.reshape(pooled, [6, -1]) as tf.Tensor2D;
        return tf.mean(tf.square(tf.matMul(features, p[3] as tf.Tensor2D)));
      };
      const parameters = [filter!, gamma!, beta!, dense!];
      const { value: total, grads } = tf.valueAndGrads(value)(parameters);
      return [total, ...grads.map((g, i) => tf.sub(parameters[i]!, tf.mul(g, rate!)))];
    };
    const inputs = (seed: number): tf.Tensor[] => [
      make(seed, [6, 8, 8, 2]),
      make(seed + 1, [3, 3, 2, 8]),
      make(seed + 2, [8], 0.5, 2),
      make(seed + 3, [8]),
      make(seed + 4, [128, 5]),
      tf.scalar(0.1 * seed),
    ];
    expectSame(fn, inputs(1), inputs(2));
  });

  test("kernels of the backend with one and several results", () => {
    const fn: Fn = ([x, ids]) => [
      ...tf.split(x!, 3, 1),
      tf.concat([x!, tf.exp(x!)], 1),
      tf.concat([x!, tf.exp(x!), tf.tensor2d([[1, 2, 3, 4, 5, 6]])], 0),
      tf.concat([tf.reshape(x!, [1, 30]), tf.reshape(tf.tile(x!, [1, 2]), [1, 60])], 1),
      tf.stack([x!, tf.neg(x!)], 1),
      tf.stack([x!, tf.neg(x!)]),
      ...tf.unstack(x!, 0),
      ...tf.unstack(x!, 1),
      ...tf.split(x!, [1, 4]),
      tf.gather(x!, ids as tf.Tensor1D),
      tf.unsortedSegmentSum(x!, ids as tf.Tensor1D, 4),
      tf.topk(x!, 2).values,
      tf.cumsum(x!, 1),
      tf.pad(x!, [
        [1, 0],
        [0, 2],
      ]),
      tf.oneHot(ids as tf.Tensor1D, 4),
      tf.slice(x!, [1, 2], [2, 3]),
      tf.tanh(x!),
    ];
    const inputs = (seed: number): tf.Tensor[] => [
      make(seed, [5, 6]),
      tf.tensor1d([0, seed, 3, 1, seed], "int32"),
    ];
    expectSame(fn, inputs(1), inputs(2));
  });

  test("kernels that keep an operand prepared see new numbers", () => {
    const fn: Fn = ([x, filter, wide]) => [
      tf.depthwiseConv2d(x as tf.Tensor4D, filter as tf.Tensor4D, 1, "same"),
      tf.conv2d(x as tf.Tensor4D, wide as tf.Tensor4D, 1, "same", "NHWC", 2),
      tf.fused.matMul({ a: tf.reshape(x!, [16, 6]), b: tf.reshape(x!, [6, 16]) }),
      tf.prelu(x!, tf.reshape(tf.slice(filter!, [0, 0, 0, 0], [1, 1, 3, 1]), [1, 1, 3])),
    ];
    const inputs = (seed: number): tf.Tensor[] => [
      make(seed, [2, 4, 4, 3]),
      make(seed + 1, [3, 3, 3, 1]),
      make(seed + 2, [3, 3, 3, 4]),
    ];
    expectSame(fn, inputs(1), inputs(2), inputs(3));
  });

  test("what a kernel throws comes through, and nothing is left behind", () => {
    const fn: Fn = ([x, ids]) => [tf.gather(x!, ids as tf.Tensor1D)];
    const inputs = [make(1, [3, 2]), tf.tensor1d([0, 2], "int32")];
    const { recording, outputs } = wasmRecorder.record("test", fn, inputs);
    const far = tf.tensor1d([0, 9], "int32");
    const backend = tf.backend() as unknown as { numDataIds(): number };
    const before = backend.numDataIds();
    expect(() => recording.replay([inputs[0]!, far])).toThrow(/index 9/);
    expect(backend.numDataIds()).toBe(before);
    expectClose(recording.replay(inputs), outputs);
    recording.dispose();
  });
});

describe("arguments, results and constants", () => {
  test("a result that is an argument is that argument; one that shares its data is a tensor of its own", () => {
    const fn: Fn = ([x, y]) => [y!, tf.reshape(x!, [4]), tf.clone(x!), tf.add(x!, y!)];
    const [x, y] = [make(1, [2, 2]), make(2, [2, 2])];
    const { recording, outputs } = wasmRecorder.record("test", fn, [x, y]);
    expect(outputs[0]).toBe(y);
    const [a, b] = [make(3, [2, 2]), make(4, [2, 2])];
    const got = recording.replay([a, b]);
    expect(got[0]).toBe(b);
    expect(got[1]!.shape).toEqual([4]);
    const held = a.dataSync();
    a.dispose();
    expect(got[1]!.dataSync()).toEqual(held);
    expect(got[2]!.dataSync()).toEqual(held);
    tf.dispose([...outputs, ...got, x]);
    recording.dispose();
  });

  test("one tensor as two arguments, and one value as two results", () => {
    const fn: Fn = ([x, y]) => {
      const sum = tf.add(x!, tf.mul(y!, 2));
      return [sum, tf.reshape(sum, [3, 1]), tf.clone(sum)];
    };
    const x = make(1, [3]);
    expectSame(fn, [x, x], [make(2, [3]), make(3, [3])]);
  });

  test("tensors from outside and inside are constants, also after they are disposed", () => {
    const outside = make(9, [3]);
    const kept = outside.clone();
    const fn: Fn = ([x]) => [
      tf.add(tf.mul(x!, outside), tf.tensor1d([1, 2, 3])),
      tf.range(0, 4),
      tf.zerosLike(x!),
    ];
    const { recording, outputs } = wasmRecorder.record("test", fn, [make(1, [3])]);
    outside.dispose();
    const x = make(2, [3]);
    expectClose(recording.replay([x]), [
      tf.add(tf.mul(x, kept), tf.tensor1d([1, 2, 3])),
      tf.range(0, 4),
      tf.zerosLike(x),
    ]);
    tf.dispose([...outputs]);
    recording.dispose();
  });

  test("what reads back a value that depends on its arguments is refused, with the reason", () => {
    const reads: Fn = ([x]) => [tf.mul(x!, tf.sum(x!).dataSync()[0]! > 0 ? 1 : 2)];
    expect(() => wasmRecorder.record("test", reads, [make(1, [3])])).toThrow(CaptureRefused);
    expect(() => wasmRecorder.record("test", reads, [make(1, [3])])).toThrow(/reads a value back/);
    // What depends on no argument may be read; and after a refusal the engine is as before.
    const constant: Fn = ([x]) => [tf.mul(x!, tf.scalar(3).dataSync()[0]!)];
    expectSame(constant, [make(1, [3])]);
  });

  test("what calls a captured function is refused: its work would go unseen", () => {
    const inner = wasmRecorder.record("inner", ([x]) => [tf.exp(x!)], [make(1, [3])]);
    const outer: Fn = ([x]) => inner.recording.replay([x!]);
    expect(() => wasmRecorder.record("outer", outer, [make(1, [3])])).toThrow(/captured itself/);
    const x = make(2, [3]);
    expectClose(inner.recording.replay([x]), [tf.exp(x)]);
    inner.recording.dispose();
  });

  test("memory is flat over 10,000 replays, and all of it comes back", () => {
    const backend = tf.backend() as unknown as { numDataIds(): number };
    const before = { tensors: tf.memory().numTensors, ids: backend.numDataIds() };
    const x = make(1, [8, 8]);
    const fn: Fn = ([a]) =>
      tf.tidy(() => [tf.matMul(tf.exp(a!) as tf.Tensor2D, a as tf.Tensor2D), tf.tanh(tf.sum(a!, 0)), a!]);
    const { recording, outputs } = wasmRecorder.record("test", fn, [x]);
    tf.dispose(outputs.slice(0, 2));
    const recorded = { tensors: tf.memory().numTensors, ids: backend.numDataIds() };
    for (let k = 0; k < 10_000; k++) tf.dispose(recording.replay([x]).slice(0, 2));
    expect({ tensors: tf.memory().numTensors, ids: backend.numDataIds() }).toEqual(recorded);
    recording.dispose();
    x.dispose();
    expect({ tensors: tf.memory().numTensors, ids: backend.numDataIds() }).toEqual(before);
  });
});
