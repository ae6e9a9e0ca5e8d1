/** `dmlc compile FILE`: the spec as a TypeScript program, and as the JavaScript that `node` runs. */
import { Command, Option } from "commander";
import { dirname, relative } from "node:path";
import { Graph } from "../../ir/graph.ts";
import type { LoweredLoss } from "../../ir/lower/loss.ts";
import { lowerModel } from "../../ir/lower/model.ts";
import { optimise, PASS_NAMES, settingsOf } from "../../ir/passes/optimise.ts";
import { printGraph, type PrintedRoot } from "../../ir/print.ts";
import type { ModelPlan } from "../../plan/plan.ts";
import { printPlan } from "../../plan/print.ts";
import { printTree } from "../../syntax/print_tree.ts";
import { checkedSpec, chosenModel, programPath, programText, writeProgram } from "../compilation.ts";
import { commonjsPackage } from "../package.ts";
import { CommandError, EXIT } from "../exit.ts";
import type { Terminal } from "../terminal.ts";

interface Options {
  readonly output?: string;
  readonly model?: string;
  readonly print?: string;
  readonly stack?: boolean;
}

/** Each loss as it is written is `ir`, and `ir:<pass>` all of them as that pass leaves them. */
const STAGES = ["ast", "types", "ir", ...PASS_NAMES.map((name) => `ir:${name}`)];

function graphText(model: ModelPlan, stage: string, stacked: boolean): string {
  const losses = lowerModel(model).map(({ loss: { name }, lowered }) => ({ name, lowered }));
  const pass = PASS_NAMES.find((name) => stage === `ir:${name}`);
  // Until they share a graph, each loss is printed by itself.
  if (pass === undefined) return losses.map((loss) => printGraph(rootsOfLoss(loss))).join("\n");
  const settings = settingsOf(model, stacked || pass === "stack");
  return printGraph(optimise(new Graph(), losses, settings, pass).flatMap(rootsOfLoss));
}

/** What a loss is made of, by name. */
function rootsOfLoss({ name, lowered }: { name: string; lowered: LoweredLoss }): PrintedRoot[] {
  const { value, valid, shares, states } = lowered;
  return [
    { name, node: value },
    { name: `${name} valid`, node: valid },
    ...(shares === undefined
      ? []
      : [
          { name: `${name} per sample`, node: shares.perSample },
          { name: `${name} constant`, node: shares.constant },
        ]),
    ...states.map((state) => ({ name: state.name, node: state.next })),
  ];
}

export function compileCommand(terminal: Terminal): Command {
  return new Command("compile")
    .description("write the training program of a spec as TypeScript, and as the JavaScript that node runs")
    .argument("<FILE>", "the spec")
    .option("-o, --output <OUT.ts>", "where to write (default: beside the spec); OUT.js goes beside it")
    .option("--model <NAME>", "which model, where the spec has several")
    .option("--stack", "compute heads of one shape together, for engines on which that is faster")
    .addOption(new Option("--print <STAGE>", "print a stage and write nothing").choices(STAGES))
    .action(async (file: string, options: Options) => {
      const spec = checkedSpec(file, terminal);
      if (options.print === "ast") return terminal.out(`${printTree(spec.module.file)}\n`);
      const model = chosenModel(spec, file, options.model);
      if (options.print === "types") return terminal.out(`${printPlan(model)}\n`);
      if (options.print !== undefined)
        return terminal.out(`${graphText(model, options.print, options.stack === true)}\n`);
      const out = options.output ?? programPath(file);
      if (!out.endsWith(".ts"))
        throw new CommandError(EXIT.usage, `the output ${out} is no .ts file`, "Write `-o NAME.ts`.");
      const text = await programText(spec, model, file, dirname(out), terminal, { stacked: options.stack });
      const script = await writeProgram(out, text);
      const here = (path: string): string => relative(process.cwd(), path) || path;
      terminal.err(`wrote ${here(out)} and ${here(script)}; run it with: node ${here(script)}\n`);
      const commonjs = commonjsPackage(script);
      if (commonjs !== undefined)
        terminal.err(
          `  note: node takes it for CommonJS as long as ${here(commonjs)} says "type": "commonjs"\n`,
        );
      return undefined;
    });
}
