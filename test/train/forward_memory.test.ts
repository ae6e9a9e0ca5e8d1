/** After the forward pass of a network nothing is held but its results, what a gradient needs, and what was there before. */
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, expect, test } from "vitest";
import { checkFile } from "../../src/compile.ts";
import { startEngine } from "../../src/runtime/engine/index.ts";
import { counterRandom } from "../../src/runtime/random.ts";
import type { TapeNode } from "../../src/runtime/train/backward.ts";
import { createNet } from "../../src/runtime/train/net.ts";
import { recorded } from "../../src/runtime/train/tape.ts";
import { initialGeneration } from "../../src/runtime/train/trainer.ts";
import { embedViews } from "../../src/runtime/train/views.ts";
import { host } from "../check/harness.ts";
import { programOf } from "../emit/trained.ts";

beforeAll(() => startEngine("wasm"));

const SIDE = 12;
const BATCH = 4;
const sizes = { classes: 3 };

async function programWith(backbone: string) {
  const text = `
dataset images = folder("images") { image: gray(${SIDE}x${SIDE}), split: zero_shot(train: 0.5) }
model net {
  data: images
  backbone: ${backbone}
  embedding: linear(8) |> tanh |> normalize
  losses { pull: contrastive(margin: 0.5) }
  combine: pull
  train { batch: 2 classes * 2 samples }
}`;
  const { diagnostics, models } = checkFile(host({ "spec.dml": text }), "spec.dml")!;
  expect(diagnostics.filter(({ severity }) => severity === "error")).toEqual([]);
  return programOf(models[0]!);
}

interface Held {
  /** Data that came to be in the pass, and is held at its end. */
  readonly held: number;
  /** The most that was held when an activation had been computed. */
  readonly most: number;
  /** Data of the pass's results, of updates of the state, and of what was recorded for the gradient. */
  readonly needed: number;
  /** Sizes of the tensors that were recorded for the gradient, data that several share counted once. */
  readonly saved: readonly number[];
}

/** What the forward pass of a backbone and its head holds at its end. */
async function heldAfter(backbone: string): Promise<Held> {
  const program = await programWith(backbone);
  const specs = program.parameters(sizes);
  const { parameters, state } = initialGeneration(program, sizes, specs, 1);
  const random = counterRandom(2, "images");
  const pixels = Float32Array.from({ length: BATCH * SIDE * SIDE }, () => random.uniform());
  const images = tf.tensor4d(pixels, [BATCH, SIDE, SIDE, 1]);
  const there = new Set([images, ...Object.values(parameters), ...Object.values(state)].map(dataOf));
  const before = tf.memory().numTensors;
  const count = (): number => (tf.backend() as unknown as { numDataIds(): number }).numDataIds();
  const start = count();
  let found: Held | undefined;
  const net = createNet(sizes, true, parameters, state);
  recorded(
    Object.values(parameters),
    () => {
      const relu = tf.getKernel("Relu", "wasm")!;
      const { kernelFunc } = relu;
      let most = 0;
      relu.kernelFunc = (call) => {
        const made = kernelFunc(call);
        most = Math.max(most, count() - start);
        return made;
      };
      const { features, heads } = embedViews(program, images, net);
      relu.kernelFunc = kernelFunc;
      const tape = (tf.engine() as unknown as { state: { activeTape: TapeNode[] } }).state.activeTape;
      const recordedFor = tape.flatMap(({ saved }) => saved).filter((tensor) => !tensor.isDisposed);
      const results = [features, ...Object.values(heads), ...Object.values(net.updates)];
      const needed = new Set([...results, ...recordedFor].map(dataOf));
      for (const data of there) needed.delete(data);
      const saved = new Map(recordedFor.map((tensor) => [dataOf(tensor), tensor.size]));
      for (const data of there) saved.delete(data);
      found = { held: count() - start, most, needed: needed.size, saved: [...saved.values()] };
      return tf.sum(heads["pull"]!) as tf.Scalar;
    },
    (y, of) => of(y, "last").forEach((gradient) => gradient?.dispose()),
  );
  tf.dispose({ ...net.updates });
  // The pass itself leaves the scalar.
  expect(tf.memory().numTensors - before).toBe(1);
  return found!;
}

const dataOf = (tensor: tf.Tensor): object => tensor.dataId;

const NETS = [
  "conv(4) |> relu |> max_pool(2) |> conv(8) |> relu",
  "conv(4) |> batch_norm |> relu |> max_pool(2) |> flatten |> linear(6) |> batch_norm |> tanh",
  "conv(4) |> batch_norm |> relu |> resnet_block(4) |> resnet_block(8, stride: 2) |> global_avg_pool",
  "conv(4) |> batch_norm |> residual { relu |> conv(4) |> batch_norm |> leaky_relu |> conv(4) } |> sigmoid |> avg_pool",
  "conv(4) |> residual { residual { conv(4) |> relu } |> tanh } |> global_max_pool",
  "relu |> conv(4) |> conv(4) |> flatten",
];

test.each(NETS)("of %s", async (backbone) => {
  const { held, needed } = await heldAfter(backbone);
  expect(held).toBe(needed);
});

test("a convolution with its normalisation and activation holds two tensors: what is normalised, and the result", async () => {
  const large = async (backbone: string): Promise<number> =>
    (await heldAfter(backbone)).saved.filter((size) => size === BATCH * SIDE * SIDE * 4).length;
  expect(await large("conv(4) |> batch_norm |> relu |> max_pool")).toBe(2);
  expect(await large("conv(4) |> batch_norm |> leaky_relu |> max_pool")).toBe(2);
  expect(await large("conv(4) |> batch_norm |> relu |> resnet_block(4) |> max_pool")).toBe(6);
  // Without a normalisation the result alone.
  expect(await large("conv(4) |> relu |> conv(4) |> relu |> max_pool")).toBe(2);
});

test("on the way no more is held the deeper the network is", async () => {
  const more = async (blocks: number): Promise<number> => {
    const { held, most } = await heldAfter(`repeat ${blocks} { resnet_block(4) } |> global_avg_pool`);
    return most - held;
  };
  expect(await more(8)).toBe(await more(2));
});
