/** `dmlc run FILE`: compile, train, judge on the unseen classes, and write it all to one folder. */
import { Command, InvalidArgumentError, Option } from "commander";
import { dirname, join, resolve } from "node:path";
import { engineChoices } from "../../runtime/engine/index.ts";
import type { EngineChoice } from "../../runtime/engine/index.ts";
import { findProjectRoot } from "../../runtime/places.ts";
import { processReporter } from "../../runtime/report/process_reporter.ts";
import { resultsTable } from "../../runtime/report/results_table.ts";
import { checkedSpec, chosenModel, programText, writeProgram } from "../compilation.ts";
import { importProgram } from "../provide_runtime.ts";
import { measuredBeside } from "../measured.ts";
import type { Terminal } from "../terminal.ts";

interface Options {
  readonly engine: EngineChoice;
  readonly steps?: number;
  readonly seed?: number;
  readonly out?: string;
  readonly model?: string;
  readonly stack?: boolean;
  readonly trace?: boolean;
  readonly allowOutside: boolean;
  readonly format: "pretty" | "json";
}

export function runCommand(terminal: Terminal): Command {
  return new Command("run")
    .description("train the model of a spec and judge it on classes it has never seen")
    .argument("<FILE>", "the spec")
    .addOption(new Option("--engine <NAME>", "what computes").choices([...engineChoices]).default("auto"))
    .option("--steps <N>", "training steps, in place of the spec's", wholeNumber(1))
    .option("--seed <N>", "seed, in place of the spec's", wholeNumber(0))
    .option("--out <DIR>", "where everything is written (default: runs/MODEL-SEED)")
    .option("--model <NAME>", "which model, where the spec has several")
    .option("--stack", "compute heads of one shape together, for engines on which that is faster")
    .option("--trace", "time the step's operations and losses: tables, and trace.json in the run's folder")
    .option("--allow-outside", "data may lie outside the project", false)
    .addOption(
      new Option("--format <FORMAT>", "how to print the results")
        .choices(["pretty", "json"])
        .default("pretty"),
    )
    .action((file: string, options: Options) => run(file, options, terminal));
}

function wholeNumber(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < least)
      throw new InvalidArgumentError(`it must be a whole number of at least ${least}.`);
    return value;
  };
}

async function run(file: string, options: Options, terminal: Terminal): Promise<void> {
  const spec = checkedSpec(file, terminal);
  const model = chosenModel(spec, file, options.model);
  // Loaded when it is needed: a spec with errors is answered without waiting for the engine's libraries.
  const { runProgram } = await import("../../runtime/run.ts");
  const out = options.out ?? join("runs", `${model.name}-${options.seed ?? model.train.seed}`);
  const text = await programText(spec, model, file, out, terminal, { stacked: options.stack });
  const script = await writeProgram(join(out, `${model.name}.ts`), text);
  const program = await importProgram(script);
  const reporter = processReporter();
  const specDirectory = dirname(resolve(file));
  try {
    const results = await runProgram(program, {
      engine: options.engine,
      ...(options.steps === undefined ? {} : { steps: options.steps }),
      ...(options.seed === undefined ? {} : { seed: options.seed }),
      out,
      specDirectory,
      projectRoot: findProjectRoot(specDirectory),
      allowOutside: options.allowOutside,
      trace: options.trace === true,
      reporter,
    });
    if (options.format === "json") terminal.out(`${JSON.stringify(results, null, 2)}\n`);
    else {
      const beside = options.steps === undefined ? measuredBeside(file, results.spec_hash) : [];
      terminal.out(`${resultsTable(results.test, terminal.outPaint, beside, results.head_weights)}\n`);
    }
    terminal.err(`everything is in ${out}\n`);
  } finally {
    reporter.close();
  }
}
