/** Declarations and pages of diagnostics as text for a terminal. Used by `dmlc explain`. Pure; styles come in. */
import type { ExplainPage, ExampleFile } from "../diagnostics/explain/page.ts";
import { SIZES } from "./facts.ts";
import type { Explained } from "./lookup.ts";

/** The part of a terminal's paint that is needed here. */
export type Painter = (style: "bold" | "dim" | "cyan", text: string) => string;

/** One declaration, ending with a newline. */
export function declarationText(declaration: Explained, paint: Painter): string {
  const { kind, name, parameters, documentation, formula, facts, file, line } = declaration;
  const parts = [
    `${paint("bold", `${kind} ${name}`)}  ${paint("dim", `${file}:${line}`)}`,
    ...(documentation === "" ? [] : [documentation]),
    `  ${paint("cyan", declaration.signature)}`,
    ...(parameters.length === 0
      ? []
      : [`${paint("bold", "Parameters")}\n${table(parameters.map(row)).map(indented).join("\n")}`]),
    ...(formula.length === 0 ? [] : [`${paint("bold", "Formula")}\n${formula.map(indented).join("\n")}`]),
    ...(facts.length === 0 ? [] : [`${paint("bold", "Known to the compiler")}\n${factLines(facts)}`]),
  ];
  return `${parts.join("\n\n")}\n`;
}

/** The facts as a table, and what the letters of the costs are. */
function factLines(facts: Explained["facts"]): string {
  const rows = table(facts.map(({ name, text }) => [name, text]));
  const costs = facts.some(({ name }) => name === "Memory") ? [SIZES] : [];
  return [...rows, ...costs].map(indented).join("\n");
}

const indented = (line: string): string => `  ${line}`;

function row(parameter: Explained["parameters"][number]): string[] {
  const { name, type, default: value } = parameter;
  return [name, type, value === undefined ? "must be given" : `default ${value}`];
}

/** Rows with their columns aligned. */
function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((cells) => cells[column]!.length))) ?? [];
  return rows.map((cells) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column]! + 2))
      .join("")
      .trimEnd(),
  );
}

/** A diagnostic's page, ending with a newline. */
export function pageText(page: ExplainPage, severity: string, paint: Painter): string {
  const example = (title: string, files: readonly ExampleFile[]): string =>
    `${paint("bold", title)}\n\n${files.map(({ text }) => text.trimEnd().split("\n").map(indented).join("\n")).join("\n\n")}`;
  const parts = [
    `${paint("bold", `${page.code}: ${page.name}`)} (${severity})`,
    page.what,
    `${paint("bold", "Why")}\n\n${page.why}`,
    example("Wrong", page.wrong),
    example("Right", page.right),
  ];
  return `${parts.join("\n\n")}\n`;
}
