import { describe, expect, it } from "vitest";
import { buildIconDataset } from "../../src/runtime/data/icon_build.ts";
import type { Icon, IconSetJson } from "../../src/runtime/data/icon_concepts.ts";
import { drawIcons } from "../../src/runtime/data/icon_render.ts";
import {
  correlation,
  dropNearDuplicates,
  standardise,
  synonymClusters,
} from "../../src/runtime/data/icon_select.ts";
import { counterRandom } from "../../src/runtime/random.ts";
import { dataError } from "./fixtures.ts";

const quiet = (): void => {};

function icon(name: string, body: string): Icon {
  return { name, body, viewBox: [0, 0, 8, 8] };
}

describe("drawing icons", () => {
  const square = icon("a/square", '<path fill="currentColor" d="M2 2h4v4H2z"/>');

  it("gives ink as 255 on 0, at every place of a sheet", async () => {
    const { pixels, failed } = await drawIcons(
      Array.from({ length: 130 }, () => square),
      8,
      quiet,
    );
    expect(failed).toEqual([]);
    for (let index = 0; index < 130; index++) {
      for (let at = 0; at < 64; at++) {
        const inside = [at % 8, Math.floor(at / 8)].every((side) => side >= 2 && side < 6);
        expect(pixels[index * 64 + at]).toBe(inside ? 255 : 0);
      }
    }
  });

  it("keeps the ids of icons apart that share a sheet", async () => {
    const masked = (half: string): Icon =>
      icon(
        "a/masked",
        `<mask id="m"><path fill="#fff" d="${half}"/></mask><path mask="url(#m)" fill="currentColor" d="M0 0h8v8H0z"/>`,
      );
    const { pixels } = await drawIcons([masked("M0 0h4v8H0z"), masked("M4 0h4v8H4z")], 8, quiet);
    expect([pixels[0], pixels[7]]).toEqual([255, 0]);
    expect([pixels[64], pixels[71]]).toEqual([0, 255]);
  });

  it("names the icon that cannot be drawn, and draws its neighbours", async () => {
    const { pixels, failed } = await drawIcons([square, icon("a/bad", "<path d="), square], 8, quiet);
    expect(failed).toEqual([1]);
    expect(pixels.subarray(64, 128).every((byte) => byte === 0)).toBe(true);
    expect(pixels.subarray(128)).toEqual(pixels.subarray(0, 64));
  });
});

describe("near-duplicates", () => {
  it("are those that correlate above 0.75 with one kept before; blank images are dropped", () => {
    const random = counterRandom(1, "images");
    const base = Uint8Array.from({ length: 64 }, () => random.int(256));
    const mixed = (share: number): Uint8Array =>
      base.map((byte) => Math.round(byte * (1 - share) + random.int(256) * share));
    const images = [
      base,
      mixed(0.1),
      mixed(1),
      new Uint8Array(64).fill(9),
      base.map((byte) => byte >> 1),
      mixed(1),
    ];
    const vectors = standardise(Uint8Array.from(images.flatMap((image) => [...image])), 64);
    expect(correlation(vectors, 64, 0, 0)).toBeCloseTo(1, 5);
    expect(correlation(vectors, 64, 0, 4)).toBeGreaterThan(0.99);
    expect(dropNearDuplicates(vectors, 64, 0, 6)).toEqual([0, 2, 5]);
    expect(dropNearDuplicates(vectors, 64, 1, 2)).toEqual([1]);
  });
});

