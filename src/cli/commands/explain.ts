/**
 * `dmlc explain [CODE|NAME|FILE[:NAME]]`: the page of a diagnostic, what a name of the standard library means, or what the
 * declarations of a file do.
 */
import { Command, Option } from "commander";
import { Diagnostics } from "../../diagnostics/diagnostic.ts";
import { closest } from "../../diagnostics/did_you_mean.ts";
import { catalogue } from "../../diagnostics/explain/catalogue.ts";
import type { CatalogueEntry } from "../../diagnostics/explain/catalogue.ts";
import { parsePage } from "../../diagnostics/explain/page.ts";
import { declarationsOf, explainableNames, explained } from "../../explain/lookup.ts";
import { displayOf, formulaToTex } from "../../explain/tex/formula.ts";
import { declarationText, pageText } from "../../explain/text.ts";
import { loadProgram, standardLibrary } from "../../resolve/modules.ts";
import { CommandError, EXIT } from "../exit.ts";
import { packagePages } from "../explain_pages.ts";
import { nodeHost } from "../host.ts";
import { report } from "../loss_argument.ts";
import type { Terminal } from "../terminal.ts";

interface Options {
  readonly format: "text" | "json" | "tex";
}

/** A declaration and the scope of its names. */
type Found = ReturnType<typeof declarationsOf>[number];

export function explainCommand(terminal: Terminal): Command {
  return new Command("explain")
    .description(
      "explain a diagnostic's code, a name of the standard library or of a file; without either, list the codes",
    )
    .argument("[CODE|NAME|FILE:NAME]", "DML0201, unknown-name, triplet, cosine, my.dml:my_loss, …")
    .addOption(
      new Option("--format <FORMAT>", "how to print; tex: formulas alone")
        .choices(["text", "json", "tex"])
        .default("text"),
    )
    .action((asked: string | undefined, { format }: Options) => {
      const print = (value: unknown, text: () => string): void =>
        terminal.out(format === "json" ? `${JSON.stringify(value, undefined, 2)}\n` : text());
      if (asked === undefined) return print(catalogue, () => catalogue.map(listed).join(""));
      const entry = catalogue.find(({ code, name }) => code === asked.toUpperCase() || name === asked);
      if (entry !== undefined) {
        const page = parsePage(packagePages.page(entry.code)!);
        return print({ ...page, severity: entry.severity }, () =>
          pageText(page, entry.severity, terminal.outPaint),
        );
      }
      const found = declarationsAsked(asked, terminal);
      if (format === "tex") return terminal.out(texOf(asked, found));
      const all = found.map(({ declaration, scope }) => explained(declaration, scope));
      return print(all, () => all.map((each) => declarationText(each, terminal.outPaint)).join("\n"));
    });
}

/** What `NAME` or `FILE.dml[:NAME]` asks for; ends the command where there is nothing. */
function declarationsAsked(asked: string, terminal: Terminal): Found[] {
  const [, file, name] = /^(.*\.dml)(?::(.*))?$/s.exec(asked) ?? [];
  if (file === undefined) {
    const { scope } = standardLibrary(nodeHost("."));
    const found = declarationsOf(asked, scope);
    if (found.length === 0) throw unknown(asked, explainableNames(scope));
    return found;
  }
  const diagnostics = new Diagnostics();
  const module = loadProgram(nodeHost(file), file, diagnostics);
  if (module === undefined) throw new CommandError(EXIT.usage, `cannot read ${file}`);
  if (diagnostics.hasErrors) throw report(diagnostics, terminal);
  const all = module.file.declarations.filter(({ kind }) => kind !== "Dataset" && kind !== "Model");
  const found = name === undefined ? all : all.filter((declaration) => declaration.name.text === name);
  if (found.length > 0) return found.map((declaration) => ({ declaration, scope: module.scope }));
  const suggestion =
    name === undefined
      ? undefined
      : closest(
          name,
          all.map((each) => each.name.text),
        );
  throw new CommandError(
    EXIT.usage,
    name === undefined ? `${file} declares nothing to explain` : `${file} declares no ${name}`,
    suggestion === undefined
      ? "What can be explained are losses, distances, similarities, miners and backbones."
      : `Did you mean ${suggestion}?`,
  );
}

/** The formulas alone, each a display of TeX; ends the command where there is none. */
function texOf(asked: string, found: readonly Found[]): string {
  const formulas = found
    .map(({ declaration }) => formulaToTex(declaration))
    .filter((lines) => lines.length > 0)
    .map((lines) => `${displayOf(lines)}\n`);
  if (formulas.length > 0) return formulas.join("\n");
  throw new CommandError(
    EXIT.usage,
    `${asked} has no formula`,
    "Losses, distances, similarities and miners have one.",
  );
}

function listed({ code, severity, name }: CatalogueEntry): string {
  return `${code}  ${severity.padEnd(7)}  ${name}\n`;
}

function unknown(asked: string, names: readonly string[]): CommandError {
  const isCode = /^dml\d*$/i.test(asked);
  const codes = catalogue.map(({ code }) => code);
  const suggestion = isCode
    ? closest(asked.toUpperCase(), codes)
    : closest(asked, [...names, ...catalogue.map(({ name }) => name)]);
  return new CommandError(
    EXIT.usage,
    isCode ? `there is no diagnostic ${asked}` : `nothing in the standard library is called ${asked}`,
    suggestion === undefined
      ? "`dmlc explain` lists the codes of diagnostics."
      : `Did you mean ${suggestion}?`,
  );
}
