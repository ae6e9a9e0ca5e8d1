/**
 * Access to the wasm backend's memory for this engine's kernels: addresses of tensors, scratch space, other kernels,
 * and the engine's own SIMD loops, which run on the backend's memory. Used by the kernels of this folder.
 *
 * Two laws. Any allocation may grow the memory, which detaches every typed array made before: take views after the last
 * allocation. A kernel reads its input tensors where they lie and never disposes them: they belong to the caller.
 */
import * as tf from "@tensorflow/tfjs-core";
import type { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import { assemble } from "./assembler.ts";
import * as columns from "./simd/columns.ts";
import { copyLines } from "./simd/copy.ts";
import { averagePoolGradientLine, maxPoolGradientLine, maxPoolLine } from "./simd/pool.ts";
import { products } from "./simd/product.ts";
import { reluGradient } from "./simd/relu.ts";
import { runs } from "./simd/runs.ts";
import { transpose } from "./simd/transpose.ts";

/** What a kernel is called with: its input tensors by name, the backend, and its attributes. */
export interface KernelCall<Inputs extends string, Attributes = unknown> {
  readonly inputs: Readonly<Record<Inputs, tf.TensorInfo>>;
  readonly backend: BackendWasm;
  readonly attrs: Attributes;
}

/** A kernel with one output. */
export type Kernel<Inputs extends string, Attributes = unknown> = (
  call: KernelCall<Inputs, Attributes>,
) => tf.TensorInfo;

/** The part of the WebAssembly API used here; Node has it, its type declarations do not. */
interface WebAssemblyApi {
  Module: new (binary: Uint8Array) => object;
  Instance: new (module: object, imports: object) => { readonly exports: object };
}

interface EmscriptenModule {
  readonly asm: { readonly memory: { readonly buffer: ArrayBuffer } };
  _malloc(bytes: number): number;
  _free(address: number): void;
}

const sources = {
  ...columns,
  averagePoolGradientLine,
  copyLines,
  maxPoolGradientLine,
  maxPoolLine,
  reluGradient,
  transpose,
};

/** The engine's own loops; arguments as documented at each definition in `simd/`. */
export type Loops = Readonly<Record<keyof typeof sources, (...args: number[]) => void>>;

const instances = new WeakMap<BackendWasm, Loops & NamedLoops>();
export type NamedLoops = Readonly<Record<string, (...args: number[]) => void>>;

/** The loops, compiled once for each backend instance. */
export function loops(backend: BackendWasm): Loops {
  return instance(backend);
}

/** The loop with this name, for those that come in families: `simd/product.ts` and `simd/runs.ts`. */
export function loopNamed(backend: BackendWasm, name: string): (...args: number[]) => void {
  return instance(backend)[name]!;
}

function instance(backend: BackendWasm): Loops & NamedLoops {
  let found = instances.get(backend);
  if (found === undefined) {
    const binary = assemble([...Object.values(sources), ...Object.values(products), ...Object.values(runs)]);
    found = instantiate(backend, binary) as Loops & NamedLoops;
    instances.set(backend, found);
  }
  return found;
}

/** Byte address of a tensor's first element. An output for which there was no memory has address 0: an error. */
export function addressOf(backend: BackendWasm, tensor: tf.TensorInfo): number {
  const address = backend.getMemoryOffset(tensor.dataId);
  if (address === 0) throw outOfMemory(tensor.shape);
  return address;
}

/** The address of new memory, 0 when there is none; `free` gives it back. */
export const allocate = (backend: BackendWasm, size: number): number =>
  emscripten(backend)._malloc(size) >>> 0;

export const free = (backend: BackendWasm, address: number): void => emscripten(backend)._free(address);

/** The functions of a module, by name, on the backend's memory. */
export function instantiate(backend: BackendWasm, binary: Uint8Array): NamedLoops {
  const { Module, Instance } = (globalThis as unknown as { WebAssembly: WebAssemblyApi }).WebAssembly;
  const { memory } = emscripten(backend).asm;
  return new Instance(new Module(binary), { env: { memory } }).exports as NamedLoops;
}

function outOfMemory(shape: readonly number[]): Error {
  return new Error(`the wasm engine is out of memory (its limit is 4 GiB) at a tensor of shape [${shape}]`);
}

/** Runs `use` with scratch memory of the given sizes in bytes (16-byte aligned), then frees it. */
export function withScratch<T>(
  backend: BackendWasm,
  sizes: readonly number[],
  use: (...at: number[]) => T,
): T {
  const module = emscripten(backend);
  const bytes = sizes.map((size) => Math.ceil(size / 16) * 16);
  const block = module._malloc(bytes.reduce((sum, size) => sum + size, 16)) >>> 0;
  if (block === 0) throw outOfMemory(sizes);
  let at = Math.ceil(block / 16) * 16;
  const addresses = bytes.map((size) => (at += size) - size);
  try {
    return use(...addresses);
  } finally {
    module._free(block);
  }
}

/** A view of `length` floats at an address; valid until the next allocation. */
export function floats(backend: BackendWasm, address: number, length: number): Float32Array {
  return new Float32Array(emscripten(backend).asm.memory.buffer, address, length);
}

/** A view of `length` 32-bit integers at an address; valid until the next allocation. */
export function integers(backend: BackendWasm, address: number, length: number): Int32Array {
  return new Int32Array(emscripten(backend).asm.memory.buffer, address, length);
}

/** The whole memory; valid until the next allocation. */
export function bytes(backend: BackendWasm): Uint8Array {
  return new Uint8Array(emscripten(backend).asm.memory.buffer);
}

/** Runs another kernel of the backend, outside any gradient tape. The caller disposes the result. */
export function runKernel(
  name: string,
  inputs: tf.NamedTensorInfoMap,
  backend: BackendWasm,
  attrs: tf.NamedAttrMap = {},
): tf.TensorInfo {
  return tf.getKernel(name, "wasm").kernelFunc({ inputs, backend, attrs }) as tf.TensorInfo;
}

function emscripten(backend: BackendWasm): EmscriptenModule {
  return backend.wasm as unknown as EmscriptenModule;
}
