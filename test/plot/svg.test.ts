/** Axes of charts: round ticks that cover the values, and ranges that keep what is worth seeing. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { chartSvg, rangeOf, ticks } from "../../src/plot/svg.ts";

describe("ticks", () => {
  it.each([
    [0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]],
    [-1, 1, [-1, -0.5, 0, 0.5, 1]],
    [0, 137, [0, 50, 100, 150]],
    [-3e-7, 4e-7, [-4e-7, -2e-7, 0, 2e-7, 4e-7]],
  ])("from %d to %d are %j", (low, high, expected) => {
    expect(ticks(low, high, 5)).toEqual(expected);
  });

  it("cover what they are for, a few of them", () => {
    const bound = fc.double({ min: -1e6, max: 1e6, noNaN: true });
    fc.assert(
      fc.property(bound, fc.double({ min: 1e-6, max: 1e6, noNaN: true }), (low, span) => {
        const all = ticks(low, low + span, 5);
        expect(all.length).toBeGreaterThan(1);
        expect(all.length).toBeLessThan(9);
        expect(all[0]).toBeLessThanOrEqual(low + 1e-6 * span + 1e-9 * Math.abs(low));
        expect(all.at(-1)).toBeGreaterThanOrEqual(low + span - 1e-6 * span - 1e-9 * Math.abs(low + span));
      }),
    );
  });
});

describe("the range of an axis", () => {
  const line = (y: readonly number[]) => ({ name: "", x: y.map((_, k) => k), y });
  const middle = Array.from({ length: 98 }, (_, k) => k / 97);

  it("is that of the values, and cuts off what runs away at the ends", () => {
    expect(rangeOf([line([0, ...middle, 1])])).toEqual([0, 1]);
    expect(rangeOf([line([-1e3, ...middle, 1e6])])[1]).toBeLessThan(3);
    const [low, high] = rangeOf([line([...middle.slice(0, 50), 40, ...middle.slice(50)])]);
    expect([low, high]).toEqual([0, 40]);
  });

  it("is never empty, and not moved by what is no number", () => {
    for (const y of [[], [NaN], [0, 0], [5, 5, 5], [-2], [Infinity, 1, 2, NaN]]) {
      const [low, high] = rangeOf([line(y)]);
      expect(high).toBeGreaterThan(low);
    }
  });
});

it("breaks a line where it is not finite", () => {
  const svg = chartSvg({
    title: "t",
    description: "d",
    columns: [
      {
        title: "c",
        x: "x",
        range: [0, 3],
        legend: "=",
        panels: [{ y: "y", lines: [{ name: "a", x: [0, 1, 2, 3], y: [0, NaN, 1, 2] }] }],
      },
    ],
  });
  expect(/class="line" stroke="[^"]+" d="([^"]+)"/.exec(svg)![1]!.match(/[ML]/g)).toEqual(["M", "M", "L"]);
});
