/**
 * First values and settings of trained parameters: `kaiming_normal() { lr: 1e-2, train: true }`. Used by
 * `declaration.ts`.
 */
import { unknownSetting } from "../../diagnostics/codes/check.ts";
import { Diagnostics } from "../../diagnostics/diagnostic.ts";
import { closest } from "../../diagnostics/did_you_mean.ts";
import { bindMatched } from "../../resolve/bind.ts";
import { evaluateConstant } from "../../resolve/evaluate.ts";
import { fit } from "../../resolve/fit.ts";
import { matchArguments } from "../../resolve/match.ts";
import { asUse, refuseBlock, resolveUse, signatureOf } from "../../resolve/use.ts";
import type { Value } from "../../resolve/values.ts";
import type { Expression, Identifier, TypeExpression } from "../../syntax/ast.ts";
import { uniqueEntries } from "../settings.ts";
import type { Environment, FormulaContext } from "./environment.ts";
import { misfit } from "./expectations.ts";
import { mentionsOnly } from "./measures.ts";

/** Settings of a `param`: an absolute learning rate, and whether it is trained. */
const settingTypes: Readonly<Record<string, "real" | "bool">> = { lr: "real", train: "bool" };

const zeroAt = (name: Identifier): Expression => ({
  kind: "Number",
  span: { ...name.span, start: name.span.start, end: name.span.start },
  value: 0,
  integer: true,
});

/** `kaiming_normal() { lr: 1e-2, train: true }`; what is not `trained`, a state, has no such settings. */
export function checkInitializer(
  context: FormulaContext,
  expression: Expression,
  environment: Environment,
  trained = true,
): void {
  const use = asUse(expression, "an initializer", context.diagnostics);
  if (use === undefined) return;
  const resolved = resolveUse("initializer", use, context.scope, context.diagnostics);
  const list = use.kind === "Call" ? use.arguments : [];
  const known = list.map((each) => mentionsOnly(context, each.value, environment)).every(Boolean);
  if (resolved !== undefined) {
    const signature = signatureOf(resolved);
    const match = matchArguments(signature, use, context.diagnostics);
    const speaker = known ? context.diagnostics : new Diagnostics();
    bindMatched(signature, match, context.scope, context.constants, speaker);
  }
  const settings = use.kind === "Call" ? use.block : undefined;
  if (!trained) {
    refuseBlock(use, context.diagnostics);
    return;
  }
  for (const entry of uniqueEntries(settings, "settings", context.diagnostics))
    paramSetting(context, entry.name, entry.value, environment);
}

function paramSetting(
  context: FormulaContext,
  name: Identifier,
  value: Expression | undefined,
  environment: Environment,
): void {
  const real = settingTypes[name.text];
  if (real === undefined) {
    const suggestion = closest(name.text, Object.keys(settingTypes));
    context.diagnostics.report(unknownSetting, name.span, {
      name: name.text,
      where: "A `param`",
      known: Object.keys(settingTypes),
      ...(suggestion === undefined ? {} : { suggestion }),
    });
    return;
  }
  if (value === undefined) {
    misfit(
      context,
      name.span,
      `\`${name.text}\``,
      { kind: "word" },
      real === "bool" ? "`true` or `false`" : "a number",
      undefined,
    );
    return;
  }
  if (!mentionsOnly(context, value, environment)) return;
  const found: Value | undefined = evaluateConstant(value, context.constants, context.diagnostics);
  const type: TypeExpression = {
    kind: "Type",
    span: name.span,
    name: { kind: "Identifier", text: real, span: name.span },
    words: [],
    refinements: real === "real" ? [{ kind: "Bound", span: name.span, op: ">", value: zeroAt(name) }] : [],
    rest: false,
  };
  if (found !== undefined)
    fit(found, type, value.span, { name: `\`${name.text}\`` }, new Map(), context.diagnostics);
}