describe("clusters of synonyms", () => {
  /** Random images; equal `drawing` numbers give images that correlate by about 0.99. */
  function clustersOf(images: readonly { concept: number; set: number; drawing: number }[]): number[] {
    const pixels = images.flatMap(({ drawing }, index) => {
      const random = counterRandom(drawing, "drawing");
      const noise = counterRandom(index, "noise");
      return Array.from({ length: 256 }, () => Math.min(255, random.int(240) + noise.int(15)));
    });
    return [
      ...synonymClusters(
        standardise(Uint8Array.from(pixels), 256),
        256,
        Int32Array.from(images, (image) => image.concept),
        Int32Array.from(images, (image) => image.set),
      ),
    ];
  }

  it("join two names that different sets give to one drawing, transitively", () => {
    const clusters = clustersOf([
      { concept: 0, set: 0, drawing: 1 },
      { concept: 0, set: 1, drawing: 2 },
      { concept: 1, set: 2, drawing: 3 },
      { concept: 2, set: 3, drawing: 1 },
      { concept: 2, set: 4, drawing: 4 },
      { concept: 3, set: 5, drawing: 4 },
    ]);
    expect(clusters).toEqual([0, 1, 0, 0]);
  });

  it("take a set that has both names for evidence that they differ", () => {
    const both = clustersOf([
      { concept: 0, set: 0, drawing: 1 },
      { concept: 0, set: 1, drawing: 2 },
      { concept: 1, set: 0, drawing: 3 },
      { concept: 1, set: 2, drawing: 1 },
    ]);
    expect(both).toEqual([0, 1]);
    const mostlyShared = clustersOf([
      ...[0, 1, 2, 3].map((set) => ({ concept: 0, set, drawing: 10 + set })),
      { concept: 0, set: 8, drawing: 1 },
      ...[0, 1, 2, 3].map((set) => ({ concept: 1, set, drawing: 20 + set })),
      { concept: 1, set: 9, drawing: 1 },
    ]);
    expect(mostlyShared).toEqual([0, 1]);
  });
});

describe("the icon data set", () => {
  const bars = (x: number, set: number): string =>
    `<path fill="currentColor" d="M${x} ${set}h3v${14 - set}h-3z"/><circle cx="${4 * (set + 1)}" cy="18" r="${set + 2}"/>`;
  const setOf = (index: number, names: Record<string, string>): IconSetJson => ({
    prefix: `set${index}`,
    width: 24,
    height: 24,
    icons: Object.fromEntries(Object.entries(names).map(([name, body]) => [name, { body }])),
  });
  const sets = [0, 1, 2].map((index) =>
    setOf(index, {
      "tree-fill": bars(2, index),
      "tree-outline": bars(2, index),
      "user-add": bars(17, index),
      alone: bars(9, index),
      ...(index === 2 ? {} : { rare: bars(5, index) }),
    }),
  );

  it("has the shared concepts as classes, duplicates dropped, names sorted", async () => {
    const dataset = await buildIconDataset(sets, { size: 32, leastIcons: 3 }, quiet);
    expect(dataset.classNames).toEqual(["alone", "tree", "user-plus"]);
    expect([...dataset.labels]).toEqual([0, 0, 0, 1, 1, 1, 2, 2, 2]);
    expect(dataset.sampleNames.slice(3, 6)).toEqual(["set0/tree-fill", "set1/tree-fill", "set2/tree-fill"]);
    expect([...dataset.classClusters]).toEqual([0, 1, 2]);
    expect(dataset.image).toEqual([32, 32, 1]);
    expect(dataset.pixels).toHaveLength(9 * 1024);
    expect(dataset.notes[0]).toContain("3 near-duplicates or blank drawings dropped");
    expect(await buildIconDataset([...sets].reverse(), { size: 32, leastIcons: 3 }, quiet)).toEqual(dataset);
  });

  it("has the same samples and clusters at every size", async () => {
    const large = await buildIconDataset(sets, { size: 32, leastIcons: 3 }, quiet);
    const small = await buildIconDataset(sets, { size: 12, leastIcons: 3 }, quiet);
    expect(small.image).toEqual([12, 12, 1]);
    expect(small.pixels).toHaveLength(9 * 144);
    expect({ ...small, image: large.image, pixels: large.pixels }).toEqual(large);
  });

  it("is refused when the sets share too little", async () => {
    await dataError(() => buildIconDataset(sets.slice(0, 1), { size: 32, leastIcons: 3 }, quiet));
  });
});
