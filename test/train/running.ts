/** Programs run in tests: on wasm, without a word, into a folder beside which lies all else that a run may read and write. */
import { dirname } from "node:path";
import type { Program } from "../../src/runtime/program.ts";
import type { Reporter } from "../../src/runtime/report/progress.ts";
import type { Results } from "../../src/runtime/report/results.ts";
import { runProgram } from "../../src/runtime/run.ts";
import type { RunOptions } from "../../src/runtime/run.ts";

/** A reporter that says nothing. */
export const silent: Reporter = { phase() {}, work() {}, step() {}, message() {}, close() {} };

/** Runs a program into `out`; `options` are those that differ. */
export function runInto(out: string, program: Program, options: Partial<RunOptions> = {}): Promise<Results> {
  const folder = dirname(out);
  const places = { specDirectory: folder, projectRoot: folder, allowOutside: false, cacheDirectory: folder };
  return runProgram(program, { engine: "wasm", out, ...places, reporter: silent, ...options });
}
