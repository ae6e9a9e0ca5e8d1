/**
 * Every loss of the standard library on large batches and many classes, on every engine that is present: value and
 * gradients are finite. Batches are of 1,024 samples in 256 classes, where a loss takes seconds there of fewer; losses
 * with an entry for each class have 100,000 of them. `DMLC_LARGE_BATCHES=1` takes all but `quadruplet` to 1,024, in
 * minutes.
 */
import { beforeAll, describe, expect, it } from "vitest";
import * as tf from "@tensorflow/tfjs-core";
import { compileLoss } from "../../src/cli/compiled_loss.ts";
import { paramShapes } from "../../src/interpret/index.ts";
import type { LossInstance } from "../../src/resolve/values.ts";
import { counterRandom } from "../../src/runtime/random.ts";
import type { Batch } from "../lower/support.ts";
import { everyLoss, instanceOf, textOf } from "./extremes.ts";
import { waysPresent } from "./ways.ts";

/** Samples of a batch: in the usual run, and as far as it goes. */
type Sizes = readonly [usual: number, most: number];

const SAMPLES: Sizes = [1024, 1024];
const FEWER_SAMPLES: Readonly<Record<string, Sizes>> = {
  // All quadruplets: 256 take minutes.
  quadruplet: [32, 128],
  histogram: [256, 1024],
  angular: [256, 1024],
  dynamic_soft_margin: [128, 1024],
  pn: [256, 1024],
  pnp: [128, 1024],
  pnp_ds: [128, 1024],
  pnp_dq: [128, 1024],
  pnp_iu: [128, 1024],
  pnp_ib: [128, 1024],
  smooth_ap: [512, 1024],
  surrogate_precision: [128, 1024],
  margin: [512, 1024],
  magnet: [256, 1024],
  manifold: [256, 1024],
  fast_ap: [256, 1024],
  snr_contrastive: [256, 1024],
  hyperbolic: [256, 1024],
};

const CLASSES: Sizes = [100_000, 100_000];
const FEWER_CLASSES: Readonly<Record<string, Sizes>> = {
  // Ten vectors a class.
  soft_triple: [10_000, 100_000],
  // Every class with every other.
  regular_face_softmax: [2000, 20_000],
};

const far = process.env["DMLC_LARGE_BATCHES"] === "1" ? 1 : 0;
const SAMPLES_A_CLASS = 4;

const byClasses = everyLoss.filter((use) => /^[^/]*\bclasses\b/m.test(textOf(use)));

const ways = await waysPresent();

describe.each(ways)("on $name", ({ backend }) => {
  beforeAll(async () => {
    await tf.setBackend(backend);
  });

  it.each(everyLoss.map((use) => [use, (FEWER_SAMPLES[use] ?? SAMPLES)[far]] as const))(
    "%s, a batch of %i",
    { timeout: 600_000 },
    (use, samples) => expectFinite(instanceOf(use), { samples, classes: samples / SAMPLES_A_CLASS, dim: 64 }),
  );

  it.each(byClasses.map((use) => [use, (FEWER_CLASSES[use] ?? CLASSES)[far]] as const))(
    "%s, %i classes",
    { timeout: 600_000 },
    (use, classes) => expectFinite(instanceOf(use), { samples: 32, classes, dim: 16 }),
  );
});

interface Size {
  readonly samples: number;
  readonly classes: number;
  readonly dim: number;
}

const finite = (data: ArrayLike<number>): boolean => Array.prototype.every.call(data, Number.isFinite);

const pool = ((random) => Float64Array.from({ length: 100_003 }, () => random.normal()))(
  counterRandom(1, "large"),
);
const normal = (length: number, from = 0): Float64Array =>
  Float64Array.from({ length }, (_, k) => pool[(from + k) % pool.length]!);

/** Embeddings of unit length, and parameters from the normal distribution. */
function large(instance: LossInstance, { samples, classes, dim }: Size): Batch {
  const views = (instance.declaration.views ?? ["x"]).map((_, view) => {
    const data = normal(samples * dim, 7 * view);
    for (let row = 0; row < data.length; row += dim) {
      const length = Math.hypot(...data.subarray(row, row + dim));
      for (let t = 0; t < dim; t++) data[row + t]! /= length;
    }
    return { rows: samples, columns: dim, data };
  });
  const shapes = [...paramShapes(instance, { classes, dim })];
  const params = new Map(
    shapes.map(([name, shape]) => [name, { shape, data: normal(shape.reduce((a, b) => a * b, 1)) }]),
  );
  const labels = Array.from({ length: samples }, (_, i) => Math.floor(i / SAMPLES_A_CLASS));
  return { views, labels, classes, params };
}

/** As a program has the loss: for batches sorted by class, and with blocks where a reduction would not fit. */
async function expectFinite(instance: LossInstance, size: Size): Promise<void> {
  const { samples, classes } = size;
  const batch = large(instance, size);
  const dims = batch.views.map(({ columns }) => columns);
  const options = { samples: SAMPLES_A_CLASS, chunk: { batch: samples, classes, blockBytes: 2 ** 26 } };
  const { value, gradient } = await compileLoss(instance, dims, options).evaluateAsync(batch);
  expect(value).toSatisfy(Number.isFinite);
  for (const slopes of [...gradient.views, ...gradient.params.values()]) expect(finite(slopes)).toBe(true);
}
