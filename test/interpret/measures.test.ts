/** Distances of the standard library against what they are defined as. */
import { describe, expect, it } from "vitest";
import { interpretLoss } from "../../src/interpret/index.ts";
import { batchOf, formula } from "./support.ts";

const [u, v] = [
  [0.3, -0.5, 0.7],
  [-0.2, 0.4, 0.1],
];
const between = (measure: string): number =>
  interpretLoss(formula(`sum[i, j | differs(i, j)] ${measure} / 2`), batchOf([u!, v!], [0, 1])).value;

describe("lp", () => {
  it.each([1, 2, 3, 2.5])("is the norm with p = %f of the difference", (p) => {
    const norm = u!.reduce((sum, each, t) => sum + Math.abs(each - v![t]!) ** p, 0) ** (1 / p);
    expect(between(`lp(x[i], x[j], p: ${p})`)).toBeCloseTo(norm, 12);
  });

  it("has gradient 0 between coinciding points", () => {
    const batch = batchOf([u!, u!, v!], [0, 1, 2]);
    for (const p of [1, 1.5, 2, 3]) {
      const sum = formula(`sum[i, j | i < j] lp(x[i], x[j], p: ${p})`);
      const { gradient } = interpretLoss(sum, batch, { gradient: true });
      expect([...gradient!.views[0]!].every(Number.isFinite)).toBe(true);
      expect(gradient!.views[0]!.slice(0, 3)).toEqual(gradient!.views[0]!.slice(3, 6));
    }
  });
});

describe("poincare", () => {
  const dot = (a: readonly number[], b: readonly number[]): number =>
    a.reduce((sum, each, t) => sum + each * b[t]!, 0);

  it.each([0.1, 0.5, 1])("is the arc hyperbolic cosine of the ball's metric, curvature %f", (c) => {
    const apart = u!.map((each, t) => each - v![t]!);
    const inner = 1 + (2 * c * dot(apart, apart)) / ((1 - c * dot(u!, u!)) * (1 - c * dot(v!, v!)));
    expect(between(`poincare(x[i], x[j], c: ${c})`)).toBeCloseTo(Math.acosh(inner) / Math.sqrt(c), 10);
  });

  it("is twice the Euclidean distance where the curvature vanishes", () => {
    const euclidean = Math.hypot(...u!.map((each, t) => each - v![t]!));
    expect(between("poincare(x[i], x[j], c: 1e-9)")).toBeCloseTo(2 * euclidean, 6);
  });

  it("is bounded at the edge of the ball", () => {
    const edge = batchOf(
      [
        [1, 0],
        [0, 1],
      ],
      [0, 1],
    );
    const sum = formula("sum[i, j | differs(i, j)] poincare(x[i], x[j], c: 1)");
    const { value, gradient } = interpretLoss(sum, edge, { gradient: true });
    expect(value).toBeCloseTo(2 * Math.acosh(1 + (2 * 2) / 1e-10), 9);
    expect([...gradient!.views[0]!].every(Number.isFinite)).toBe(true);
  });
});
