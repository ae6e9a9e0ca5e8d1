/**
 * The self-test of an installed native engine: a process of its own, since a broken library ends the process that
 * loads it. `node self_test.js FOLDER` loads the backend in that folder, computes a product, a gradient and a
 * convolution whose results are known, and prints what it found as JSON. Started by `check_backend.ts` only.
 */
import * as tf from "@tensorflow/tfjs-core";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { registerGradients } from "../../runtime/engine/gradients/index.ts";
import type { NodeBackend } from "../../runtime/engine/tensorflow/binding.ts";
import { readBackend } from "../../runtime/engine/tensorflow/locate.ts";
import type { InstalledBackend } from "../../runtime/engine/tensorflow/locate.ts";
import { startTensorflow } from "../../runtime/engine/tensorflow/start.ts";
import { wrongKernels } from "./known_results.ts";

/** What the process prints. */
export interface SelfTestReport {
  /** TensorFlow's own version. */
  readonly tensorflow: string;
  readonly tfjs: string;
  readonly device: "GPU" | "CPU";
  /** Whether the system has the NVIDIA driver's library; asked for by CUDA builds only. */
  readonly driver: boolean;
  /** What came out wrong, in words; empty if all is well. */
  readonly wrong: readonly string[];
}

async function selfTest(installed: InstalledBackend): Promise<SelfTestReport> {
  await startTensorflow(installed);
  registerGradients();
  const backend = tf.backend() as unknown as NodeBackend;
  const wrong = await wrongKernels();
  if (installed.manifest.cuda) wrong.push(...unloadable(installed.directory));
  return {
    tensorflow: backend.binding.TF_Version,
    tfjs: tf.version_core,
    device: backend.isUsingGpuDevice ? "GPU" : "CPU",
    driver: installed.manifest.cuda && whyUnloadable("libcuda.so.1") === undefined,
    wrong,
  };
}

/**
 * CUDA's libraries that the system cannot load, with its reason: TensorFlow itself looks for them only where there is a
 * GPU. The driver's own library is no part of them.
 */
function unloadable(directory: string): string[] {
  const nvidia = join(directory, "nvidia");
  return readdirSync(nvidia, { recursive: true, encoding: "utf8" })
    .filter((path) => /\.so[.0-9]*$/.test(path))
    .flatMap((path) => {
      const reason = whyUnloadable(join(nvidia, path));
      return reason === undefined || /libcuda\.so/.test(reason)
        ? []
        : [`${path} cannot be loaded: ${reason}`];
    });
}

/** Why the system cannot load a library, or `undefined` if it can. */
function whyUnloadable(library: string): string | undefined {
  try {
    process.dlopen({ exports: {} }, library);
    return undefined;
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    // Loaded, but no module of Node: as it should be.
    return /did not self-register/.test(said) ? undefined : said.split("\n")[0];
  }
}

const [directory = ""] = process.argv.slice(2);
const { backend, reason } = readBackend(directory);
if (backend === undefined) throw new Error(reason);
process.stdout.write(`${JSON.stringify(await selfTest(backend))}\n`);
