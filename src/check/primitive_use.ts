/**
 * Uses of primitives in settings (`zero_shot(train: 0.4)`, `cosine(warmup: 100 steps)`), resolved by the role their
 * setting expects and bound by the common law. Pure.
 */
import type { PrimitiveUse } from "../plan/plan.ts";
import { bindMatched } from "../resolve/bind.ts";
import { oneLine } from "../resolve/describe.ts";
import { matchArguments } from "../resolve/match.ts";
import type { Values } from "../resolve/values.ts";
import { asUse, calleeOf, refuseBlock, resolveUse, signatureOf, type Use } from "../resolve/use.ts";
import { textOf, type Span } from "../source/source.ts";
import type { Expression, PrimitiveKind } from "../syntax/ast.ts";
import type { CheckContext } from "./context.ts";

/** A setting's value as a use of a primitive of this role; `undefined` after reporting why it is none. */
export function primitiveUse(
  expression: Expression,
  role: PrimitiveKind,
  context: CheckContext,
  options: { readonly allowBlock?: boolean } = {},
): PrimitiveUse | undefined {
  const use = asUse(
    expression,
    `${role === "image" || role === "optimizer" ? "an" : "a"} ${role}`,
    context.diagnostics,
  );
  if (use === undefined) return undefined;
  const values = bindPrimitive(use, role, context, options);
  if (values === undefined) return undefined;
  return { name: calleeOf(use).text, values, span: use.span, text: oneLine(textOf(use.span)) };
}

function bindPrimitive(
  use: Use,
  role: PrimitiveKind,
  context: CheckContext,
  options: { readonly allowBlock?: boolean },
): Values | undefined {
  const { scope, diagnostics } = context;
  const resolved = resolveUse(role, use, scope, diagnostics);
  if (resolved === undefined) return undefined;
  if (options.allowBlock !== true) refuseBlock(use, diagnostics);
  const signature = signatureOf(resolved);
  const match = matchArguments(signature, use, diagnostics);
  return bindMatched(signature, match, scope, new Map(), diagnostics);
}

/** A primitive with all its defaults, for a setting that is absent. `place` is what messages point at. */
export function defaultUse(
  name: string,
  role: PrimitiveKind,
  place: Span,
  context: CheckContext,
): PrimitiveUse | undefined {
  const use = primitiveUse({ kind: "Name", span: place, text: name }, role, context);
  return use === undefined ? undefined : { ...use, text: `${name}()` };
}

/** A bound number of a primitive use, in the unit it was bound in. */
export function numberOf(use: PrimitiveUse, parameter: string): number | undefined {
  const value = use.values.get(parameter);
  return value?.kind === "number" ? value.value : undefined;
}
