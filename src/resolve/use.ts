/**
 * Uses of declarations (`contrastive(margin: 0.5)`, the bare `batch_norm`) and what they mean by the kind their place
 * expects. Called by the binding law and by every check that meets a name. Pure.
 */
import {
  unexpectedBlock,
  unknownName,
  wrongArgumentType,
  wrongKindOfName,
} from "../diagnostics/codes/resolve.ts";
import type { Diagnostics } from "../diagnostics/diagnostic.ts";
import { closest } from "../diagnostics/did_you_mean.ts";
import { textOf } from "../source/source.ts";
import type { Call, Declaration, Expression, Name, Parameter } from "../syntax/ast.ts";
import { oneLine } from "./describe.ts";
import type { NameKind, Resolved, Scope } from "./scope.ts";

/** What arguments are bound to: a declaration's parameters, and where its defaults and bounds resolve. */
export interface Signature {
  readonly name: string;
  readonly parameters: readonly Parameter[];
  readonly scope: Scope;
}

/** `contrastive(margin: 0.5)` or the bare `contrastive`. */
export type Use = Call | Name;

export function calleeOf(use: Use): { readonly text: string; readonly span: Use["span"] } {
  return use.kind === "Name" ? use : use.callee;
}

/** The signature of anything that has parameters. */
export function signatureOf(resolved: {
  readonly declaration: Extract<Declaration, { parameters: readonly Parameter[] }>;
  readonly scope: Scope;
}): Signature {
  const { declaration, scope } = resolved;
  return { name: declaration.name.text, parameters: declaration.parameters, scope };
}

/**
 * What a name or call at a place that expects a `kind` means; reports a name that is unknown or of another kind.
 */
export function resolveUse<Kind extends NameKind>(
  kind: Kind,
  use: Use,
  scope: Scope,
  diagnostics: Diagnostics,
  noun: string = kind,
): Resolved<Kind> | undefined {
  const { text, span } = calleeOf(use);
  const found = scope.lookup(kind, text);
  if (found !== undefined) return found;
  const suggestion = closest(text, scope.names(kind));
  const extra = suggestion === undefined ? {} : { suggestion };
  const other = scope.kindsOf(text)[0];
  if (other !== undefined && suggestion === undefined)
    diagnostics.report(wrongKindOfName, span, { name: text, expected: noun, found: other, ...extra });
  else diagnostics.report(unknownName, span, { name: text, expected: noun, ...extra });
  return undefined;
}

/** The use an expression is, or `undefined` after saying that a `noun` belongs here. */
export function asUse(expression: Expression, noun: string, diagnostics: Diagnostics): Use | undefined {
  if (expression.kind === "Name" || expression.kind === "Call") return expression;
  if (expression.kind !== "Missing")
    diagnostics.report(wrongArgumentType, expression.span, {
      target: "This place",
      given: `\`${oneLine(textOf(expression.span))}\``,
      needed: noun,
    });
  return undefined;
}

export function refuseBlock(use: Use, diagnostics: Diagnostics): void {
  if (use.kind === "Call" && use.block !== undefined)
    diagnostics.report(unexpectedBlock, use.block.span, { callee: use.callee.text });
}
