/**
 * Loads Dawn and tfjs's WebGPU backend into this process. Called by `start.ts`; the only file that evaluates them.
 *
 * Two laws. The backend must share this package's `@tensorflow/tfjs-core`, wherever it lies itself: it is handed it. And
 * the process's globals stay as they are: what a browser has as globals (`navigator.gpu`, `GPUBufferUsage` …) the
 * backend gets as variables of its own.
 */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { compileFunction } from "node:vm";
import type * as tf from "@tensorflow/tfjs-core";
import { EngineError } from "../errors.ts";
import type { WebgpuFiles } from "./locate.ts";

/** The part of WebGPU's `GPU` that is used here. */
export interface Gpu {
  requestAdapter(options: {
    readonly powerPreference?: "high-performance" | "low-power";
  }): Promise<GpuAdapter | null>;
}

export interface GpuAdapter {
  readonly info: {
    readonly vendor: string;
    readonly architecture: string;
    readonly device: string;
    readonly description: string;
    readonly isFallbackAdapter?: boolean;
  };
  readonly limits: Readonly<Record<string, number>>;
  readonly features: ReadonlySet<string>;
  requestDevice(options: {
    readonly requiredLimits: Readonly<Record<string, number>>;
    readonly requiredFeatures: readonly string[];
  }): Promise<GpuDevice>;
}

export interface GpuDevice {
  readonly limits: Readonly<Record<string, number>>;
  /** Resolves when the device is gone. */
  readonly lost: Promise<{ readonly reason: string; readonly message: string }>;
  addEventListener(
    event: "uncapturederror",
    listener: (event: { readonly error: { readonly message: string } }) => void,
  ): void;
  destroy(): void;
}

interface Dawn {
  create(flags: readonly string[]): Gpu;
  /** WebGPU's classes and constants by their global names. */
  readonly globals: Readonly<Record<string, unknown>>;
}

/** tfjs's backend, as far as the kernels of this engine use it. */
export interface WebgpuBackend extends tf.KernelBackend {
  readonly tensorMap: { get(dataId: object): { readonly dtype: tf.DataType } };
  makeTensorInfo(shape: readonly number[], dtype: tf.DataType): tf.TensorInfo;
  runWebGPUProgram: (
    program: object,
    inputs: readonly tf.TensorInfo[],
    dtype: tf.DataType,
    uniforms?: readonly { readonly type: "int32" | "float32"; readonly data: readonly number[] }[],
    output?: tf.TensorInfo,
  ) => tf.TensorInfo;
}

export interface Loaded {
  readonly gpu: Gpu;
  makeBackend(device: GpuDevice, info: GpuAdapter["info"]): WebgpuBackend;
}

/**
 * Loads both packages; tfjs's kernels for `webgpu` are registered as a side effect.
 *
 * @throws EngineError when Dawn's binary cannot be loaded: it wants a newer C library, say.
 */
export async function loadWebgpu(files: WebgpuFiles): Promise<Loaded> {
  let dawn: Dawn;
  try {
    dawn = (await import(pathToFileURL(files.dawn).href)) as Dawn;
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    throw new EngineError(
      `the webgpu engine did not start: Dawn ${files.dawnVersion} cannot be loaded on this system: ${said}`,
      { cause: error },
    );
  }
  const globals = { ...dawn.globals, globalThis: { navigator: { gpu: {} } } };
  const require = createRequire(import.meta.url);
  const module = { exports: {} as { WebGPUBackend: new (...args: unknown[]) => WebgpuBackend } };
  const names = ["require", "exports", "module", ...Object.keys(globals)];
  const source = readFileSync(files.backend, "utf8");
  const evaluate = compileFunction(source, names, { filename: files.backend }) as (
    ...args: unknown[]
  ) => void;
  evaluate(require, module.exports, module, ...Object.values(globals));
  const { WebGPUBackend } = module.exports;
  return {
    gpu: dawn.create([]),
    makeBackend: (device, info) => new WebGPUBackend(device, info),
  };
}
