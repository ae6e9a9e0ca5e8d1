/**
 * What a diagnostic is, and how stages report one. Each code is defined once, in `codes/*.ts`, as a typed table: its
 * arguments are checked at compile time, and message, reason and remedy stand beside each other. Pure.
 */
import type { Span } from "../source/source.ts";

export type Severity = "error" | "warning";

/** One entry of the table: `define({ … })` keeps the argument type. */
export interface DiagnosticDefinition<Arguments> {
  /** `DML0101`; the first two digits are the stage. */
  readonly code: `DML${string}`;
  /** kebab-case, stable. */
  readonly name: string;
  readonly severity: Severity;
  /** What is wrong, one sentence without a full stop. */
  readonly message: (a: Arguments) => string;
  /** What was expected and why; a sentence or two. */
  readonly reason: (a: Arguments) => string;
  /** What to write instead. */
  readonly help: (a: Arguments) => string | undefined;
}

export interface RelatedPlace {
  readonly span: Span;
  /** What this place has to do with it, a short phrase. */
  readonly label: string;
}

export interface Diagnostic {
  readonly code: string;
  readonly name: string;
  readonly severity: Severity;
  readonly message: string;
  readonly reason: string;
  readonly help?: string;
  readonly span: Span;
  /** A short phrase for the marked characters themselves. */
  readonly label?: string;
  readonly related: readonly RelatedPlace[];
}

export function define<Arguments = Record<never, never>>(
  definition: DiagnosticDefinition<Arguments>,
): DiagnosticDefinition<Arguments> {
  return definition;
}

export interface ReportOptions {
  readonly label?: string;
  readonly related?: readonly RelatedPlace[];
}

/** Collects what the stages report, in order; the same code at the same place is kept once. */
export class Diagnostics {
  private readonly found: Diagnostic[] = [];
  private readonly seen = new Set<string>();

  report<Arguments>(
    definition: DiagnosticDefinition<Arguments>,
    span: Span,
    args: Arguments,
    options: ReportOptions = {},
  ): void {
    const help = definition.help(args);
    this.add({
      code: definition.code,
      name: definition.name,
      severity: definition.severity,
      message: definition.message(args),
      reason: definition.reason(args),
      ...(help === undefined ? {} : { help }),
      span,
      ...(options.label === undefined ? {} : { label: options.label }),
      related: options.related ?? [],
    });
  }

  /** Adds one that was reported elsewhere. */
  add(diagnostic: Diagnostic): void {
    const { code, span } = diagnostic;
    const key = `${code} ${span.file.path} ${span.start} ${span.end}`;
    if (this.seen.has(key)) return;
    this.seen.add(key);
    this.found.push(diagnostic);
  }

  get all(): readonly Diagnostic[] {
    return this.found;
  }

  get hasErrors(): boolean {
    return this.found.some((diagnostic) => diagnostic.severity === "error");
  }
}
