/** `dmlc compile FILE`: the spec as a TypeScript program, and as the JavaScript that `node` runs. */
import { Command, Option } from "commander";
import { dirname, relative } from "node:path";
import { Graph } from "../../ir/graph.ts";
import { lowerModel } from "../../ir/lower/model.ts";
import { optimise, PASSES } from "../../ir/passes/optimise.ts";
import { printGraph } from "../../ir/print.ts";
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
}

/** The graph as it is lowered is `ir`, and `ir:<pass>` as that pass leaves it. */
const STAGES = ["ast", "types", "ir", ...PASSES.map((pass) => `ir:${pass.name}`)];

function graphText(model: ModelPlan, stage: string): string {
  const graph = new Graph();
  const lowered = lowerModel(model, graph);
  const pass = /^ir:(.+)$/.exec(stage)?.[1];
  const losses = pass === undefined ? lowered : optimise(graph, lowered, model, pass);
  return printGraph(
    losses.flatMap(({ loss, lowered: { value, valid } }) => [
      { name: loss.name, node: value },
      { name: `${loss.name} valid`, node: valid },
    ]),
  );
}

export function compileCommand(terminal: Terminal): Command {
  return new Command("compile")
    .description("write the training program of a spec as TypeScript, and as the JavaScript that node runs")
    .argument("<FILE>", "the spec")
    .option("-o, --output <OUT.ts>", "where to write (default: beside the spec); OUT.js goes beside it")
    .option("--model <NAME>", "which model, where the spec has several")
    .addOption(new Option("--print <STAGE>", "print a stage and write nothing").choices(STAGES))
    .action(async (file: string, options: Options) => {
      const spec = checkedSpec(file, terminal);
      if (options.print === "ast") return terminal.out(`${printTree(spec.module.file)}\n`);
      const model = chosenModel(spec, file, options.model);
      if (options.print === "types") return terminal.out(`${printPlan(model)}\n`);
      if (options.print !== undefined) return terminal.out(`${graphText(model, options.print)}\n`);
      const out = options.output ?? programPath(file);
      if (!out.endsWith(".ts"))
        throw new CommandError(EXIT.usage, `the output ${out} is no .ts file`, "Write `-o NAME.ts`.");
      const text = await programText(spec, model, file, dirname(out), terminal);
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
