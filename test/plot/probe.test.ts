/** Probes: their vectors have the similarities that were asked for, and their derivatives are the slopes of the rows. */
import { describe, expect, it } from "vitest";
import { probeOf } from "../../src/plot/probe.ts";
import type { ProbeKind } from "../../src/plot/probe.ts";

const dot = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).reduce((sum, value, t) => sum + value * b[t]!, 0);

const CASES: readonly (readonly [ProbeKind, number, number, number])[] = [
  ["samples", 2, 0.7, 0.4],
  ["samples", 2, -0.9, 0],
  ["samples", 3, 0.2, -0.2],
  ["views", 2, 0.5, -0.6],
  ["views", 3, 0.9, 0.8],
  ["class vectors", 2, 0.6, 0.7],
  ["class vectors", 3, -0.4, 0.6],
];

describe.each(CASES)("%s of %d classes at %d and %d", (kind, classes, positive, negative) => {
  const dim = 9;
  const probe = probeOf(kind, classes);
  const rowsAt = (p: number, n: number): Float64Array[] => {
    const { views } = probe.place(p, n, dim);
    return views.flatMap(({ rows, data }) =>
      Array.from({ length: rows }, (_, r) => data.subarray(r * dim, (r + 1) * dim)),
    );
  };

  it("has room for them", () => {
    expect(probe.room(positive, negative)).toBeGreaterThan(0);
    expect(probe.room(positive, 1)).toBeLessThan(0);
    expect(probe.dim).toBeLessThanOrEqual(dim);
  });

  it("has unit vectors with these similarities", () => {
    const rows = rowsAt(positive, negative);
    const labels = kind === "views" ? [...probe.labels, ...probe.labels] : probe.labels;
    rows.forEach((row, i) => {
      expect(dot(row, row)).toBeCloseTo(1, 12);
      if (kind === "class vectors") {
        for (let label = 0; label < classes; label++) {
          const cosine = dot(row, [...probe.classVector(label), ...Array<number>(dim - classes).fill(0)]);
          expect(cosine).toBeCloseTo(label === labels[i] ? positive : negative, 12);
        }
        return;
      }
      for (let j = 0; j < i; j++)
        expect(dot(row, rows[j]!)).toBeCloseTo(labels[i] === labels[j] ? positive : negative, 12);
    });
  });

  it("moves as its derivatives say", () => {
    const h = 1e-6;
    const { byPositive, byNegative } = probe.place(positive, negative, dim);
    for (const [derivative, p, n] of [
      [byPositive, h, 0],
      [byNegative, 0, h],
    ] as const) {
      const [above, below] = [rowsAt(positive + p, negative + n), rowsAt(positive - p, negative - n)];
      const slopes = above.flatMap((row, i) =>
        Array.from(row, (value, t) => (value - below[i]![t]!) / (2 * h)),
      );
      const stated = derivative.flatMap((view) => [...view]);
      expect(stated).toHaveLength(slopes.length);
      stated.forEach((slope, k) => expect(slope).toBeCloseTo(slopes[k]!, 7));
    }
  });
});
