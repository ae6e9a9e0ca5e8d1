import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { affine, cutout, evaluationBatches, trainingBatches } from "../../src/runtime/data/index.ts";
import type { Augmentation } from "../../src/runtime/data/index.ts";
import { groupedOrder } from "../../src/runtime/data/batches.ts";
import { counterRandom } from "../../src/runtime/random.ts";
import { allIndices, dataError, datasetOf } from "./fixtures.ts";

const scenario = fc
  .record({
    p: fc.integer({ min: 1, max: 5 }),
    m: fc.integer({ min: 1, max: 4 }),
    extra: fc.array(fc.integer({ min: 0, max: 7 }), { minLength: 5, maxLength: 12 }),
    small: fc.integer({ min: 0, max: 2 }),
    seed: fc.nat(100),
  })
  .map(({ p, m, extra, small, seed }) => ({
    p,
    m,
    seed,
    sizes: [...extra.map((more) => m + more), ...Array.from({ length: m > 1 ? small : 0 }, () => m - 1)],
    kept: extra.length,
  }));

describe("grouped order", () => {
  it("is made of permutations, and of groups of distinct values", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 14 }), fc.nat(13), fc.nat(50), (n, less, seed) => {
        const group = Math.max(1, n - less);
        const order = groupedOrder(n, group, (cycle) => counterRandom(seed, "order", cycle));
        const values = Array.from({ length: n * group * 2 }, (_, position) => order(position));
        for (let at = 0; at < values.length; at += n) {
          expect(new Set(values.slice(at, at + n)).size).toBe(n);
        }
        for (let at = 0; at < values.length; at += group) {
          expect(new Set(values.slice(at, at + group)).size).toBe(group);
        }
        const backwards = [...values.keys()].reverse().map((position) => order(position));
        expect(backwards.reverse()).toEqual(values);
      }),
    );
  });

  it("gives every value the same chance at every position", () => {
    const counts = Array.from({ length: 5 }, () => Array.from({ length: 15 }, () => 0));
    for (let seed = 0; seed < 3000; seed++) {
      const order = groupedOrder(5, 3, (cycle) => counterRandom(seed, "order", cycle));
      for (let position = 0; position < 15; position++) counts[order(position)]![position]!++;
    }
    for (const row of counts) for (const count of row) expect(Math.abs(count - 600)).toBeLessThan(120);
  });
});

