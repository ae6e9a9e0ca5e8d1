/**
 * Programs in the form in which tfjs's WebGPU backend takes them: one invocation for each entry of the output. Used by
 * the kernels of this folder.
 *
 * A program's text may depend on nothing but its key, the types and ranks of its tensors: the backend compiles it once
 * for all shapes. Lengths come in as uniforms.
 */
import * as tf from "@tensorflow/tfjs-core";
import type { WebgpuBackend } from "../load.ts";

/** What a kernel is called with: its input tensors by name, the backend, and its attributes. */
export interface KernelCall<Inputs extends string, Attributes = unknown> {
  readonly inputs: Readonly<Record<Inputs, tf.TensorInfo>>;
  readonly backend: WebgpuBackend;
  readonly attrs: Attributes;
}

/** A kernel with one output. */
export type Kernel<Inputs extends string, Attributes = unknown> = (
  call: KernelCall<Inputs, Attributes>,
) => tf.TensorInfo;

export interface EntryProgram {
  /** Tells this text from all others. */
  readonly key: string;
  /** Names of the inputs in WGSL: arrays that can be indexed, of f32, or of i32 for whole numbers and booleans. */
  readonly inputs: readonly string[];
  /** Names of the uniforms, all i32, in the order of their values. */
  readonly uniforms?: readonly string[];
  /** Functions that `entry` calls. */
  readonly functions?: string;
  /** WGSL statements that set `value` (f32) from `index` (i32), the place in the output. */
  readonly entry: string;
  /** Type of the output; float32 if absent. */
  readonly dtype?: tf.DataType;
}

const WORKGROUP = 64;

/** Runs a program: every entry of an output of this shape. */
export function runProgram(
  backend: WebgpuBackend,
  { key, inputs, uniforms = [], functions = "", entry, dtype = "float32" }: EntryProgram,
  tensors: readonly tf.TensorInfo[],
  shape: readonly number[],
  lengths: readonly number[] = [],
): tf.TensorInfo {
  const size = tf.util.sizeFromShape([...shape]);
  const program = {
    variableNames: [...inputs],
    outputShape: [...shape],
    workgroupSize: [WORKGROUP, 1, 1],
    dispatchLayout: { x: shape.map((_, axis) => axis) },
    dispatch: [Math.ceil(size / WORKGROUP), 1, 1],
    size: true,
    ...(uniforms.length === 0 ? {} : { uniforms: uniforms.map((name) => `${name} : i32,`).join(" ") }),
    shaderKey: `dmlc_${key}`,
    getUserCode: () => `
      ${functions}
      fn main(index : i32) {
        if (index >= uniforms.size) { return; }
        var value = 0.0;
        ${entry}
        setOutputAtIndex(index, value);
      }
    `,
  };
  return backend.runWebGPUProgram(
    program,
    tensors,
    dtype,
    lengths.map((length) => ({ type: "int32", data: [length] })),
  );
}
