/**
 * Diagnostics for people: what is wrong, where in the source, why, and what to write instead. Used by every command
 * that reports on a spec. Pure; colours come in as functions.
 */
import { position } from "../../source/source.ts";
import type { SourceFile } from "../../source/source.ts";
import type { Diagnostic } from "../diagnostic.ts";
import { frame } from "./frame.ts";
import type { Mark } from "./frame.ts";
import { visible } from "./text.ts";

/** The part of a terminal's paint that the renderer needs. */
export type Painter = (style: "bold" | "dim" | "red" | "yellow" | "cyan", text: string) => string;

/** One diagnostic as lines, ending with a newline. */
export function renderPretty(diagnostic: Diagnostic, paint: Painter): string {
  const color = diagnostic.severity === "error" ? "red" : "yellow";
  const lines = [
    paint(color, paint("bold", `${diagnostic.severity}[${diagnostic.code}]`)) +
      paint("bold", `: ${visible(diagnostic.message)}`),
  ];
  const main: Mark = {
    span: diagnostic.span,
    main: true,
    ...(diagnostic.label === undefined ? {} : { label: diagnostic.label }),
  };
  const marks = [main, ...diagnostic.related.map((place): Mark => ({ ...place, main: false }))];
  const style = {
    gutter: (text: string) => paint("cyan", text),
    main: (text: string) => paint(color, text),
    other: (text: string) => paint("cyan", text),
  };
  for (const [file, own] of byFile(marks)) {
    const first = own.find((mark) => mark.main) ?? own[0]!;
    const { line, column } = position(file, first.span.start);
    lines.push(
      `  ${paint("cyan", "-->")} ${visible(file.path)}:${line}:${column}`,
      ...frame(file, own, style),
    );
  }
  lines.push(`  ${paint("dim", "why:")} ${visible(diagnostic.reason)}`);
  if (diagnostic.help !== undefined) lines.push(`  ${paint("bold", "help:")} ${visible(diagnostic.help)}`);
  return `${lines.join("\n")}\n`;
}

/** The marks of each file, the main one's first. */
function byFile(marks: readonly Mark[]): Map<SourceFile, Mark[]> {
  const files = new Map<SourceFile, Mark[]>();
  for (const mark of marks) {
    const own = files.get(mark.span.file);
    if (own === undefined) files.set(mark.span.file, [mark]);
    else own.push(mark);
  }
  return files;
}

/** `2 errors, 1 warning`, or `no problems`. */
export function summary(diagnostics: readonly Diagnostic[]): string {
  const parts = (["error", "warning"] as const).flatMap((severity) => {
    const count = diagnostics.filter((diagnostic) => diagnostic.severity === severity).length;
    return count === 0 ? [] : [`${count} ${severity}${count === 1 ? "" : "s"}`];
  });
  return parts.length === 0 ? "no problems" : parts.join(", ");
}
