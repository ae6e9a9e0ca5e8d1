/**
 * Starts the `wasm` engine: tfjs's WebAssembly backend on one thread with SIMD, plus the training kernels it lacks or
 * has only in a slow form. Called by `startEngine` only.
 */
import { createRequire } from "node:module";
import { dirname, sep } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { setWasmPaths, version_wasm } from "@tensorflow/tfjs-backend-wasm";
import { EngineError } from "../errors.ts";
import { registerTrainingKernels } from "./kernels.ts";

const processListeners = ["uncaughtException", "unhandledRejection"] as const;

let started: Promise<string> | undefined;

/**
 * Makes `wasm` the tfjs backend, once in a process.
 *
 * @returns one line that describes the engine.
 * @throws EngineError when the CPU or Node lacks WebAssembly SIMD, or the backend's binaries cannot be loaded.
 */
export function startWasm(): Promise<string> {
  started ??= start();
  return started;
}

async function start(): Promise<string> {
  if (!(await tf.env().getAsync("WASM_HAS_SIMD_SUPPORT"))) {
    throw new EngineError(
      "the wasm engine needs WebAssembly SIMD, which this CPU or Node version does not offer",
    );
  }
  // The binaries lie beside the package's entry, wherever npm has put it: a checkout's node_modules or a hoisted one.
  const entry = createRequire(import.meta.url).resolve("@tensorflow/tfjs-backend-wasm");
  const folder = dirname(entry) + sep;
  const before = processListeners.map((event) => process.listeners(event as "exit"));
  let accepted = false;
  let cause: unknown;
  try {
    setWasmPaths(folder);
    accepted = await tf.setBackend("wasm");
  } catch (error) {
    cause = error;
  }
  // The backend's loader makes every uncaught error print its own minified source; Node's way is to be kept.
  processListeners.forEach((event, index) => {
    for (const listener of process.listeners(event as "exit")) {
      if (!before[index]!.includes(listener)) process.removeListener(event, listener);
    }
  });
  if (!accepted || tf.getBackend() !== "wasm") {
    throw new EngineError(
      `the wasm engine did not start: its binaries could not be loaded from ${folder}; ` +
        "reinstall @tensorflow/tfjs-backend-wasm",
      { cause },
    );
  }
  registerTrainingKernels();
  return `tfjs wasm ${version_wasm}, SIMD, one thread, with training kernels`;
}
