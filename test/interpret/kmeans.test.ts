/** `kmeans`: the laws of src/interpret/kmeans.ts, on random points and on ties; and the form in formulas. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { interpretLoss } from "../../src/interpret/index.ts";
import { clusterNumbers } from "../../src/interpret/kmeans.ts";
import { batchOf, formula } from "./support.ts";

type Point = readonly number[];

const squared = (u: Point, v: Point): number => u.reduce((sum, value, t) => sum + (value - v[t]!) ** 2, 0);

/** Lloyd's algorithm from the means of these clusters, for a number of rounds. */
function onward(points: readonly Point[], numbers: readonly number[], rounds: number): readonly number[] {
  let now = numbers;
  for (let round = 0; round < rounds; round++) {
    const means = new Map(
      [...new Set(now)].map((number) => {
        const members = points.filter((_, i) => now[i] === number);
        return [
          number,
          members[0]!.map((_, t) => members.reduce((sum, point) => sum + point[t]!, 0) / members.length),
        ];
      }),
    );
    now = points.map((point, i) => {
      const own = squared(point, means.get(now[i]!)!);
      const better = [...means]
        .filter(([, mean]) => squared(point, mean) < own - 1e-12)
        .sort(([, a], [, b]) => squared(point, a) - squared(point, b));
      return better[0]?.[0] ?? now[i]!;
    });
  }
  return now;
}

const coordinate = fc.integer({ min: -8, max: 8 }).map((value) => value / 4);
const pointsOf = (most: number): fc.Arbitrary<Point[]> =>
  fc.array(fc.tuple(coordinate, coordinate), { minLength: 1, maxLength: most });
const clusters = fc.integer({ min: 1, max: 5 });

describe("k-means", () => {
  it("ends where another round changes nothing, or after its rounds", () => {
    fc.assert(
      fc.property(pointsOf(8), clusters, (points, count) => {
        // So few points settle within ten rounds.
        const numbers = clusterNumbers(points, count);
        expect(onward(points, numbers, 1)).toEqual(numbers);
      }),
      { seed: 11, numRuns: 300 },
    );
  });

  it("gives equal points one cluster, and no more clusters than points differ", () => {
    fc.assert(
      fc.property(pointsOf(12), clusters, (points, count) => {
        const numbers = clusterNumbers(points, count);
        const byPoint = new Map(points.map((point, i) => [point.join(), numbers[i]]));
        points.forEach((point, i) => expect(numbers[i]).toBe(byPoint.get(point.join())));
        expect(Math.max(...numbers)).toBeLessThan(Math.min(count, byPoint.size));
      }),
      { seed: 12 },
    );
  });

  it("does not depend on which of equal points stands where", () => {
    fc.assert(
      fc.property(pointsOf(5), clusters, (points, count) => {
        const twice = [...points, ...points];
        const numbers = clusterNumbers(twice, count);
        expect(numbers.slice(points.length)).toEqual(numbers.slice(0, points.length));
      }),
      { seed: 13 },
    );
  });

  it("starts from the first point and the farthest, the first of several", () => {
    expect(clusterNumbers([[0], [3], [-3], [0.1]], 2)).toEqual([0, 1, 0, 0]);
    expect(clusterNumbers([[0], [-3], [3], [0.1]], 2)).toEqual([0, 1, 0, 0]);
    expect(clusterNumbers([[0], [3], [-3], [0.1]], 3)).toEqual([0, 1, 2, 0]);
  });

  it("puts a point between two centres into the first", () => {
    expect(clusterNumbers([[0], [2], [1]], 2)).toEqual([0, 1, 0]);
    expect(clusterNumbers([[2], [0], [1]], 2)).toEqual([0, 1, 0]);
  });

  it("takes points that single precision cannot tell apart for one", () => {
    expect(clusterNumbers([[1], [1.0005], [1.0004]], 3)).toEqual([0, 0, 0]);
    expect(clusterNumbers([[1], [1.01]], 3)).toEqual([0, 1]);
    expect(clusterNumbers([[0], [0]], 2)).toEqual([0, 0]);
  });
});

describe("kmeans[i](…) in a formula", () => {
  const rows = [[0, 0], [5, 5], [0, 0.1], [5, 5.1], [0, 0.2], [9, 0]]; // prettier-ignore
  const batch = batchOf(rows, [0, 0, 0, 1, 1, 1]);
  const value = (body: string, statements = ""): number =>
    interpretLoss(formula(body, statements), batch).value;

  it("numbers all points", () => {
    // The farthest from the first is the last, then one of the two beside each other.
    expect(value("sum[i] 10 ^ (0 + number(i))", "let number(i) = kmeans[i](x[i], 3)")).toBe(3 + 10 + 200);
  });

  it("numbers the points of each class by themselves", () => {
    const own = "let cluster(i, j) = kmeans[j | y[j] == y[i]](x[j], 2)";
    expect(value("sum[i, j | y[i] == y[j]] (cluster(i, j) == 1)", own)).toBe(3 * 1 + 3 * 1);
    expect(value("sum[i] (cluster(i, i) == 1)", own)).toBe(2);
  });

  it("is absent for a point that takes no part", () => {
    const some = "let cluster(i) = kmeans[i | y[i] == 0](x[i], 2)";
    expect(value("count[i] cluster(i) == 0", some)).toBe(2);
    expect(value("count[i] cluster(i) >= 0", some)).toBe(3);
  });

  it("carries no gradient, and may be an index", () => {
    const instance = formula("sum[i] b[kmeans[i](x[i], 2)] * norm(x[i])", "param b: real[2] = constant(3)");
    const params = new Map([["b", { shape: [2], data: Float64Array.of(0, 1) }]]);
    const { value: sum, gradient } = interpretLoss(instance, { ...batch, params }, { gradient: true });
    const lengths = rows.map(([a, b]) => Math.hypot(a!, b!));
    expect(sum).toBeCloseTo(lengths[1]! + lengths[3]! + lengths[5]!, 12);
    expect(gradient!.params.get("b")![1]).toBeCloseTo(sum, 12);
  });
});
