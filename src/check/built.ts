/**
 * What of the language this version compiles, where the standard library's signatures and the grammar allow more. The
 * one place to extend when something is built. Data, and the one way to report the rest.
 */
import { notBuiltYet } from "../diagnostics/codes/check.ts";
import type { Diagnostics } from "../diagnostics/diagnostic.ts";
import type { Span } from "../source/source.ts";

export const built = {
  source: new Set(["icon_sets", "folder"]),
  split: new Set(["zero_shot"]),
} as const;

/** Reports that a thing is understood and cannot be compiled yet. */
export function reportNotBuilt(thing: string, span: Span, diagnostics: Diagnostics, help?: string): void {
  diagnostics.report(notBuiltYet, span, { thing, ...(help === undefined ? {} : { help }) });
}