describe("training batches", () => {
  it("hold P blocks of M distinct samples of one class, by ascending label", () => {
    fc.assert(
      fc.property(scenario, ({ p, m, sizes, seed, kept }) => {
        const dataset = datasetOf(sizes);
        const batches = trainingBatches(dataset, allIndices(dataset), { classes: p, samples: m }, [], seed);
        expect(batches.classes).toBe(kept);
        expect(batches.notes).toHaveLength(sizes.length > kept ? 1 : 0);
        for (const step of [0, 1, 2, 17]) {
          const { labels, images } = batches.batch(step);
          const samples = batches.samples(step);
          expect(labels).toHaveLength(p * m);
          expect(images).toHaveLength(p * m * 4);
          expect(new Set(samples).size).toBe(p * m);
          for (let block = 0; block < p; block++) {
            const label = labels[block * m]!;
            if (block > 0) expect(label).toBeGreaterThan(labels[block * m - 1]!);
            for (let slot = block * m; slot < (block + 1) * m; slot++) {
              expect(labels[slot]).toBe(label);
              expect(dataset.classNames[dataset.labels[samples[slot]!]!]).toBe(batches.classNames[label]);
              expect(images[slot * 4]).toBeCloseTo((samples[slot]! % 256) / 255, 6);
            }
          }
        }
      }),
    );
  });

  it("draw every class once a pass, and every sample of a class once before any comes again", () => {
    fc.assert(
      fc.property(scenario, ({ p, m, sizes, seed, kept }) => {
        const dataset = datasetOf(sizes);
        const batches = trainingBatches(dataset, allIndices(dataset), { classes: p, samples: m }, [], seed);
        const timesOfClass = Array.from({ length: kept }, () => 0);
        const timesOfSample = Array.from(dataset.labels, () => 0);
        for (let step = 0; step < 40; step++) {
          const { labels } = batches.batch(step);
          for (let slot = 0; slot < labels.length; slot += m) timesOfClass[labels[slot]!]!++;
          for (const sample of batches.samples(step)) timesOfSample[sample]!++;
          expect(Math.max(...timesOfClass) - Math.min(...timesOfClass)).toBeLessThanOrEqual(2);
          if (((step + 1) * p) % kept === 0) expect(new Set(timesOfClass).size).toBe(1);
        }
        sizes.slice(0, kept).forEach((size, label) => {
          const first = sizes.slice(0, label).reduce((sum, value) => sum + value, 0);
          const times = timesOfSample.slice(first, first + size);
          expect(Math.max(...times) - Math.min(...times)).toBeLessThanOrEqual(2);
        });
      }),
    );
  });

  it("are a pure function of seed and step, augmentation included", () => {
    const dataset = datasetOf([7, 6, 9, 8, 5, 11], { image: [8, 8, 1] });
    const varied = { ...dataset, pixels: dataset.pixels.map((_, at) => (at * 37) % 256) };
    const augment = [affine({ rotate: 0.2, scale: 0.1, shift: 0.1 }), cutout(3)];
    const make = (seed: number) =>
      trainingBatches(varied, allIndices(varied), { classes: 4, samples: 3 }, augment, seed);
    const forward = make(3);
    const inOrder = Array.from({ length: 12 }, (_, step) => forward.batch(step));
    const resumed = make(3);
    for (const step of [11, 4, 0, 7]) expect(resumed.batch(step)).toEqual(inOrder[step]);
    expect(make(4).batch(0)).not.toEqual(inOrder[0]);
    const secondView = forward.batch(5, 1);
    expect(secondView.labels).toEqual(inOrder[5]!.labels);
    expect(secondView.images).not.toEqual(inOrder[5]!.images);
  });

  it("apply augmentations in their order, each image with its own random numbers", () => {
    const dataset = datasetOf([4, 4], { image: [1, 1, 1] });
    const add = (amount: number): Augmentation => ({
      description: "add",
      apply: (source, target, _image, random) => {
        target[0] = source[0]! * 2 + amount;
        random.uniform();
      },
    });
    const plain = trainingBatches(dataset, allIndices(dataset), { classes: 2, samples: 2 }, [], 1).batch(0);
    const changed = trainingBatches(
      dataset,
      allIndices(dataset),
      { classes: 2, samples: 2 },
      [add(1), add(0)],
      1,
    ).batch(0);
    changed.images.forEach((value, slot) => expect(value).toBeCloseTo((plain.images[slot]! * 2 + 1) * 2, 5));

    const drawn: Augmentation = {
      description: "drawn",
      apply: (_source, target, _image, random) => void (target[0] = random.uniform()),
    };
    const batches = trainingBatches(dataset, allIndices(dataset), { classes: 2, samples: 4 }, [drawn], 1);
    expect(new Set([...batches.batch(0).images, ...batches.batch(1).images]).size).toBe(16);
  });

  it("draw from the given indices only, labels dense over their classes", () => {
    const dataset = datasetOf([4, 4, 4, 4, 4, 4]);
    const fold = allIndices(dataset).filter((sample) => [1, 3, 5].includes(dataset.labels[sample]!));
    const batches = trainingBatches(dataset, fold, { classes: 2, samples: 2 }, [], 1);
    expect(batches.classNames).toEqual(["c001", "c003", "c005"]);
    const seen = new Set<number>();
    for (let step = 0; step < 9; step++) {
      for (const sample of batches.samples(step)) {
        expect(fold).toContain(sample);
        seen.add(sample);
      }
      expect(Math.max(...batches.batch(step).labels)).toBeLessThan(3);
    }
    expect(seen.size).toBe(12);
  });

  it("need P classes with M samples", async () => {
    const dataset = datasetOf([4, 4, 1]);
    const batches = trainingBatches(dataset, allIndices(dataset), { classes: 2, samples: 4 }, [], 1);
    expect(batches.notes).toEqual(["1 of 3 training classes left out of batches: fewer than 4 samples"]);
    const error = await dataError(() =>
      trainingBatches(dataset, allIndices(dataset), { classes: 3, samples: 4 }, [], 1),
    );
    expect(error.message).toContain("needs 3 training classes with at least 4 samples; toy has 2");
  });
});

describe("evaluation batches", () => {
  it("give the samples in order, the last batch shorter and filled up with zeros", async () => {
    const dataset = datasetOf([3, 4]);
    const batches = evaluationBatches(dataset, Int32Array.of(6, 0, 3, 2, 5), 2);
    expect(batches.count).toBe(3);
    const seen: { labels: number[]; ids: number[]; images: number[] }[] = [];
    for (let index = 0; index < 3; index++) {
      const { labels, ids, images, release } = await batches.take(index);
      seen.push({ labels: [...labels], ids: [...ids], images: [...images] });
      release();
    }
    expect(seen.map(({ labels }) => labels)).toEqual([[1, 0], [1, 0], [1]]);
    expect(seen.map(({ ids }) => ids)).toEqual([[6, 0], [3, 2], [5]]);
    expect(seen[0]!.images[0]).toBeCloseTo(6 / 255, 6);
    expect(seen[2]!.images.slice(4)).toEqual([0, 0, 0, 0]);
    expect(evaluationBatches(dataset, new Int32Array(0), 4).count).toBe(0);
  });
});
