/**
 * Diagnostics for programs: one object each, lines and columns 1-based, columns in UTF-16 units, ends exclusive. The
 * message carries the reason. Used by `dmlc check --format json`. Pure.
 */
import { position } from "../../source/source.ts";
import type { Diagnostic, Severity } from "../diagnostic.ts";

export interface JsonDiagnostic {
  readonly code: string;
  readonly severity: Severity;
  readonly message: string;
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly endLine: number;
  readonly endColumn: number;
  readonly help?: string;
}

export function toJson(diagnostic: Diagnostic): JsonDiagnostic {
  const { file } = diagnostic.span;
  const start = position(file, diagnostic.span.start);
  const end = position(file, diagnostic.span.end);
  return {
    code: diagnostic.code,
    severity: diagnostic.severity,
    message: `${diagnostic.message}. ${diagnostic.reason}`,
    file: file.path,
    line: start.line,
    column: start.column,
    endLine: end.line,
    endColumn: end.column,
    ...(diagnostic.help === undefined ? {} : { help: diagnostic.help }),
  };
}

/** An array, one diagnostic a line. */
export function renderJson(diagnostics: readonly Diagnostic[]): string {
  if (diagnostics.length === 0) return "[]\n";
  return `[\n${diagnostics.map((diagnostic) => `  ${escaped(JSON.stringify(toJson(diagnostic)))}`).join(",\n")}\n]\n`;
}

/** The same JSON with the characters that could hide or reorder others in a terminal written as escapes. Used for SARIF too. */
export function escaped(json: string): string {
  return json.replace(/[\p{Cf}\u007f-\u009f\u2028\u2029]/gu, (character) =>
    character.replace(/[^]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`),
  );
}
