/**
 * Collects the syntax errors of one file, so that they come out in the order of the text and not of the passes, and so
 * that noise gives a bounded number of them. Used by `parse.ts`, filled by the passes.
 */
import * as codes from "../diagnostics/codes/text.ts";
import type { DiagnosticDefinition, Diagnostics, ReportOptions } from "../diagnostics/diagnostic.ts";
import type { Span } from "../source/source.ts";

/** The most syntax errors reported for one file. */
export const errorLimit = 20;

/** How many are kept for the sorting; beyond, what comes is not even looked at. */
const keptLimit = 1000;

export class SyntaxReport {
  private readonly found: { readonly place: Span; readonly send: (diagnostics: Diagnostics) => void }[] = [];

  report<Arguments>(
    definition: DiagnosticDefinition<Arguments>,
    place: Span,
    args: Arguments,
    options?: ReportOptions,
  ): void {
    if (this.found.length >= keptLimit) return;
    this.found.push({ place, send: (diagnostics) => diagnostics.report(definition, place, args, options) });
  }

  /** Passes the first errors of the text on, and says so if there are more. */
  sendTo(diagnostics: Diagnostics): void {
    const sorted = this.found.toSorted((a, b) => a.place.start - b.place.start);
    for (const { send } of sorted.slice(0, errorLimit)) send(diagnostics);
    const next = sorted[errorLimit];
    if (next !== undefined) diagnostics.report(codes.tooManyErrors, next.place, { limit: errorLimit });
  }
}
