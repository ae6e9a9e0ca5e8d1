import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { zeroShot } from "../../src/runtime/data/index.ts";
import type { Dataset, Split } from "../../src/runtime/data/index.ts";
import { dataError, datasetOf } from "./fixtures.ts";

function classesOf(dataset: Dataset, fold: Int32Array): Set<number> {
  return new Set([...fold].map((sample) => dataset.labels[sample]!));
}

function folds(dataset: Dataset, split: Split): Set<number>[] {
  return [split.train, split.validation, split.test].map((fold) => classesOf(dataset, fold));
}

describe("zero_shot", () => {
  it("rounds the number of classes and leaves the rest to test", () => {
    const dataset = datasetOf(Array.from({ length: 57 }, () => 2));
    const sizes = folds(dataset, zeroShot({ train: 0.4, validation: 0.1 }).apply(dataset)).map((f) => f.size);
    expect(sizes).toEqual([23, 6, 28]);
  });

  it("deals every sample to one fold, and no class to two", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 4, maxLength: 40 }),
        fc.double({ min: 0.05, max: 0.5, noNaN: true }),
        fc.double({ min: 0.05, max: 0.3, noNaN: true }),
        (sizes, train, validation) => {
          const dataset = datasetOf(sizes);
          const split = zeroShot({ train, validation }).apply(dataset);
          const samples = [...split.train, ...split.validation, ...split.test].sort((a, b) => a - b);
          expect(samples).toEqual([...dataset.labels.keys()]);
          const classes = folds(dataset, split);
          expect(classes.every((fold) => fold.size > 0)).toBe(true);
          expect(classes.reduce((sum, fold) => sum + fold.size, 0)).toBe(sizes.length);
        },
      ),
    );
  });

  it("keeps a cluster in one fold, and exceeds a fold by less than a cluster", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 24 }), { minLength: 30, maxLength: 60 }), (clusters) => {
        const dataset = datasetOf(
          clusters.map(() => 1),
          { clusters },
        );
        const [train, validation, test] = folds(
          dataset,
          zeroShot({ train: 0.4, validation: 0.1 }).apply(dataset),
        );
        const foldsOfCluster = new Map<number, Set<number>>();
        [train!, validation!, test!].forEach((fold, index) => {
          for (const label of fold) {
            const cluster = clusters[label]!;
            foldsOfCluster.set(cluster, (foldsOfCluster.get(cluster) ?? new Set()).add(index));
          }
        });
        expect([...foldsOfCluster.values()].every((of) => of.size === 1)).toBe(true);
        const largest = Math.max(...clusters.map((a) => clusters.filter((b) => a === b).length));
        expect(train!.size).toBeGreaterThanOrEqual(Math.round(0.4 * clusters.length));
        expect(train!.size).toBeLessThan(Math.round(0.4 * clusters.length) + largest);
      }),
    );
  });

  it("depends on the names of data set and classes only", () => {
    const dataset = datasetOf(Array.from({ length: 40 }, () => 3));
    const fewer = datasetOf(Array.from({ length: 40 }, () => 1));
    const rule = zeroShot({ train: 0.5 });
    expect(folds(dataset, rule.apply(dataset))).toEqual(folds(fewer, rule.apply(fewer)));
    const renamed = datasetOf(
      Array.from({ length: 40 }, () => 3),
      { name: "other" },
    );
    expect(folds(dataset, rule.apply(dataset))).not.toEqual(folds(renamed, rule.apply(renamed)));
  });

  it("is a fixed split: these classes train in every version", () => {
    const dataset = datasetOf(Array.from({ length: 10 }, () => 1));
    const split = zeroShot({ train: 0.4, validation: 0.1 }).apply(dataset);
    expect([...split.train]).toEqual([0, 3, 5, 9]);
    expect([...split.validation]).toEqual([1]);
  });

  it("has no validation fold when none is asked for", () => {
    const dataset = datasetOf([1, 1, 1, 1]);
    const split = zeroShot({ train: 0.5 }).apply(dataset);
    expect([split.train.length, split.validation.length, split.test.length]).toEqual([2, 0, 2]);
  });

  it("refuses fractions that leave nothing to test, and too few classes", async () => {
    for (const settings of [
      { train: 0 },
      { train: 1 },
      { train: NaN },
      { train: 0.6, validation: 0.4 },
      { train: 0.5, validation: -0.1 },
    ]) {
      expect((await dataError(() => zeroShot(settings))).help).not.toBe("");
    }
    const two = datasetOf([3, 3]);
    const error = await dataError(() => zeroShot({ train: 0.4, validation: 0.1 }).apply(two));
    expect(error.message).toContain("leave the test fold empty");
    const oneCluster = datasetOf([1, 1, 1], { clusters: [0, 0, 0] });
    await dataError(() => zeroShot({ train: 0.4, validation: 0.1 }).apply(oneCluster));
  });
});
