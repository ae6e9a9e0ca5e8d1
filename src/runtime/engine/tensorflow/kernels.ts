/**
 * This project's own kernels on TensorFlow: operations TensorFlow has as one, which tfjs would put together from many,
 * and some in place of tfjs-node's. Registered once by `startTensorflow`; what the former compute is said in
 * `../kernel_names.ts`.
 */
import * as tf from "@tensorflow/tfjs-core";
import {
  BATCH_NORM_TRAINING,
  BATCH_NORM_TRAINING_GRADIENT,
  GRAM_GRADIENT,
  HALF_SUM_OF_SQUARES,
  RELU_GRADIENT,
} from "../kernel_names.ts";
import { kernelsOf } from "../registry.ts";
import type { NodeBackend, OpAttribute } from "./binding.ts";

interface Call {
  readonly inputs: Readonly<Record<string, tf.Tensor>>;
  readonly backend: NodeBackend;
  readonly attrs: Readonly<Record<string, number>>;
}

const { add, replace } = kernelsOf("tensorflow");

/** Registers every kernel below for the backend `tensorflow`. */
export function registerTensorflowKernels(): void {
  add<Call>(RELU_GRADIENT, ({ inputs: { dy, x }, backend }) =>
    backend.executeSingleOutput("ReluGrad", [type(backend, "T", dy!)], [dy!, x!]),
  );
  add<Call>(HALF_SUM_OF_SQUARES, ({ inputs: { x }, backend }) =>
    backend.executeSingleOutput("L2Loss", [type(backend, "T", x!)], [x!]),
  );
  add<Call>(GRAM_GRADIENT, ({ inputs: { dy, x } }) =>
    tf.tidy(() => tf.add(tf.matMul(dy!, x!), tf.matMul(dy!, x!, true))),
  );
  replace(tf.GatherV2, () => gather);
  replace(tf.BatchMatMul, product);
  replace(tf.Step, step);
  add<Call>(BATCH_NORM_TRAINING, ({ inputs: { x, gamma, beta }, backend, attrs }) => {
    const none = tf.tensor1d([], "float32");
    const operands = [asImages(x!), gamma!, beta!, none, none];
    const [y, mean, variance, ...saved] = backend.executeMultipleOutputs(
      "FusedBatchNormV3",
      batchNormAttributes(backend, x!, attrs["epsilon"]!),
      operands,
      6,
    );
    none.dispose();
    return [tf.reshape(y!, x!.shape), mean!, variance!, ...saved];
  });
  add<Call>(BATCH_NORM_TRAINING_GRADIENT, ({ inputs, backend, attrs }) => {
    const { dy, x, gamma, saved1, saved2, saved3 } = inputs;
    const [dx, dGamma, dBeta, ...rest] = backend.executeMultipleOutputs(
      "FusedBatchNormGradV3",
      batchNormAttributes(backend, x!, attrs["epsilon"]!),
      [asImages(dy!), asImages(x!), gamma!, saved1!, saved2!, saved3!],
      5,
    );
    for (const tensor of rest) tensor.dispose();
    return [tf.reshape(dx!, x!.shape), dGamma!, dBeta!];
  });
}

/**
 * `GatherV2` without reading the indices back, which tfjs-node does to check them at every call: that would end every
 * capture. TensorFlow checks them itself on a CPU, and the language makes no index out of bounds.
 */
function gather({ inputs: { x, indices }, backend, attrs }: Call): tf.TensorInfo {
  const { axis, batchDims } = attrs as { axis: number; batchDims: number };
  const { binding } = backend;
  const at = tf.scalar(axis, "int32");
  const attributes = [
    { name: "batch_dims", type: binding.TF_ATTR_INT, value: batchDims },
    { name: "Tparams", type: binding.TF_ATTR_TYPE, value: backend.getDTypeInteger(x!.dtype) },
    { name: "Tindices", type: binding.TF_ATTR_TYPE, value: backend.getDTypeInteger(indices!.dtype) },
    { name: "Taxis", type: binding.TF_ATTR_TYPE, value: binding.TF_INT32 },
  ];
  const result = backend.executeSingleOutput("GatherV2", attributes, [x!, indices!, at]);
  at.dispose();
  return result;
}

/** A product of two matrices as TensorFlow's `MatMul`, half the time of its `BatchMatMulV2` where they are small. */
function product(batched: Kernel): Kernel {
  return (call) => {
    const { inputs, backend, attrs } = call;
    const { a, b } = inputs;
    if (a!.shape.length !== 2 || b!.shape.length !== 2 || a!.dtype !== "float32" || b!.dtype !== "float32") {
      return batched(call);
    }
    const { transposeA, transposeB } = attrs as unknown as { transposeA: boolean; transposeB: boolean };
    const { binding } = backend;
    const attributes = [
      { name: "transpose_a", type: binding.TF_ATTR_BOOL, value: transposeA },
      { name: "transpose_b", type: binding.TF_ATTR_BOOL, value: transposeB },
      type(backend, "T", a!),
    ];
    return backend.executeSingleOutput("MatMul", attributes, [a!, b!]);
  };
}

/** A step as the rectified sign, NaN where x is: two operations in place of tfjs-node's six. */
function step(shipped: Kernel): Kernel {
  return (call) => {
    const { inputs, backend, attrs } = call;
    const { x } = inputs;
    if (attrs["alpha"] !== 0 || x!.dtype !== "float32") return shipped(call);
    const attributes = [type(backend, "T", x!)];
    const sign = backend.executeSingleOutput("Sign", attributes, [x!]);
    const result = backend.executeSingleOutput("Relu", attributes, [sign]);
    sign.dispose();
    return result;
  };
}

/** TensorFlow normalises images; anything else [.., C] is a column of them. */
function asImages(x: tf.Tensor): tf.Tensor {
  const channels = x.shape.at(-1)!;
  return x.rank === 4 ? x : tf.reshape(x, [x.size / channels, 1, 1, channels]);
}

function batchNormAttributes(backend: NodeBackend, x: tf.Tensor, epsilon: number): OpAttribute[] {
  const { binding } = backend;
  return [
    type(backend, "T", x),
    { name: "U", type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT },
    { name: "epsilon", type: binding.TF_ATTR_FLOAT, value: epsilon },
    { name: "data_format", type: binding.TF_ATTR_STRING, value: "NHWC" },
    { name: "is_training", type: binding.TF_ATTR_BOOL, value: true },
  ];
}

function type({ binding }: NodeBackend, name: string, { dtype }: tf.Tensor): OpAttribute {
  if (dtype !== "float32") throw new Error(`no kernel of this project takes ${dtype}`);
  return { name, type: binding.TF_ATTR_TYPE, value: binding.TF_FLOAT };
}

type Kernel = (call: Call) => tf.TensorInfo | tf.TensorInfo[];
