/**
 * The self-test of the webgpu engine: a process of its own, since a broken driver ends the process that loads it. Starts
 * the engine, computes products and convolutions whose results are known, and trains one step of a small net, which must
 * leave the parameters that the wasm engine's step leaves. Prints what it found as JSON. Started by `check_backend.ts`
 * only.
 */
import * as tf from "@tensorflow/tfjs-core";
import { EngineError } from "../../runtime/engine/errors.ts";
import { registerGradients } from "../../runtime/engine/gradients/index.ts";
import { startWasm } from "../../runtime/engine/wasm/start.ts";
import { isSoftware } from "../../runtime/engine/webgpu/adapter.ts";
import { startWebgpu } from "../../runtime/engine/webgpu/start.ts";
import { counterRandom } from "../../runtime/random.ts";
import { recorded } from "../../runtime/train/tape.ts";
import { wrongKernels } from "./known_results.ts";

/** What the process prints. */
export interface WebgpuReport {
  /** The engine in one line; absent where it did not start. */
  readonly description?: string;
  /** Whether the driver computes on the CPU. */
  readonly software: boolean;
  /** What came out wrong, in words; empty if all is well. */
  readonly wrong: readonly string[];
}

/** Largest difference of a parameter's change between the engines, relative to the largest change. */
const TOLERANCE = 1e-4;

/** Shapes of the parameters of the net below. */
const PARAMETERS = { filter: [3, 3, 1, 8], scale: [8], weight: [288, 16] } as const;

async function selfTest(): Promise<WebgpuReport> {
  let description: string | undefined;
  try {
    description = await startWebgpu({ software: true });
    registerGradients();
    const wrong = await wrongKernels();
    const ours = await trainedStep();
    await startWasm();
    const expected = await trainedStep();
    for (const [name, values] of Object.entries(expected))
      wrong.push(...difference(name, values, ours[name]!));
    return { description, software: ofSoftware(description), wrong };
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    const started = description === undefined ? {} : { description };
    return { ...started, software: ofSoftware(description), wrong: [error.message] };
  }
}

const ofSoftware = (description = ""): boolean =>
  isSoftware({ info: { vendor: "", architecture: "", device: "", description } });

function difference(name: string, expected: Float32Array, got: Float32Array): string[] {
  const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const off = expected.reduce((most, value, k) => {
    const apart = Math.abs(value - got[k]!);
    return apart <= most ? most : Number.isNaN(apart) ? Infinity : apart;
  }, 0);
  return off <= TOLERANCE * largest
    ? []
    : [
        `one step changes the ${name} differently from the wasm engine, by ${(off / largest).toExponential(1)}`,
      ];
}

/** One step of gradient descent: by how much it changes each parameter. The loss pulls samples of a class together. */
async function trainedStep(): Promise<Record<string, Float32Array>> {
  const random = counterRandom(1, "self-test");
  const normal = (shape: readonly number[], scale: number): tf.Tensor =>
    tf.tensor(
      Float32Array.from({ length: tf.util.sizeFromShape([...shape]) }, () => scale * random.normal()),
      [...shape],
    );
  const images = normal([16, 12, 12, 1], 1) as tf.Tensor4D;
  const parameters = Object.entries(PARAMETERS).map(([, shape]) => normal(shape, 0.3));
  const loss = (): tf.Scalar => {
    const [filter, scale, weight] = parameters as [tf.Tensor4D, tf.Tensor1D, tf.Tensor2D];
    const x = tf.conv2d(images, filter, 1, "same");
    const centred = tf.sub(x, tf.mean(x, [0, 1, 2]));
    const active = tf.relu(tf.add(tf.mul(centred, scale), 0.1));
    const features = tf.reshape(tf.maxPool(active as tf.Tensor4D, 2, 2, "valid"), [16, 288]);
    const embeddings = tf.matMul(features as tf.Tensor2D, weight);
    const lengths = tf.sqrt(tf.add(tf.sum(tf.square(embeddings), 1, true), 1e-6));
    const unit = tf.div(embeddings, lengths);
    const classes = tf.tensor1d(Array.from({ length: 16 }, (_, k) => Math.floor(k / 4)));
    const same = tf.cast(tf.equal(tf.expandDims(classes, 1), tf.expandDims(classes, 0)), "float32");
    const similarities = tf.matMul(unit as tf.Tensor2D, unit as tf.Tensor2D, false, true);
    return tf.mean(tf.square(tf.sub(similarities, same)));
  };
  const changes = tf.tidy(() =>
    recorded(parameters, loss, (value, gradientsOf) =>
      gradientsOf(value, "last").map((gradient) => tf.mul(gradient!, -0.1)),
    ),
  );
  const names = Object.keys(PARAMETERS);
  const read = await Promise.all(changes.map((change) => change.data()));
  return Object.fromEntries(names.map((name, k) => [name, Float32Array.from(read[k]!)]));
}

process.stdout.write(`${JSON.stringify(await selfTest())}\n`);
