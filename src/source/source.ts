/**
 * Source texts and places in them. Every stage from the lexer to the renderers speaks in `Span`s; only renderers and
 * the editor turn them into lines and columns. Pure.
 */

/** One source text. `path` is how it is named to people and compared; the host decides what it means. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
  /** Whether this file is part of the standard library (which alone may declare primitives). */
  readonly standard: boolean;
}

/** A half-open range of UTF-16 offsets in one file. */
export interface Span {
  readonly file: SourceFile;
  readonly start: number;
  readonly end: number;
}

/** 1-based line and column (UTF-16 units) of an offset. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

export function span(file: SourceFile, start: number, end: number): Span {
  return { file, start, end };
}

/** The smallest span that covers both; they must be of one file. */
export function join(first: Span, last: Span): Span {
  return { file: first.file, start: Math.min(first.start, last.start), end: Math.max(first.end, last.end) };
}

export function textOf(place: Span): string {
  return place.file.text.slice(place.start, place.end);
}

const lineStartsOf = new WeakMap<SourceFile, readonly number[]>();

/** Offsets at which lines start; LF, CR LF and CR end a line. */
export function lineStarts(file: SourceFile): readonly number[] {
  let starts = lineStartsOf.get(file);
  if (starts === undefined) {
    const found = [0];
    for (const match of file.text.matchAll(/\r\n|\n|\r/g)) found.push(match.index + match[0].length);
    starts = found;
    lineStartsOf.set(file, starts);
  }
  return starts;
}

/** Position of an offset, clamped to the text. */
export function position(file: SourceFile, offset: number): Position {
  const starts = lineStarts(file);
  const clamped = Math.max(0, Math.min(offset, file.text.length));
  let low = 0;
  let high = starts.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (starts[middle]! <= clamped) low = middle;
    else high = middle - 1;
  }
  return { line: low + 1, column: clamped - starts[low]! + 1 };
}
