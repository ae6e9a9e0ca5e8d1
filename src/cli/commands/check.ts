/** `dmlc check FILE…`: every problem of the specs, for people or for programs. */
import { Command, Option } from "commander";
import { checkFile } from "../../compile.ts";
import type { Diagnostic } from "../../diagnostics/diagnostic.ts";
import { renderJson } from "../../diagnostics/render/json.ts";
import { renderPretty, summary } from "../../diagnostics/render/pretty.ts";
import { EXIT, Reported } from "../exit.ts";
import { nodeHost } from "../host.ts";
import type { Terminal } from "../terminal.ts";

interface Options {
  readonly format: "pretty" | "json";
}

export function checkCommand(terminal: Terminal): Command {
  return new Command("check")
    .description("report every problem of specs; exits with 1 if one is an error")
    .argument("<FILE...>", "specs to check")
    .addOption(new Option("--format <FORMAT>", "how to print").choices(["pretty", "json"]).default("pretty"))
    .action((files: readonly string[], options: Options) => {
      const found: Diagnostic[] = [];
      let unreadable = 0;
      for (const file of files) {
        const checked = checkFile(nodeHost(file), file);
        if (checked !== undefined) found.push(...inOrder(checked.diagnostics));
        else {
          unreadable++;
          terminal.err(`${terminal.errPaint("red", "error")}: cannot read ${file}\n`);
        }
      }
      const unique = withoutRepeats(found);
      if (options.format === "json") terminal.out(renderJson(unique));
      else {
        for (const diagnostic of unique) terminal.out(`${renderPretty(diagnostic, terminal.outPaint)}\n`);
        terminal.err(`${summary(unique)}\n`);
      }
      if (unreadable > 0) throw new Reported(EXIT.usage);
      if (unique.some((diagnostic) => diagnostic.severity === "error")) throw new Reported(EXIT.spec);
    });
}

/** By file in the order of their first problem, then by place. */
export function inOrder(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  const files = [...new Set(diagnostics.map((diagnostic) => diagnostic.span.file))];
  return [...diagnostics].sort(
    (a, b) => files.indexOf(a.span.file) - files.indexOf(b.span.file) || a.span.start - b.span.start,
  );
}

/** A file that several specs import is reported once. */
function withoutRepeats(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  const seen = new Set<string>();
  return diagnostics.filter(({ code, span }) => {
    const key = `${code} ${span.file.path} ${span.start} ${span.end}`;
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}
