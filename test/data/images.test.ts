/** Images made in threads beside the run's, ahead of their use: the same bytes, whatever the number of threads. */
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  affine,
  cutout,
  evaluationBatches,
  flip,
  folder,
  resizedCrop,
  trainingBatches,
} from "../../src/runtime/data/index.ts";
import type { Augmentation, Dataset, LoadContext } from "../../src/runtime/data/index.ts";
import { imageMemory, openImages, threadsAsked } from "../../src/runtime/data/images/open.ts";
import { ImageStream } from "../../src/runtime/data/images/stream.ts";
import type { ImageMaker, ImageRequest } from "../../src/runtime/data/types.ts";
import { buildWorker } from "./built.ts";
import { allIndices, dataError, datasetOf } from "./fixtures.ts";

let base: string;
let built: ReturnType<typeof buildWorker>;
const open: ImageMaker[] = [];

beforeAll(async () => {
  built = buildWorker();
  base = mkdtempSync(join(tmpdir(), "dmlc-images-"));
  for (const name of ["a", "b", "c"]) {
    mkdirSync(join(base, "photos", name), { recursive: true });
    for (let k = 0; k < 4; k++) {
      const noise = { type: "gaussian", mean: 60 * k, sigma: 50 } as const;
      const create = { width: 40, height: 30, channels: 3, background: "black", noise } as const;
      await sharp({ create })
        .jpeg()
        .toFile(join(base, "photos", name, `${k}.jpg`));
    }
  }
});
afterAll(async () => {
  await Promise.all(open.map((maker) => maker.close()));
  built?.remove();
  rmSync(base, { recursive: true, force: true });
});

function threaded(dataset: Dataset, threads: number): Dataset & { readonly images: ImageMaker } {
  const images = openImages(dataset, { threads, entry: built.entry });
  open.push(images);
  return { ...dataset, images };
}

const AUGMENT = [
  affine({ rotate: 0.3, scale: 0.1, shift: 0.1 }),
  resizedCrop({ scale: 0.5 }),
  flip(),
  cutout(3),
];
const SIZE = { classes: 3, samples: 2 };

/** The images of these steps in two views, by the stream that training reads. */
async function streamed(
  dataset: Dataset & { readonly images: ImageMaker },
  steps: readonly number[],
  augment: readonly Augmentation[] = AUGMENT,
): Promise<number[][]> {
  const batches = trainingBatches(dataset, allIndices(dataset), SIZE, augment, 5);
  const requestOf = (step: number): ImageRequest => batches.request(step, 2);
  const stream = new ImageStream(dataset.images, requestOf, 12, [12, ...dataset.image]);
  const all: number[][] = [];
  for (const step of steps) {
    const { images, release } = await stream.take(step);
    all.push([...images]);
    release();
  }
  return all;
}

function madeHere(
  dataset: Dataset,
  steps: readonly number[],
  augment: readonly Augmentation[] = AUGMENT,
): number[][] {
  const batches = trainingBatches(dataset, allIndices(dataset), SIZE, augment, 5);
  return steps.map((step) => [...batches.batch(step, 0).images, ...batches.batch(step, 1).images]);
}

function varied(): Dataset {
  const dataset = datasetOf([4, 5, 6, 3], { image: [9, 8, 3] });
  return { ...dataset, pixels: dataset.pixels.map((_, at) => (at * 37) % 251) };
}

const contextOf = (imageMemory: number): LoadContext => ({
  specDirectory: base,
  projectRoot: base,
  allowOutside: false,
  cacheDirectory: join(base, "cache"),
  imageMemory,
  progress: () => {},
});
const load = (path: string, memory: number, strict = false): Promise<Dataset> =>
  folder(path, { image: [16, 20, 3], strict }).load(contextOf(memory));

describe("images made in threads", () => {
  // In order, and back again, as when the steps before a divergence are looked at once more.
  const STEPS = [0, 1, 2, 3, 4, 1, 2, 3, 9, 11];

  it.each([0, 1, 2, 5, 9])("are the same bytes with %i of them", async (threads) => {
    const dataset = threaded(varied(), threads);
    expect(dataset.images.ahead).toBe(threads > 0);
    expect(await streamed(dataset, STEPS)).toEqual(madeHere(dataset, STEPS));
  });

  it("and so are those of an augmentation that only this thread knows", async () => {
    const dataset = threaded(varied(), 2);
    const own: Augmentation = {
      description: "own",
      apply: (source, target, _image, random) => target.set(source.map((x) => x * random.uniform())),
    };
    const augment = [flip(), own];
    expect(await streamed(dataset, STEPS, augment)).toEqual(madeHere(dataset, STEPS, augment));
  });

  it("serve the evaluation", async () => {
    const dataset = threaded(varied(), 2);
    const indices = Int32Array.of(7, 0, 3, 11, 2);
    const [here, there] = [varied(), dataset].map((each) => evaluationBatches(each, indices, 2));
    for (const index of [0, 1, 2]) {
      const [a, b] = [await here!.take(index), await there!.take(index)];
      expect([...b.images]).toEqual([...a.images]);
      expect([b.labels, b.ids]).toEqual([a.labels, a.ids]);
      a.release();
      b.release();
    }
  });

  it("are started by the time that images take, and never for a little", async () => {
    const images = openImages(varied(), { entry: built.entry });
    await images.make(
      { samples: Int32Array.of(1), views: 1, augment: [], seed: 0, step: 0 },
      new Float32Array(216),
    );
    expect(images.ahead).toBe(false);
  });

  it("are no more once they are closed, and what waits for them is told", async () => {
    const { images } = threaded(varied(), 2);
    const request = { samples: allIndices(varied()), views: 2, augment: AUGMENT, seed: 0, step: 0 };
    const target = new Float32Array(new SharedArrayBuffer(4 * 2 * 18 * 216));
    const under = images.make(request, target);
    const told = expect(under).rejects.toThrow("no more images are made");
    await images.close();
    await told;
    await expect(images.make(request, target)).rejects.toThrow("no more images are made");
  });
});

