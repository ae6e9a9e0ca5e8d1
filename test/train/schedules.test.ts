import { describe, expect, test } from "vitest";
import { scheduleFactor } from "../../src/runtime/train/schedules.ts";

describe("schedules", () => {
  test("the warm-up rises linearly to 1 and reaches it at its last step", () => {
    const schedule = { kind: "constant", warmup: 4 } as const;
    expect([0, 1, 2, 3, 4, 99].map((step) => scheduleFactor(schedule, step, 100))).toEqual([
      0.25, 0.5, 0.75, 1, 1, 1,
    ]);
  });

  test("cosine falls from 1 after the warm-up to the floor, half-way at the middle", () => {
    const schedule = { kind: "cosine", warmup: 10, floor: 0.2 } as const;
    expect(scheduleFactor(schedule, 10, 110)).toBe(1);
    expect(scheduleFactor(schedule, 60, 110)).toBeCloseTo(0.6, 12);
    expect(scheduleFactor(schedule, 110, 110)).toBeCloseTo(0.2, 12);
    const factors = Array.from({ length: 100 }, (_, i) => scheduleFactor(schedule, 10 + i, 110));
    expect(factors.every((factor, i) => i === 0 || factor < factors[i - 1]!)).toBe(true);
  });

  test("step multiplies every so many steps after the warm-up", () => {
    const schedule = { kind: "step", warmup: 2, every: 3, factor: 0.1 } as const;
    const factors = [2, 4, 5, 7, 8].map((step) => scheduleFactor(schedule, step, 20));
    expect(factors.map((factor) => Number(factor.toFixed(6)))).toEqual([1, 1, 0.1, 0.1, 0.01]);
  });

  test("a warm-up longer than the run is harmless", () => {
    const schedule = { kind: "cosine", warmup: 100, floor: 0 } as const;
    expect(scheduleFactor(schedule, 19, 20)).toBe(0.2);
  });
});
