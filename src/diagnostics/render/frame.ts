/**
 * Code frames: the lines of source that a diagnostic speaks of, each with its marks and labels below. Used by the
 * pretty renderer. Pure.
 */
import { lineStarts, position } from "../../source/source.ts";
import type { SourceFile, Span } from "../../source/source.ts";
import { layOut, visible } from "./text.ts";

/** A place to mark; the main one with `^`, the others with `-`. */
export interface Mark {
  readonly span: Span;
  readonly label?: string;
  readonly main: boolean;
}

/** Styles a part of a frame. */
export interface FramePaint {
  readonly gutter: (text: string) => string;
  readonly main: (text: string) => string;
  readonly other: (text: string) => string;
}

/** Longest stretch of a line that is shown. */
const WINDOW = 120;

/** The frame of all marks of one file, line by line, without the file's name. */
export function frame(file: SourceFile, marks: readonly Mark[], paint: FramePaint): string[] {
  const byLine = new Map<number, Mark[]>();
  for (const mark of marks) {
    const { line } = position(file, mark.span.start);
    byLine.set(line, [...(byLine.get(line) ?? []), mark]);
  }
  const lines = [...byLine.keys()].sort((a, b) => a - b);
  const width = String(lines.at(-1)).length;
  const gutter = (text: string): string => paint.gutter(`${text.padStart(width)} |`);
  const out = [gutter("")];
  lines.forEach((line, position) => {
    if (position > 0 && line > lines[position - 1]! + 1) out.push(paint.gutter(`${" ".repeat(width)} ⋮`));
    const here = [...byLine.get(line)!].sort((a, b) => a.span.start - b.span.start);
    const shown = lineWith(file, line, here);
    out.push(`${gutter(String(line))} ${shown.text}`.trimEnd());
    for (const { mark, from, to } of shown.marks) {
      const underline = (mark.main ? "^" : "-").repeat(Math.max(to - from, 1));
      const label = mark.label === undefined ? "" : ` ${visible(mark.label)}`;
      out.push(
        `${gutter("")} ${" ".repeat(from)}${(mark.main ? paint.main : paint.other)(underline + label)}`,
      );
    }
  });
  return out;
}

interface ShownLine {
  readonly text: string;
  readonly marks: readonly { readonly mark: Mark; readonly from: number; readonly to: number }[];
}

/** One line, cut to a window about its first mark if it is long; a mark that goes on is drawn to the line's end. */
function lineWith(file: SourceFile, line: number, marks: readonly Mark[]): ShownLine {
  const starts = lineStarts(file);
  const start = starts[line - 1]!;
  const whole = file.text.slice(start, starts[line] ?? file.text.length).replace(/[\r\n]+$/, "");
  let from = 0;
  let source = whole;
  const before = WINDOW / 4;
  if (whole.length > WINDOW) {
    from = Math.min(Math.max(marks[0]!.span.start - start - before, 0), whole.length - WINDOW);
    source = whole.slice(from, from + WINDOW);
  }
  const left = from > 0 ? "…" : "";
  const right = from + source.length < whole.length ? "…" : "";
  const { text, columns } = layOut(source);
  const column = (offset: number): number =>
    left.length + columns[Math.max(0, Math.min(offset - start - from, source.length))]!;
  return {
    text: left + text + right,
    marks: marks.map((mark) => ({ mark, from: column(mark.span.start), to: column(mark.span.end) })),
  };
}