describe("images in files", () => {
  it("are decoded when they are needed, into the same bytes, with room for all, some or none", async () => {
    const whole = await load("photos", 2 ** 20);
    expect(whole.files).toBeUndefined();
    const expected = madeHere(whole, [0, 1, 2, 3]);
    for (const memory of [0, 5 * 960]) {
      const inFiles = await load("photos", memory);
      expect(inFiles.pixels).toHaveLength(0);
      expect(inFiles.notes.join("\n")).toContain("they are decoded when they are needed");
      for (const threads of [0, 2]) {
        const dataset = threaded(inFiles, threads);
        expect(await streamed(dataset, [0, 1, 2, 3]), `${memory} bytes, ${threads} threads`).toEqual(
          expected,
        );
      }
    }
  });

  it("that are no images are left out, or an error when strict, before anything is decoded", async () => {
    mkdirSync(join(base, "mixed"));
    for (const name of ["x", "y"]) {
      mkdirSync(join(base, "mixed", name));
      await sharp(join(base, "photos", "a", "0.jpg")).toFile(join(base, "mixed", name, "0.jpg"));
    }
    writeFileSync(join(base, "mixed", "y", "1.jpg"), "no image");
    const dataset = await load("mixed", 0);
    expect(dataset.sampleNames).toEqual(["x/0.jpg", "y/0.jpg"]);
    expect(dataset.notes.join("\n")).toMatch(/1 of 3 images could not be decoded\ny\/1.jpg left out: /);
    expect((await dataError(() => load("mixed", 0, true))).message).toContain("cannot decode y/1.jpg");
  });

  it.each([0, 2])("that break off are named when they are reached (%i threads)", async (threads) => {
    const whole = join(base, "photos", "b", "2.jpg");
    const path = join(base, `cut${threads}`);
    for (const name of ["x", "y"]) {
      mkdirSync(join(path, name), { recursive: true });
      for (const k of [0, 1]) await sharp(whole).toFile(join(path, name, `${k}.jpg`));
    }
    truncateSync(join(path, "y", "1.jpg"), 700);
    const dataset = threaded(await load(`cut${threads}`, 0), threads);
    const batches = evaluationBatches(dataset, allIndices(dataset), 2);
    (await batches.take(0)).release();
    const error = await dataError(() => batches.take(1));
    expect(error.message).toContain("cannot decode y/1.jpg");
    expect(error.help).toContain("Repair or remove");
  });
});

describe("a stream", () => {
  it("makes two arrays ahead, holds three in all, and makes each number once", async () => {
    const asked: number[] = [];
    const arrays = new Set<Float32Array>();
    const maker: ImageMaker = {
      ahead: true,
      make: async ({ step }, target) => {
        asked.push(step);
        arrays.add(target);
        target.fill(step);
      },
      close: async () => {},
    };
    const requestOf = (step: number): ImageRequest => ({
      samples: Int32Array.of(0),
      views: 1,
      augment: [],
      seed: 0,
      step,
    });
    const stream = new ImageStream(maker, requestOf, 6, [1, 1, 1, 1]);
    for (let step = 0; step < 6; step++) {
      const { images, release } = await stream.take(step);
      expect(images[0]).toBe(step);
      expect(asked).toEqual(Array.from({ length: Math.min(6, step + 3) }, (_, k) => k));
      release();
    }
    expect(arrays.size).toBe(3);
  });
});

describe("the environment", () => {
  it("says how many threads, and how much memory", async () => {
    expect(threadsAsked({})).toBeUndefined();
    expect(threadsAsked({ DMLC_DATA_THREADS: "0" })).toBe(0);
    expect(imageMemory({ DMLC_IMAGE_MEMORY: "64" })).toBe(2 ** 26);
    expect(imageMemory({})).toBeGreaterThan(0);
    for (const text of ["-1", "two", "1.5", "1e9"]) {
      const error = await dataError(() => threadsAsked({ DMLC_DATA_THREADS: text }));
      expect(error.message).toContain("DMLC_DATA_THREADS must be a whole number");
    }
  });
});
