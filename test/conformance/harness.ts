/**
 * Reads conformance pages: Markdown whose ```dml blocks are programs, with the diagnostics they must give written at the
 * ends of their lines:
 *
 *     learned(pull, rnk)   // error: DML0201
 *     b: arcface() on x()  // error: DML0130, DML0301   (two on one line)
 *     c: triplet()         // warning: DML0405
 *
 * A block without such comments must give none. Used by the tests of every stage that reports diagnostics.
 */
import { readFileSync } from "node:fs";
import type { Diagnostic, Severity } from "../../src/diagnostics/diagnostic.ts";
import { position, type SourceFile } from "../../src/source/source.ts";

export interface ExpectedDiagnostic {
  /** 1-based, in the block. */
  readonly line: number;
  readonly code: string;
  readonly severity: Severity;
}

export interface ConformanceBlock {
  /** The nearest heading above. */
  readonly heading: string;
  /** What follows the three backticks: `dml`, or a variant such as `dml-combine`. */
  readonly language: string;
  /** 1-based line of the block's first line in the page. */
  readonly line: number;
  readonly text: string;
  readonly expected: readonly ExpectedDiagnostic[];
}

/** The programs of a page, in order. */
export function conformanceBlocks(page: URL | string): ConformanceBlock[] {
  const blocks: ConformanceBlock[] = [];
  let heading = "";
  let open: { readonly language: string; readonly line: number; readonly text: string[] } | undefined;
  for (const [at, line] of readFileSync(page, "utf8").split("\n").entries()) {
    if (open === undefined) {
      heading = /^#+ +(.*)$/.exec(line)?.[1] ?? heading;
      const language = /^```(dml[\w-]*)$/.exec(line)?.[1];
      if (language !== undefined) open = { language, line: at + 2, text: [] };
    } else if (line === "```") {
      const text = `${open.text.join("\n")}\n`;
      blocks.push({ heading, language: open.language, line: open.line, text, expected: expectedIn(text) });
      open = undefined;
    } else open.text.push(line);
  }
  return blocks;
}

/** What the comments at the ends of lines ask for. */
export function expectedIn(text: string): ExpectedDiagnostic[] {
  const expected: ExpectedDiagnostic[] = [];
  for (const [at, line] of text.split("\n").entries()) {
    const match = /\/\/ (error|warning): (DML\d{4}(?:, DML\d{4})*)/.exec(line);
    if (match === null) continue;
    for (const code of match[2]!.split(", "))
      expected.push({ line: at + 1, code, severity: match[1] as Severity });
  }
  return expected;
}

/** What differs between the diagnostics found in a block and those it asks for, one text each; empty when they agree. */
export function differences(block: ConformanceBlock, found: readonly Diagnostic[]): string[] {
  const open = [...block.expected];
  const differing: string[] = [];
  for (const { code, severity, message, span } of found) {
    const { line } = position(span.file, span.start);
    const at = open.findIndex((one) => one.line === line && one.code === code && one.severity === severity);
    if (at >= 0) open.splice(at, 1);
    else differing.push(`unexpected ${severity} ${code} on line ${line}: ${message}`);
  }
  for (const { line, code, severity } of open) differing.push(`missing ${severity} ${code} on line ${line}`);
  return differing;
}

/** A block as a source file, named by its heading. */
export function sourceOf(block: ConformanceBlock): SourceFile {
  return { path: `${block.heading}.dml`, text: block.text, standard: false };
}
