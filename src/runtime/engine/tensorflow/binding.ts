/**
 * What this project uses of tfjs-node's native binding: TensorFlow's C API as tfjs-node offers it. Types only; tensors
 * are known by numbers, which the binding gives out.
 */
import type * as tf from "@tensorflow/tfjs-core";

/** An attribute of an operation, as tfjs-node's kernels write it. */
export interface OpAttribute {
  readonly name: string;
  /** One of the binding's `TF_ATTR_…`. */
  readonly type: number;
  readonly value: unknown;
}

/** A tensor the binding has made. */
export interface TensorHandle {
  readonly id: number;
  readonly shape: readonly number[];
  /** One of the binding's types, `TF_FLOAT` … */
  readonly dtype: number;
}

export type Values = Float32Array | Int32Array | Uint8Array;

export interface Binding {
  readonly TF_FLOAT: number;
  readonly TF_INT32: number;
  readonly TF_BOOL: number;
  readonly TF_ATTR_STRING: number;
  readonly TF_ATTR_INT: number;
  readonly TF_ATTR_FLOAT: number;
  readonly TF_ATTR_BOOL: number;
  readonly TF_ATTR_TYPE: number;
  readonly TF_ATTR_SHAPE: number;
  readonly TF_Version: string;
  createTensor(shape: readonly number[], dtype: number, values: Values): number;
  deleteTensor(id: number): void;
  tensorDataSync(id: number): Values;
  executeOp(
    name: string,
    attributes: readonly OpAttribute[],
    inputs: readonly number[],
    outputs: number,
  ): TensorHandle[];
  isUsingGpuDevice(): boolean;
  /** Loads the SavedModel in a folder; `tags` comma-separated. */
  loadSavedModel(folder: string, tags: string): number;
  deleteSavedModel(session: number): void;
  /** Feeds and fetches by comma-separated names `node:output`. */
  runSavedModel(session: number, ids: readonly number[], inputs: string, outputs: string): TensorHandle[];
}

/** What tfjs-node's backend knows of a tensor's data. */
export interface TensorData {
  readonly shape: readonly number[];
  readonly dtype: number;
  id: number;
  /** Values that no tensor has been made of yet. */
  values: Values | null;
}

/** tfjs-node's backend, as far as it is used here. */
export interface NodeBackend extends tf.KernelBackend {
  binding: Binding;
  readonly isUsingGpuDevice: boolean;
  getDTypeInteger(dtype: tf.DataType): number;
  readonly tensorMap: tf.DataStorage<TensorData>;
  getInputTensorIds(tensors: readonly tf.TensorInfo[]): number[];
  createOutputTensor(handle: TensorHandle): tf.Tensor;
  executeSingleOutput(
    op: string,
    attributes: readonly OpAttribute[],
    inputs: readonly tf.TensorInfo[],
  ): tf.Tensor;
  executeMultipleOutputs(
    op: string,
    attributes: readonly OpAttribute[],
    inputs: readonly tf.TensorInfo[],
    outputs: number,
  ): tf.Tensor[];
}
