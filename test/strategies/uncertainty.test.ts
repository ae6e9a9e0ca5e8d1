import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { startEngine } from "../../src/runtime/engine/index.ts";
import { uncertainty, uncertaintyParameters } from "../../src/runtime/ensemble/index.ts";
import { run } from "./values.ts";
import type { Combine, Result, Values } from "./values.ts";

beforeAll(async () => {
  await startEngine("wasm");
});

const at = (values: Values, s: readonly number[], floor?: number): Result => {
  const combine: Combine = (losses, net) =>
    uncertainty(net, "combine", Object.values(losses), floor === undefined ? {} : { floor });
  return run(combine, [values], uncertaintyParameters("combine", s.length), [], { "combine/s": [...s] })[0]!;
};

describe("uncertainty", () => {
  test("is Σ ½ e^−s ℓ + ½ s, with its gradients", () => {
    const loss = fc.double({ min: 0.01, max: 20, noNaN: true });
    const logVariance = fc.double({ min: -2, max: 2, noNaN: true });
    fc.assert(
      fc.property(fc.array(fc.tuple(loss, logVariance), { minLength: 1, maxLength: 5 }), (pairs) => {
        const values = Object.fromEntries(pairs.map(([value], k) => [`loss${k}`, value]));
        const result = at(
          values,
          pairs.map(([, s]) => s),
        );
        const expected = pairs.reduce((sum, [value, s]) => sum + 0.5 * Math.exp(-s) * value + 0.5 * s, 0);
        expect(Math.abs(result.value - expected)).toBeLessThan(1e-4 * (1 + Math.abs(expected)));
        pairs.forEach(([value, s], k) => {
          const weight = 0.5 * Math.exp(-s);
          expect(result.weights[`loss${k}`]! / weight).toBeCloseTo(1, 4);
          expect(result.gradient[`loss${k}`]![0]! / weight).toBeCloseTo(1, 4);
          expect(result.gradient["combine/s"]![k]).toBeCloseTo(0.5 - weight * value, 3);
        });
      }),
      { numRuns: 25 },
    );
  });

  test("rests where the variance is the loss", () => {
    const losses = { a: 0.2, b: 3 };
    const { gradient } = at(losses, [Math.log(0.2), Math.log(3)]);
    for (const slope of gradient["combine/s"]!) expect(slope).toBeCloseTo(0, 5);
  });

  test("starts at variances of 1, in the group `weights`, without decay", () => {
    const [spec] = uncertaintyParameters("combine", 2);
    expect(spec).toMatchObject({ name: "combine/s", shape: [2], group: "weights", decay: false });
    expect(at({ a: 3, b: 1 }, [0, 0]).value).toBeCloseTo(2, 6);
  });

  test("the floor bounds it below: a loss of 0 counts as the floor, and trains nothing", () => {
    const least = 0.5 * (1 + Math.log(1e-3));
    const { value, gradient } = at({ a: 0 }, [Math.log(1e-3)], 1e-3);
    expect(value).toBeCloseTo(least, 5);
    expect(gradient["a"]![0]).toBe(0);
    expect(gradient["combine/s"]![0]).toBeCloseTo(0, 5);
  });

  test("a loss without a valid tuple leaves its variance alone", () => {
    const { value, gradient, valid } = at({ a: null, b: 2 }, [0.7, 0]);
    expect(value).toBeCloseTo(1, 6);
    expect(gradient["combine/s"]![0]).toBeCloseTo(0, 7);
    expect(gradient["combine/s"]![1]).toBeCloseTo(0.5 - 1, 6);
    expect(valid).toBe(1);
  });
});
