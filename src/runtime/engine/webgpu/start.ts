/**
 * Starts the `webgpu` engine: Dawn for Node, tfjs's WebGPU backend on a device of it, and the kernels that training
 * needs and the backend lacks or has wrong. Called by `startEngine` only.
 */
import * as tf from "@tensorflow/tfjs-core";
import { EngineError } from "../errors.ts";
import { isSoftware, name, requestAdapter, requestDevice } from "./adapter.ts";
import { installCommand } from "./install.ts";
import { correctPrograms } from "./kernels/corrections.ts";
import { registerTrainingKernels } from "./kernels/index.ts";
import { loadWebgpu } from "./load.ts";
import type { GpuDevice, WebgpuBackend } from "./load.ts";
import { locateWebgpu } from "./locate.ts";

export interface WebgpuOptions {
  /** Whether a driver that computes on the CPU will do. */
  readonly software: boolean;
}

let started: Promise<string> | undefined;

/** Dawn's objects. One that is collected takes what runs on it along, and the process crashes. */
const held = new Set<object>();

/**
 * Makes `webgpu` the tfjs backend, once in a process; the device is given back when the process ends.
 *
 * @returns one line that describes the engine.
 * @throws EngineError when the packages are not installed, Dawn cannot be loaded, there is no adapter, or only one that
 *   computes on the CPU and `software` is not set; with the remedy.
 */
export async function startWebgpu(options: WebgpuOptions): Promise<string> {
  started ??= start(options).catch((error: unknown) => {
    started = undefined;
    throw error;
  });
  const description = await started;
  await tf.setBackend("webgpu");
  return description;
}

async function start({ software }: WebgpuOptions): Promise<string> {
  const files = locateWebgpu();
  if (files === undefined) {
    throw new EngineError(`the webgpu engine is not installed: run ${installCommand}`);
  }
  const { gpu, makeBackend } = await loadWebgpu(files);
  const adapter = await requestAdapter(gpu);
  if (isSoftware(adapter) && !software) {
    throw new EngineError(
      `webgpu offers only ${name(adapter)}, which computes on the CPU; --engine webgpu takes it all the same`,
    );
  }
  const device = await requestDevice(adapter);
  for (const object of [gpu, adapter, device]) held.add(object);
  // While Dawn is there the process may not end, or crash as it does.
  process.once("exit", () => {
    device.destroy();
    held.clear();
  });
  const backend = makeBackend(device, adapter.info);
  correctPrograms(backend);
  reportFailures(backend, device);
  if (tf.findBackendFactory("webgpu") !== null) tf.removeBackend("webgpu");
  tf.registerBackend("webgpu", () => backend, 3);
  registerTrainingKernels();
  if (!(await tf.setBackend("webgpu"))) throw new EngineError("the webgpu engine did not start");
  const { dawnVersion, backendVersion } = files;
  return `tfjs webgpu ${backendVersion} on Dawn ${dawnVersion}, ${name(adapter)}`;
}

/**
 * WebGPU tells of an operation that it refuses, and of a device that is lost, on the side, and goes on with whatever the
 * buffers hold. What is read after that is an error.
 */
function reportFailures(backend: WebgpuBackend, device: GpuDevice): void {
  let failure: string | undefined;
  device.addEventListener("uncapturederror", ({ error }) => {
    failure ??= `the GPU refused an operation: ${error.message}`;
  });
  void device.lost.then(({ message }) => (failure ??= `the GPU was lost: ${message}`));
  const read = backend.read.bind(backend);
  backend.read = async (dataId) => {
    const values = await read(dataId).catch((error: unknown) => {
      throw failure === undefined ? error : new EngineError(failure, { cause: error });
    });
    if (failure !== undefined) throw new EngineError(failure);
    return values;
  };
}
