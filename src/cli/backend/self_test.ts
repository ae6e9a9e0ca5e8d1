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
  const wrong: string[] = [];
  const expect = async (what: string, value: tf.Tensor, expected: readonly number[]): Promise<void> => {
    const found = [...(await value.data())];
    if (found.length !== expected.length || found.some((each, k) => each !== expected[k])) {
      wrong.push(`${what} gave ${found.join(", ")} instead of ${expected.join(", ")}`);
    }
  };
  const a = tf.tensor2d([1, 2, 3, 4, 5, 6], [2, 3]);
  const b = tf.tensor2d([1, 0, 0, 1, 1, 1], [3, 2]);
  await expect("a matrix product", tf.matMul(a, b), [4, 5, 10, 11]);
  const square = tf.grad((x: tf.Tensor) => tf.sum(tf.square(tf.matMul(x as tf.Tensor2D, b))));
  // 2 (a b) bᵀ
  await expect("the gradient of a matrix product", square(a), [8, 10, 18, 20, 22, 42]);
  const image = tf.ones<tf.Rank.R4>([1, 3, 3, 1]);
  const filter = tf.ones<tf.Rank.R4>([2, 2, 1, 1]);
  await expect("a convolution", tf.conv2d(image, filter, 1, "valid"), [4, 4, 4, 4]);
  const [byImage, byFilter] = tf.grads((x: tf.Tensor, f: tf.Tensor) =>
    tf.sum(tf.conv2d(x as tf.Tensor4D, f as tf.Tensor4D, 1, "valid")),
  )([image, filter]);
  await expect("the gradient of a convolution by its image", byImage!, [1, 2, 1, 2, 4, 2, 1, 2, 1]);
  await expect("the gradient of a convolution by its filter", byFilter!, [4, 4, 4, 4]);
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
