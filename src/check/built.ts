/**
 * What of the language this version compiles, where the standard library's signatures and the grammar allow more. The
 * one place to extend when something is built. Data, and the one way to report the rest.
 */
import { notBuiltYet } from "../diagnostics/codes/check.ts";
import type { Diagnostics } from "../diagnostics/diagnostic.ts";
import { oneLine } from "../resolve/describe.ts";
import { textOf, type Span } from "../source/source.ts";
import type { Call } from "../syntax/ast.ts";

export const built = {
  source: new Set(["icon_sets", "folder"]),
  split: new Set(["zero_shot"]),
} as const;

/** Arguments of strategies that the language knows and no signature has yet. */
const unbuiltArguments: readonly string[] = ["inference"];
/** Values of arguments, likewise. */
const unbuiltValues: Readonly<Record<string, readonly string[]>> = { scale: ["gradient_norm"] };

/** Reports arguments of a strategy that cannot be compiled yet; whether there were any. */
export function reportUnbuiltArguments(call: Call, diagnostics: Diagnostics): boolean {
  let found = false;
  for (const { name, value } of call.arguments) {
    if (name === undefined) continue;
    const isValue = value.kind === "Name" && unbuiltValues[name.text]?.includes(value.text) === true;
    if (!isValue && !unbuiltArguments.includes(name.text)) continue;
    found = true;
    reportNotBuilt(
      `\`${name.text}: ${oneLine(textOf(value.span))}\``,
      isValue ? value.span : name.span,
      diagnostics,
    );
  }
  return found;
}

/** Reports that a thing is understood and cannot be compiled yet. */
export function reportNotBuilt(thing: string, span: Span, diagnostics: Diagnostics, help?: string): void {
  diagnostics.report(notBuiltYet, span, { thing, ...(help === undefined ? {} : { help }) });
}
