/**
 * Products of layers in bfloat16 on TensorFlow: convolutions, their gradients and the products of linear layers round their
 * operands to it, multiply, and give float32 back. Everything else computes as ever. Made by `start.ts`.
 *
 * tfjs has no such type, so the rounded tensors are numbers of the binding and nothing more; what they are computed by
 * goes through `executeOp` like any kernel, and is recorded with the rest where a step is captured.
 */
import * as tf from "@tensorflow/tfjs-core";
import { LAYER_PRODUCT } from "../kernel_names.ts";
import type { NodeBackend, OpAttribute } from "./binding.ts";

/** TensorFlow's number of the type, which the binding has no name for. */
const BFLOAT16 = 14;

/** TensorFlow's operations behind convolutions and their gradients; nothing but layers convolves. */
const CONVOLUTIONS: ReadonlySet<string> = new Set(["Conv2D", "Conv2DBackpropInput", "Conv2DBackpropFilter"]);

/** Runs `work`, which must be synchronous and not contain another such run, with layers in bfloat16. */
export type InBfloat16 = <T>(work: () => T) => T;

export function bfloat16Of(backend: NodeBackend): InBfloat16 {
  return (work) => {
    const { executeSingleOutput } = backend;
    backend.executeSingleOutput = (op, attributes, inputs) =>
      CONVOLUTIONS.has(op)
        ? rounded(backend, op, attributes, inputs)
        : executeSingleOutput.call(backend, op, attributes, inputs);
    const place = { kernelName: LAYER_PRODUCT, backendName: "tensorflow" };
    tf.registerKernel({ ...place, kernelFunc: product as unknown as tf.KernelFunc });
    try {
      return work();
    } finally {
      tf.unregisterKernel(place.kernelName, place.backendName);
      backend.executeSingleOutput = executeSingleOutput;
    }
  };
}

interface ProductCall {
  readonly inputs: Readonly<Record<"a" | "b", tf.TensorInfo>>;
  readonly backend: NodeBackend;
  readonly attrs: { readonly transposeA: boolean; readonly transposeB: boolean };
}

function product({ inputs: { a, b }, backend, attrs }: ProductCall): tf.TensorInfo {
  const { TF_ATTR_BOOL, TF_ATTR_TYPE } = backend.binding;
  const attributes = [
    { name: "T", type: TF_ATTR_TYPE, value: BFLOAT16 },
    { name: "adj_x", type: TF_ATTR_BOOL, value: attrs.transposeA },
    { name: "adj_y", type: TF_ATTR_BOOL, value: attrs.transposeB },
  ];
  return rounded(backend, "BatchMatMulV2", attributes, [a, b]);
}

/** The operation on its float32 operands rounded to bfloat16; its result, which has that type too, as float32. */
function rounded(
  backend: NodeBackend,
  op: string,
  attributes: readonly OpAttribute[],
  inputs: readonly tf.TensorInfo[],
): tf.Tensor {
  const { binding } = backend;
  const made: number[] = [];
  const execute = (name: string, given: readonly OpAttribute[], ids: readonly number[]): number => {
    const { id } = binding.executeOp(name, given, ids, 1)[0]!;
    made.push(id);
    return id;
  };
  try {
    const ids = backend.getInputTensorIds(inputs);
    const operands = ids.map((id, k) =>
      inputs[k]!.dtype === "float32"
        ? execute("Cast", castAttributes(backend, binding.TF_FLOAT, BFLOAT16), [id])
        : id,
    );
    const typed = attributes.map((each) => (each.name === "T" ? { ...each, value: BFLOAT16 } : each));
    const result = execute(op, typed, operands);
    const cast = castAttributes(backend, BFLOAT16, binding.TF_FLOAT);
    return backend.createOutputTensor(binding.executeOp("Cast", cast, [result], 1)[0]!);
  } finally {
    for (const id of made) binding.deleteTensor(id);
  }
}

function castAttributes({ binding }: NodeBackend, from: number, to: number): OpAttribute[] {
  return [
    { name: "SrcT", type: binding.TF_ATTR_TYPE, value: from },
    { name: "DstT", type: binding.TF_ATTR_TYPE, value: to },
    { name: "Truncate", type: binding.TF_ATTR_BOOL, value: false },
  ];
}
