/** `dmlc check FILE…`: every problem of the specs, for people or for programs. */
import { Command, Option } from "commander";
import { checkFile } from "../../compile.ts";
import type { Diagnostic } from "../../diagnostics/diagnostic.ts";
import { renderGithub } from "../../diagnostics/render/github.ts";
import { renderJson } from "../../diagnostics/render/json.ts";
import { renderPretty, summary } from "../../diagnostics/render/pretty.ts";
import { renderSarif } from "../../diagnostics/render/sarif.ts";
import { EXIT, Reported } from "../exit.ts";
import { packagePages } from "../explain_pages.ts";
import { nodeHost } from "../host.ts";
import { ownPackage } from "../package.ts";
import type { Terminal } from "../terminal.ts";

const formats = ["pretty", "json", "sarif", "github"] as const;

interface Options {
  readonly format: (typeof formats)[number];
}

export function checkCommand(terminal: Terminal): Command {
  return new Command("check")
    .description("report every problem of specs; exits with 1 if one is an error")
    .argument("<FILE...>", "specs to check")
    .addOption(new Option("--format <FORMAT>", "how to print").choices(formats).default("pretty"))
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
      print(unique, options.format, terminal);
      if (unreadable > 0) throw new Reported(EXIT.usage);
      if (unique.some((diagnostic) => diagnostic.severity === "error")) throw new Reported(EXIT.spec);
    });
}

function print(diagnostics: readonly Diagnostic[], format: Options["format"], terminal: Terminal): void {
  switch (format) {
    case "json":
      return terminal.out(renderJson(diagnostics));
    case "sarif":
      return terminal.out(
        renderSarif(diagnostics, { version: ownPackage().json.version, pages: packagePages }),
      );
    case "github":
      return terminal.out(renderGithub(diagnostics));
    case "pretty":
      for (const diagnostic of diagnostics) terminal.out(`${renderPretty(diagnostic, terminal.outPaint)}\n`);
      terminal.err(`${summary(diagnostics)}\n`);
  }
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
