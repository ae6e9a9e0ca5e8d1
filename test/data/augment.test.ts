import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { affine, cutout, flip, resizedCrop } from "../../src/runtime/data/index.ts";
import type { Augmentation } from "../../src/runtime/data/index.ts";
import { counterRandom } from "../../src/runtime/random.ts";
import { dataError } from "./fixtures.ts";

type Image = readonly [number, number, number];

function noise(image: Image, seed: number): Float32Array {
  const random = counterRandom(seed, "noise");
  return Float32Array.from({ length: image[0] * image[1] * image[2] }, () => random.uniform());
}

function applied(augmentation: Augmentation, source: Float32Array, image: Image, seed: number): Float32Array {
  const target = new Float32Array(source.length).fill(NaN);
  augmentation.apply(source, target, image, counterRandom(seed, "augment"));
  return target;
}

const everyKind: readonly Augmentation[] = [
  affine({ rotate: 0.5, scale: 0.3, shift: 0.2 }),
  resizedCrop({ scale: 0.4 }),
  flip(),
  cutout(3),
];

describe("augmentations", () => {
  it("fill the target within the range of the source, deterministically, and leave the source alone", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...everyKind),
        fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 9 }), fc.constantFrom(1, 3)),
        fc.nat(1000),
        (augmentation, image, seed) => {
          const source = noise(image, seed);
          const before = source.slice();
          const target = applied(augmentation, source, image, seed);
          expect(source).toEqual(before);
          expect(
            target.every((v) => v >= Math.min(...source) - 1e-6 && v <= Math.max(...source) + 1e-6),
          ).toBe(true);
          expect(applied(augmentation, source, image, seed)).toEqual(target);
        },
      ),
    );
  });

  it("leave an image of one colour as it is", () => {
    const image: Image = [6, 5, 3];
    const source = Float32Array.from({ length: 90 }, (_, at) => [0.25, 0.5, 0.75][at % 3]!);
    for (const augmentation of everyKind) {
      const target = applied(augmentation, source, image, 3);
      target.forEach((value, at) => expect(value).toBeCloseTo(source[at]!, 6));
    }
  });

  it("draw the same count of random numbers whatever the settings", () => {
    const after = (augmentation: Augmentation): number => {
      const random = counterRandom(1, "count");
      augmentation.apply(new Float32Array(16), new Float32Array(16), [4, 4, 1], random);
      return random.uniform();
    };
    expect(after(affine({}))).toBe(after(affine({ rotate: 1, scale: 0.5, shift: 0.5 })));
    expect(after(cutout(0))).toBe(after(cutout(3)));
  });
});

describe("affine", () => {
  it("is the identity where every bound is 0", () => {
    const image: Image = [7, 4, 3];
    const source = noise(image, 1);
    expect(applied(affine({}), source, image, 5)).toEqual(source);
  });

  it("moves a spot by no more than the shift, about the centre on average", () => {
    const image: Image = [33, 33, 1];
    const source = new Float32Array(33 * 33);
    source[16 * 33 + 16] = 1;
    let sumX = 0;
    let sumY = 0;
    const runs = 400;
    for (let seed = 0; seed < runs; seed++) {
      const target = applied(affine({ shift: 0.2 }), source, image, seed);
      let mass = 0;
      let x = 0;
      let y = 0;
      target.forEach((value, at) => {
        mass += value;
        x += value * (at % 33);
        y += value * Math.floor(at / 33);
      });
      expect(mass).toBeCloseTo(1, 4);
      expect(Math.abs(x - 16)).toBeLessThanOrEqual(0.2 * 33 + 1e-4);
      sumX += x - 16;
      sumY += y - 16;
    }
    expect(Math.abs(sumX / runs)).toBeLessThan(0.7);
    expect(Math.abs(sumY / runs)).toBeLessThan(0.7);
  });

  it("turns and zooms about the centre: the centre stays, a spot's distance is zoomed", () => {
    const image: Image = [41, 41, 1];
    for (let seed = 0; seed < 20; seed++) {
      const blob = Float32Array.from({ length: 41 * 41 }, (_, at) =>
        Math.exp(-(((at % 41) - 30) ** 2 + (Math.floor(at / 41) - 20) ** 2) / 8),
      );
      const centreOfMass = (pixels: Float32Array): [number, number] => {
        let mass = 0;
        let x = 0;
        let y = 0;
        pixels.forEach((value, at) => {
          mass += value;
          x += value * (at % 41);
          y += value * Math.floor(at / 41);
        });
        return [x / mass - 20, y / mass - 20];
      };
      const [turnedX, turnedY] = centreOfMass(applied(affine({ rotate: 1 }), blob, image, seed));
      expect(Math.hypot(turnedX, turnedY)).toBeCloseTo(10, 1);
      expect(Math.abs(Math.atan2(turnedY, turnedX))).toBeLessThanOrEqual(1.01);
      const [zoomedX, zoomedY] = centreOfMass(applied(affine({ scale: 0.2 }), blob, image, seed));
      expect(zoomedX).toBeGreaterThan(7.9);
      expect(zoomedX).toBeLessThan(12.1);
      expect(zoomedY).toBeCloseTo(0, 3);
    }
  });

  it("repeats the edge beyond the border", () => {
    const image: Image = [1, 8, 1];
    const source = Float32Array.of(0.2, 1, 1, 1, 1, 1, 1, 0.2);
    for (let seed = 0; seed < 20; seed++) {
      const target = applied(affine({ shift: 0.4 }), source, image, seed);
      expect(Math.min(target[0]!, target[7]!)).toBeCloseTo(0.2, 6);
    }
  });

  it("refuses bounds that make no sense", async () => {
    for (const settings of [{ rotate: -1 }, { scale: 1.5 }, { shift: NaN }]) {
      await dataError(() => affine(settings));
    }
  });
});

