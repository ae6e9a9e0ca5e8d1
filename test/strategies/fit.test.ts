/** The law of `inference: fit(validation)`: the one minimum of a convex objective, and what it says of good and bad heads. */
import { describe, expect, test } from "vitest";
import { RunError } from "../../src/runtime/errors.ts";
import { fitHeadWeights, minimise, objective } from "../../src/runtime/ensemble/fit.ts";
import type { HeadSpec } from "../../src/runtime/program.ts";
import { counterRandom } from "../../src/runtime/random.ts";

const head = (name: string, dim: number): HeadSpec => ({ name, dim, weight: 0.5, unit: false, losses: [] });

/** Embeddings about a centre for each class, off it by `noise`. */
function embedded(labels: Int32Array, dim: number, noise: number, key: string): Float32Array {
  const centres = counterRandom(1, `${key}/centres`);
  const classes = Math.max(...labels) + 1;
  const centre = Float64Array.from({ length: classes * dim }, () => centres.normal());
  const random = counterRandom(2, key);
  return Float32Array.from(
    { length: labels.length * dim },
    (_, p) => centre[labels[Math.floor(p / dim)]! * dim + (p % dim)]! + noise * random.normal(),
  );
}

const labelsOf = (classes: number, samples: number): Int32Array =>
  Int32Array.from({ length: classes * samples }, (_, i) => i % classes);
const columns = (count: number, pairs: number, key: string, scale: (k: number) => number): Float64Array[] => {
  const random = counterRandom(3, key);
  return Array.from({ length: count }, (_, k) =>
    Float64Array.from({ length: pairs }, () => scale(k) * (random.uniform() + random.uniform())),
  );
};

describe("the minimum", () => {
  // Heads 0 and 1 tell pairs apart, head 2 does not, head 3 says the contrary.
  const near = columns(4, 300, "near", (k) => [0.5, 0.8, 1, 1.3][k]!);
  const far = columns(4, 400, "far", (k) => [1.5, 1.2, 1, 0.7][k]!);
  const a = minimise(near, far);

  test("favours heads by how well they tell pairs apart, and is 0 for one that says the contrary", () => {
    expect(a[0]).toBeGreaterThan(a[1]!);
    expect(a[1]).toBeGreaterThan(a[2]!);
    expect(a[3]).toBe(0);
  });

  test("lies no higher than any other point, found by a grid over the threshold and random a", () => {
    const best = Math.min(...Array.from({ length: 2000 }, (_, k) => objective([...a, k / 50], near, far)));
    const random = counterRandom(4, "points");
    for (let trial = 0; trial < 300; trial++) {
      const spread = 10 ** -Math.floor(4 * random.uniform());
      const other = a.map((value) => Math.max(0, value + spread * random.normal()));
      for (let b = 0; b < 40; b += 0.5) {
        expect(objective([...other, b], near, far)).toBeGreaterThan(best - 1e-5);
      }
    }
  });

  test("heads that are the same share equally", () => {
    const [x, y] = minimise([near[0]!, near[0]!], [far[0]!, far[0]!]);
    expect(x).toBeCloseTo(y!, 8);
    expect(x).toBeGreaterThan(0);
  });
});

describe("the heads' weights", () => {
  test("sum to 1, follow the heads' worth and not their size, and are the same for the same seed", () => {
    for (const labels of [labelsOf(10, 6), labelsOf(60, 12)]) {
      const good = embedded(labels, 4, 0.4, "good");
      const heads = [head("good", 4), head("bad", 3), head("flat", 2)];
      const embeddings = {
        good: good.map((value) => value / 20),
        bad: embedded(labels, 3, 3, "bad").map((value) => value * 20),
        flat: new Float32Array(2 * labels.length).fill(0.3),
      };
      const weights = fitHeadWeights(heads, embeddings, labels, 5);
      const [g, b, f] = ["good", "bad", "flat"].map((name) => weights[name]![0]!);
      expect(g! + b! + f!).toBeCloseTo(1, 6);
      expect(f).toBe(0);
      expect(g).toBeGreaterThan(0.99);
      expect(fitHeadWeights(heads, embeddings, labels, 5)).toEqual(weights);
    }
  });

  test("are close by whichever pairs of many are drawn", () => {
    const labels = labelsOf(60, 12);
    const heads = [head("a", 4), head("b", 4)];
    const embeddings = { a: embedded(labels, 4, 0.7, "a"), b: embedded(labels, 4, 1.2, "b") };
    const of = (seed: number): number => fitHeadWeights(heads, embeddings, labels, seed)["a"]![0]!;
    const [first, second] = [of(1), of(2)];
    expect(first).toBeGreaterThan(0.5);
    expect(first).not.toBe(second);
    expect(Math.abs(first - second)).toBeLessThan(0.05);
  });

  test("stay as they are where distances say nothing", () => {
    const heads = [head("a", 1), head("b", 1)];
    const flat = { a: new Float32Array(6), b: new Float32Array(6) };
    expect(fitHeadWeights(heads, flat, labelsOf(2, 3), 1)["a"]).toEqual(Float32Array.of(0.5));
  });

  test("need pairs of both kinds", () => {
    const embeddings = { a: new Float32Array(3) };
    for (const labels of [Int32Array.of(0, 1, 2), Int32Array.of(1, 1, 1)])
      expect(() => fitHeadWeights([head("a", 1)], embeddings, labels, 1)).toThrow(RunError);
  });
});
