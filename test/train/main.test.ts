import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { main } from "../../src/runtime/main.ts";
import { findProjectRoot } from "../../src/runtime/places.ts";
import { shapesProgram } from "./shapes.ts";

const folder = mkdtempSync(join(tmpdir(), "dmlc-main-"));
const file = join(folder, "shapes.js");
writeFileSync(file, "");
afterAll(() => rmSync(folder, { recursive: true }));

const argv = process.argv;
const written = { stdout: "", stderr: "" };

beforeEach(() => {
  for (const stream of ["stdout", "stderr"] as const) {
    written[stream] = "";
    vi.spyOn(process[stream], "write").mockImplementation((text) => {
      written[stream] += String(text);
      return true;
    });
  }
});

afterEach(() => {
  vi.restoreAllMocks();
  process.argv = argv;
  process.exitCode = undefined;
});

/** Calls main as `node shapes.js FLAGS` would. */
async function start(flags: string[], program = shapesProgram()): Promise<typeof process.exitCode> {
  process.argv = ["node", file, ...flags];
  await main(program, pathToFileURL(file).href);
  return process.exitCode;
}

describe("an emitted program as a command", () => {
  test("does nothing when another module imports it", async () => {
    process.argv = ["node", join(folder, "other.js")];
    await main(shapesProgram(), pathToFileURL(file).href);
    expect([written.stdout, written.stderr, process.exitCode]).toEqual(["", "", undefined]);
  });

  test("trains with the flags it is given; the table goes to standard output, progress to standard error", async () => {
    const out = join(folder, "out");
    expect(await start(["--engine", "wasm", "--steps", "2", "--seed", "3", "--out", out])).toBe(0);
    expect(written.stdout).toMatch(/R@1 .*MAP@R[^]*\npixels [^]*\nensemble [^]*\ncompressed /);
    expect(written.stderr).toContain("step 2/2");
    expect(existsSync(join(out, "results.json"))).toBe(true);
    expect(existsSync(join(out, "trace.json"))).toBe(false);
  });

  test("with --trace, times the step's operations: a table on standard error, the rest in a file", async () => {
    const out = join(folder, "traced");
    expect(await start(["--engine", "wasm", "--steps", "1", "--out", out, "--trace"])).toBe(0);
    expect(written.stderr).toMatch(
      /operation +shapes +calls +ms +share\n[^]*profile of the step: .*trace.json\n/,
    );
    expect(written.stdout).not.toContain("operation");
    const { traceEvents } = JSON.parse(readFileSync(join(out, "trace.json"), "utf8")) as {
      traceEvents: unknown[];
    };
    expect(traceEvents.length).toBeGreaterThan(100);
  });

  test("says what is wrong, with a remedy, and exits with 3", async () => {
    const program = shapesProgram();
    const batch = { classes: 100, samples: 4 };
    const out = join(folder, "failing");
    expect(await start(["--out", out], { ...program, train: { ...program.train, batch } })).toBe(3);
    expect(written.stderr).toMatch(/error: a batch of 100 classes[^]*\n {2}help: /);
    expect(await start(["--steps", "two", "--out", out])).toBe(3);
    expect(written.stderr).toContain("steps must be a whole number from 1, not NaN");
    expect(await start(["--engine", "abacus", "--out", out])).toBe(3);
    expect(written.stderr).toContain('unknown engine "abacus"');
  });

  test("explains its flags, and refuses others with 2", async () => {
    expect(await start(["--help"])).toBeUndefined();
    expect(written.stdout).toContain("--allow-outside");
    expect(await start(["--fast"])).toBe(2);
    expect(written.stderr).toContain("--fast");
  });
});

describe("the project root", () => {
  test("is the nearest folder upward with a package.json", () => {
    expect(findProjectRoot(import.meta.dirname)).toBe(join(import.meta.dirname, "..", ".."));
    expect(findProjectRoot(folder)).toBe(folder);
  });
});
