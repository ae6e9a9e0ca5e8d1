/**
 * Diagnostics as workflow commands of GitHub Actions, which shows them beside the lines of a change: one `::error …` or
 * `::warning …` line each. Lines and columns 1-based, columns in UTF-16 units, ends exclusive. Used by
 * `dmlc check --format github`. Pure.
 */
import { position } from "../../source/source.ts";
import type { Diagnostic } from "../diagnostic.ts";
import { visible } from "./text.ts";

/** One line a diagnostic, each ending with a newline; empty for none. */
export function renderGithub(diagnostics: readonly Diagnostic[]): string {
  return diagnostics.map((diagnostic) => `${command(diagnostic)}\n`).join("");
}

function command(diagnostic: Diagnostic): string {
  const { span, severity, code, name, message, reason, help } = diagnostic;
  const start = position(span.file, span.start);
  const end = position(span.file, span.end);
  // GitHub takes columns only for a place within one line.
  const columns = start.line === end.line ? { col: start.column, endColumn: end.column } : {};
  const properties = {
    file: span.file.path.replaceAll("\\", "/"),
    line: start.line,
    endLine: end.line,
    ...columns,
    title: `${code} ${name}`,
  };
  const written = Object.entries(properties).map(([key, value]) => `${key}=${property(String(value))}`);
  const text = [`${visible(message)}.`, visible(reason), ...(help === undefined ? [] : [visible(help)])];
  return `::${severity} ${written.join(",")}::${data(text.join("\n"))}`;
}

/** What follows the second `::`: a line break or a per cent sign would end or change the command. */
function data(text: string): string {
  return text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

/** A value between `=` and `,`. */
function property(text: string): string {
  const encoded = text.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
  return visible(encoded).replaceAll(":", "%3A").replaceAll(",", "%2C");
}