describe("cutout", () => {
  it("hides one rectangle of at most size * size pixels with the mean", () => {
    const image: Image = [12, 12, 1];
    const source = noise(image, 2);
    const mean = source.reduce((sum, value) => sum + value, 0) / source.length;
    const hidden = new Set<number>();
    let whole = 0;
    for (let seed = 0; seed < 300; seed++) {
      const target = applied(cutout(4), source, image, seed);
      const changed = [...target.keys()].filter((at) => target[at] !== source[at]);
      changed.forEach((at) => {
        expect(target[at]).toBeCloseTo(mean, 6);
        hidden.add(at);
      });
      const xs = changed.map((at) => at % 12);
      const ys = changed.map((at) => Math.floor(at / 12));
      const width = Math.max(...xs) - Math.min(...xs) + 1;
      const height = Math.max(...ys) - Math.min(...ys) + 1;
      expect(width).toBeLessThanOrEqual(4);
      expect(height).toBeLessThanOrEqual(4);
      expect(changed).toHaveLength(width * height);
      if (changed.length === 16) whole++;
    }
    expect(hidden.size).toBe(144);
    expect(whole).toBeGreaterThan(100);
  });

  it("of size 0 is the identity, and a fraction of a pixel is refused", async () => {
    const source = noise([4, 4, 1], 1);
    expect(applied(cutout(0), source, [4, 4, 1], 1)).toEqual(source);
    expect((await dataError(() => cutout(2.5))).message).toContain("whole number");
  });
});

describe("flip", () => {
  it("gives the mirror image about half of the time, and the image otherwise", () => {
    const image: Image = [2, 3, 2];
    const source = Float32Array.from({ length: 12 }, (_, at) => at);
    const mirror = Float32Array.of(4, 5, 2, 3, 0, 1, 10, 11, 8, 9, 6, 7);
    let mirrored = 0;
    for (let seed = 0; seed < 400; seed++) {
      const target = applied(flip(), source, image, seed);
      if (target[0] === 4) mirrored++;
      expect(target).toEqual(target[0] === 4 ? mirror : source);
    }
    expect(mirrored).toBeGreaterThan(160);
    expect(mirrored).toBeLessThan(240);
  });
});

describe("resized_crop", () => {
  it("stretches a part of the image: a ramp stays a ramp, within the whole one", () => {
    const image: Image = [16, 16, 1];
    const ramp = Float32Array.from({ length: 256 }, (_, at) => (at % 16) / 15);
    for (let seed = 0; seed < 50; seed++) {
      const target = applied(resizedCrop({ scale: 0.3 }), ramp, image, seed);
      const row = [...target.subarray(0, 16)];
      row.slice(1).forEach((value, x) => expect(value).toBeGreaterThanOrEqual(row[x]! - 1e-6));
      const slope = (row[10]! - row[5]!) / 5;
      expect(slope).toBeLessThanOrEqual(1 / 15 + 1e-6);
      expect(slope).toBeGreaterThan(0.4 / 15);
      expect([...target.subarray(240)]).toEqual(row);
    }
  });
});
