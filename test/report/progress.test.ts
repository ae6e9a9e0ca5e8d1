/** The progress display on a fake stream and clock, on a terminal and off it. */
import { stripVTControlCharacters } from "node:util";
import { describe, expect, test } from "vitest";
import { colorEnabled, createPaint } from "../../src/runtime/report/color.ts";
import { createReporter } from "../../src/runtime/report/progress.ts";
import type { Reporter, StepReport } from "../../src/runtime/report/progress.ts";
import { fit, formatDuration, formatValue, percentage } from "../../src/runtime/report/progress_text.ts";

interface Display {
  readonly reporter: Reporter;
  /** Everything written so far. */
  written(): string;
  /** What a terminal shows: lines, the rewritten ones as they are last. */
  screen(): string[];
  clock: { time: number; columns: number };
}

function display(isTTY: boolean, color = false): Display {
  let text = "";
  const clock = { time: 5_000, columns: 120 };
  const reporter = createReporter({
    stream: { write: (part: string) => (text += part) },
    isTTY,
    columns: () => clock.columns,
    now: () => clock.time,
    color,
  });
  const screen = (): string[] =>
    text.split("\n").map((line) => line.split("\r").at(-1)!.replace("\x1b[K", ""));
  return { reporter, written: () => text, screen, clock };
}

const report = (step: number, more: Partial<StepReport> = {}): StepReport => ({
  step,
  total: 200,
  losses: { pull: { value: 0.3125, weight: 0.25 }, soft: { value: 12.3456, weight: 0.75 } },
  loss: 1.5,
  lr: 1e-3,
  msPerStep: 50,
  ...more,
});

describe("on a terminal", () => {
  test("one line, rewritten, with bar, rate, time left and every loss", () => {
    const { reporter, screen, written, clock } = display(true);
    reporter.step(report(1));
    clock.time += 1000;
    reporter.step(report(50, { note: "map_at_r 0.31" }));
    expect(written()).not.toContain("\n");
    expect(screen()).toEqual(
      [
        "train █████░░░░░░░░░░░░░░░ 50/200  20.00 steps/s  0:08 left  loss 1.500" +
          "  pull 0.3125 x0.2500  soft 12.35 x0.7500  lr 0.0010  map_at_r 0.31",
      ].map((line) => line.slice(0, 118) + "…"),
    );
    clock.time += 1000;
    reporter.step(report(200));
    reporter.close();
    expect(screen().at(-1)).toBe("");
    expect(screen()[0]).toMatch(/^train █{20} 200\/200 {2}20.00 steps\/s {2}loss/);
  });

  test("never wider than the terminal, whatever its width, coloured or not", () => {
    for (const color of [false, true]) {
      for (const columns of [1, 2, 20, 79, 80, 300]) {
        const { reporter, screen, clock } = display(true, color);
        clock.columns = columns;
        reporter.step(report(7));
        const shown = stripVTControlCharacters(screen()[0]!);
        expect(shown.length).toBeLessThanOrEqual(Math.max(1, columns - 1));
        expect(shown.endsWith("…")).toBe(columns < 100);
      }
    }
  });

  test("is rewritten at most ten times a second, but always at the end", () => {
    const { reporter, written, clock } = display(true);
    for (let step = 1; step <= 200; step++) {
      clock.time += 10;
      reporter.step(report(step));
    }
    expect(written().split("\r").length - 1).toBe(21);
    expect(written()).toContain("200/200");
  });

  test("messages stand above the line, phases end it", () => {
    const { reporter, screen, clock } = display(true);
    reporter.work("drawing icons", 10, 100);
    clock.time += 2000;
    reporter.work("drawing icons", 30, 100);
    reporter.message("one image is corrupt");
    reporter.phase("training");
    reporter.step(report(1));
    reporter.close();
    expect(screen()).toEqual([
      "one image is corrupt",
      "drawing icons ██████░░░░░░░░░░░░░░  30%  30/100  0:07 left",
      "training",
      expect.stringMatching(/^train .* 1\/200/),
      "",
    ]);
  });
});

