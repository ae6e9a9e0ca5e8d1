/**
 * What makes an emitted program a command of its own: `node OUT.js` runs it. Emitted programs call `main` in their last
 * line; imported by another module, they do nothing.
 */
import { existsSync, realpathSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { DataError } from "./data/errors.ts";
import { engineChoices, EngineError } from "./engine/index.ts";
import type { EngineChoice } from "./engine/index.ts";
import { RunError, RunInterrupted } from "./errors.ts";
import type { Program } from "./program.ts";
import { findProjectRoot } from "./places.ts";
import { colorEnabled, createPaint } from "./report/color.ts";
import { processReporter } from "./report/process_reporter.ts";
import { resultsTable } from "./report/results_table.ts";
import { runProgram } from "./run.ts";
import type { RunOptions } from "./run.ts";

/** Exit codes: what the user can mend in data or run, wrong flags, and SIGINT (128 + 2). */
const EXIT_RUN = 3;
const EXIT_USAGE = 2;
const EXIT_INTERRUPTED = 130;

const usage = `Options:
  --engine NAME     ${engineChoices.join(" or ")} (default auto)
  --steps N         training steps, in place of the spec's
  --seed N          in place of the spec's
  --out DIR         where weights, log and results go (default runs/MODEL-SEED)
  --trace           time the step's operations and losses: tables, and trace.json in DIR
  --allow-outside   data may lie outside the project
  --help            this text`;

/**
 * If the module at `moduleUrl` is what the process was started with, runs the program with the process's flags:
 * progress on standard error, the table of results on standard output, exit code 3 for an error of data or run, 130
 * after SIGINT. Otherwise does nothing.
 */
export async function main(program: Program, moduleUrl: string): Promise<void> {
  const entry = process.argv[1];
  const file = fileURLToPath(moduleUrl);
  if (entry === undefined || !existsSync(entry) || realpathSync(entry) !== realpathSync(file)) return;
  const flags = readFlags(program.name);
  if (flags !== undefined)
    process.exitCode = await runFromTerminal(program, flags, specDirectory(program, file));
}

type Flags = Pick<RunOptions, "engine" | "steps" | "seed" | "trace" | "allowOutside"> & {
  readonly out?: string;
};

/** The flags of the process; undefined, with the exit code set, if there is nothing to run. */
function readFlags(name: string): Flags | undefined {
  try {
    const { values } = parseArgs({
      options: {
        engine: { type: "string", default: "auto" },
        steps: { type: "string" },
        seed: { type: "string" },
        out: { type: "string" },
        trace: { type: "boolean", default: false },
        "allow-outside": { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    });
    if (values.help) {
      process.stdout.write(`Trains and evaluates ${name}.\n\n${usage}\n`);
      return undefined;
    }
    return {
      engine: values.engine as EngineChoice,
      ...(values.steps === undefined ? {} : { steps: Number(values.steps) }),
      ...(values.seed === undefined ? {} : { seed: Number(values.seed) }),
      ...(values.out === undefined ? {} : { out: values.out }),
      trace: values.trace,
      allowOutside: values["allow-outside"],
    };
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n\n${usage}\n`);
    process.exitCode = EXIT_USAGE;
    return undefined;
  }
}

/** The spec's folder, to which data paths are relative: found from the program's, else the program's own. */
function specDirectory(program: Program, file: string): string {
  const own = dirname(file);
  const spec = resolve(own, program.spec.file);
  return existsSync(spec) ? dirname(spec) : own;
}

async function runFromTerminal(program: Program, flags: Flags, directory: string): Promise<number> {
  const { stdout, stderr, env } = process;
  const reporter = processReporter();
  const out = flags.out ?? join("runs", `${program.name}-${flags.seed ?? program.train.seed}`);
  try {
    const projectRoot = findProjectRoot(directory);
    const results = await runProgram(program, {
      ...flags,
      out,
      specDirectory: directory,
      projectRoot,
      reporter,
    });
    const paint = createPaint(colorEnabled(stdout.isTTY === true, env));
    stdout.write(`${resultsTable(results.test, paint, [], results.head_weights)}\n`);
    return 0;
  } catch (error) {
    reporter.close();
    if (error instanceof RunError || error instanceof DataError) {
      stderr.write(`error: ${error.message}\n  help: ${error.help}\n`);
      return error instanceof RunInterrupted ? EXIT_INTERRUPTED : EXIT_RUN;
    }
    if (error instanceof EngineError) {
      stderr.write(`error: ${error.message}\n`);
      return EXIT_RUN;
    }
    throw error;
  }
}
