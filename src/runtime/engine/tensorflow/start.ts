/**
 * Starts the `tensorflow` engine: an installed TensorFlow under tfjs-node's kernels, on a GPU where it finds one, with
 * step capture. Called by `startEngine` only.
 */
import * as tf from "@tensorflow/tfjs-core";
import { EngineError } from "../errors.ts";
import type { NodeBackend } from "./binding.ts";
import { registerTensorflowKernels } from "./kernels.ts";
import { loadTensorflow } from "./load.ts";
import type { InstalledBackend } from "./locate.ts";
import { bfloat16Of } from "./precision.ts";
import type { InBfloat16 } from "./precision.ts";
import { TensorflowRecorder } from "./recorder.ts";

const BACKEND = "tensorflow";

export interface StartedTensorflow {
  /** What it is, one line. */
  readonly description: string;
  readonly recorder: TensorflowRecorder;
  readonly inBfloat16: InBfloat16;
}

let started: StartedTensorflow | undefined;

/**
 * Makes an installed TensorFlow the tfjs backend, once in a process.
 *
 * @throws EngineError when its files cannot be loaded or TensorFlow does not start.
 */
export async function startTensorflow(installed: InstalledBackend): Promise<StartedTensorflow> {
  // Read by TensorFlow when it is loaded. The same seed is to give the same result, on a GPU too; and a GPU is shared.
  process.env["TF_DETERMINISTIC_OPS"] ??= "1";
  process.env["TF_FORCE_GPU_ALLOW_GROWTH"] ??= "true";
  // What a user has to know comes as an error; the log's errors are also those of rewrites TensorFlow has given up.
  process.env["TF_CPP_MIN_LOG_LEVEL"] ??= "3";
  started ??= await start(installed);
  return started;
}

async function start(installed: InstalledBackend): Promise<StartedTensorflow> {
  const { binding, NodeJSKernelBackend } = loadTensorflow(installed);
  tf.registerBackend(BACKEND, () => new NodeJSKernelBackend(binding, "@tensorflow/tfjs-node-gpu"));
  let accepted = false;
  let cause: unknown;
  try {
    accepted = await tf.setBackend(BACKEND);
  } catch (error) {
    cause = error;
  }
  if (!accepted) {
    throw new EngineError(
      "the tensorflow engine did not start; `dmlc backend check` says what it finds",
      cause === undefined ? {} : { cause },
    );
  }
  registerTensorflowKernels();
  const backend = tf.backend() as unknown as NodeBackend;
  const device = backend.isUsingGpuDevice ? "GPU" : "CPU";
  return {
    description: `TensorFlow ${binding.TF_Version}, ${device}, steps captured as graphs`,
    recorder: new TensorflowRecorder(backend),
    inBfloat16: bfloat16Of(backend),
  };
}