describe("off a terminal", () => {
  test("a plain line for every twentieth, at least a second apart, and the last", () => {
    const shown = (msPerStep: number): string[] => {
      const { reporter, written, clock } = display(false);
      for (let step = 1; step <= 200; step++) {
        clock.time += msPerStep;
        reporter.step(report(step));
      }
      reporter.close();
      expect(written()).not.toContain("\r");
      expect(written()).toBe(stripVTControlCharacters(written()));
      return written().trimEnd().split("\n");
    };
    const steps = (lines: string[]): number[] =>
      lines.map((line) => Number(/^step (\d+)\/200/.exec(line)?.[1]));
    const slow = shown(500);
    expect(steps(slow)).toEqual([1, ...Array.from({ length: 20 }, (_, i) => 10 * (i + 1))]);
    expect(slow[2]).toBe(
      "step 20/200  20.00 steps/s  0:09 left  loss 1.500  pull 0.3125 x0.2500  soft 12.35 x0.7500  lr 0.0010",
    );
    // A second is 20 steps.
    expect(steps(shown(50))).toEqual([1, 21, 41, 61, 81, 101, 121, 141, 161, 181, 200]);
  });

  test("slow work says something every half a minute", () => {
    const { reporter, written, clock } = display(false);
    for (let done = 0; done <= 70; done++) {
      reporter.work("packages", done, 10_000);
      clock.time += 1000;
    }
    expect(written().trimEnd().split("\n")).toEqual([
      "packages   0%  0/10000",
      "packages   0%  30/10000  2:46:10 left",
      "packages   0%  60/10000  2:45:40 left",
    ]);
  });

  test("each work by itself, an end that is said twice only once, a second round again", () => {
    const { reporter, written } = display(false);
    reporter.work("a", 1, 1);
    reporter.work("a", 1, 1);
    reporter.work("b", 0, 2);
    reporter.work("c", 5, 0);
    reporter.work("b", 2, 2);
    reporter.work("a", 1, 1);
    reporter.message("done");
    expect(written()).toBe("a 100%  1/1\nb   0%  0/2\nc 5\nb 100%  2/2\na 100%  1/1\ndone\n");
  });
});

describe("figures", () => {
  test("durations", () => {
    expect([0, 7.4, 59.6, 750, 3723, NaN, Infinity].map(formatDuration)).toEqual([
      "0:00",
      "0:07",
      "1:00",
      "12:30",
      "1:02:03",
      "-",
      "-",
    ]);
  });

  test("values", () => {
    expect(
      [0, 0.3125, 1, 12.3456, 1234.5, 54321, 3.14e-6, -0.5, 1e7, NaN, Infinity].map(formatValue),
    ).toEqual([
      "0",
      "0.3125",
      "1.000",
      "12.35",
      "1235",
      "54321",
      "3.1e-6",
      "-0.5000",
      "1.0e+7",
      "nan",
      "Infinity",
    ]);
  });

  test("percentages and fitting", () => {
    expect(percentage(999, 1000)).toBe(" 99%");
    expect(percentage(1000, 1000)).toBe("100%");
    const segments = [{ text: "abc" }, { text: "def", style: "bold" as const }, { text: "ghi" }];
    const plain = createPaint(false);
    expect(fit(segments, 9, plain)).toBe("abcdefghi");
    expect(fit(segments, 5, plain)).toBe("abcd…");
    expect(fit(segments, 5, createPaint(true))).toBe("abc\x1b[1md\x1b[22m…");
    expect(fit(segments, 1, plain)).toBe("…");
    expect(fit(segments, 0, plain)).toBe("");
  });
});

test("colour: FORCE_COLOR, then NO_COLOR, then the terminal", () => {
  expect(colorEnabled(true, {})).toBe(true);
  expect(colorEnabled(false, {})).toBe(false);
  expect(colorEnabled(true, { TERM: "dumb" })).toBe(false);
  expect(colorEnabled(true, { NO_COLOR: "1" })).toBe(false);
  expect(colorEnabled(true, { NO_COLOR: "" })).toBe(true);
  expect(colorEnabled(false, { FORCE_COLOR: "1", NO_COLOR: "1" })).toBe(true);
  expect(colorEnabled(true, { FORCE_COLOR: "0" })).toBe(false);
});
