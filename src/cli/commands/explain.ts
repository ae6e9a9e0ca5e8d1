/** `dmlc explain [CODE|NAME]`: the page of a diagnostic, or what a name of the standard library means. */
import { Command, Option } from "commander";
import { closest } from "../../diagnostics/did_you_mean.ts";
import { catalogue } from "../../diagnostics/explain/catalogue.ts";
import type { CatalogueEntry } from "../../diagnostics/explain/catalogue.ts";
import { parsePage } from "../../diagnostics/explain/page.ts";
import { explainableNames, explainName } from "../../explain/lookup.ts";
import { declarationText, pageText } from "../../explain/text.ts";
import { standardLibrary } from "../../resolve/modules.ts";
import { CommandError, EXIT } from "../exit.ts";
import { packagePages } from "../explain_pages.ts";
import { nodeHost } from "../host.ts";
import type { Terminal } from "../terminal.ts";

interface Options {
  readonly format: "text" | "json";
}

export function explainCommand(terminal: Terminal): Command {
  return new Command("explain")
    .description(
      "explain a diagnostic's code or a name of the standard library; without either, list the codes",
    )
    .argument("[CODE|NAME]", "DML0201, unknown-name, triplet, cosine, …")
    .addOption(new Option("--format <FORMAT>", "how to print").choices(["text", "json"]).default("text"))
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
      const { scope } = standardLibrary(nodeHost("."));
      const found = explainName(asked, scope);
      if (found.length === 0) throw unknown(asked, explainableNames(scope));
      print(found, () => found.map((each) => declarationText(each, terminal.outPaint)).join("\n"));
    });
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
