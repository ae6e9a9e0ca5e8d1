/**
 * Arguments that are names of something other than a constant: words of a choice, metrics, and what is said of a
 * measure of the wrong polarity. Called by `bind.ts` only. Pure.
 */
import { wrongArgumentType, wrongPolarity } from "../diagnostics/codes/resolve.ts";
import type { Diagnostics } from "../diagnostics/diagnostic.ts";
import { closest } from "../diagnostics/did_you_mean.ts";
import { textOf, type Span } from "../source/source.ts";
import type { Expression, TypeExpression } from "../syntax/ast.ts";
import { describeType, oneLine } from "./describe.ts";
import type { Target } from "./fit.ts";
import type { Scope } from "./scope.ts";
import { asUse, calleeOf, resolveUse } from "./use.ts";
import type { MeasureValue, Value, Values } from "./values.ts";

/** A name as one of the words of a `word(…)` type. */
export function wordFor(
  expression: Expression,
  type: TypeExpression,
  target: Target,
  diagnostics: Diagnostics,
): Value | undefined {
  const words = type.words.map((word) => word.text);
  if (expression.kind === "Name" && words.includes(expression.text))
    return { kind: "word", value: expression.text };
  const suggestion = expression.kind === "Name" ? closest(expression.text, words) : undefined;
  diagnostics.report(
    wrongArgumentType,
    expression.span,
    {
      target: target.name,
      given: `\`${oneLine(textOf(expression.span))}\``,
      needed: describeType(type),
      ...(suggestion === undefined ? {} : { help: `Did you mean \`${suggestion}\`?` }),
    },
    target.declared === undefined ? {} : { related: [target.declared] },
  );
  return undefined;
}

/** A name as a label of the data set, or as a parameter of the use's place that is one. */
export function labelFor(
  expression: Expression,
  environment: Values,
  target: Target,
  diagnostics: Diagnostics,
): Value | undefined {
  if (expression.kind === "Name") {
    const passed = environment.get(expression.text);
    return passed?.kind === "label" ? passed : { kind: "label", name: expression.text };
  }
  diagnostics.report(
    wrongArgumentType,
    expression.span,
    {
      target: target.name,
      given: `\`${oneLine(textOf(expression.span))}\``,
      needed: "the name of a label of the data set",
      help: "Write for example `coarse`, a name of the data set's `labels`.",
    },
    target.declared === undefined ? {} : { related: [target.declared] },
  );
  return undefined;
}

/** How the heads are weighed at inference: `equal`, `sqrt_weights` or `fit(validation)`, as a word. */
export function inferenceFor(
  expression: Expression,
  target: Target,
  diagnostics: Diagnostics,
): Value | undefined {
  const written = oneLine(textOf(expression.span)).replaceAll(" ", "");
  if (INFERENCES.includes(written)) return { kind: "word", value: written };
  const suggestion = /^fit\b/.test(written) ? INFERENCES[2] : closest(written, INFERENCES);
  diagnostics.report(
    wrongArgumentType,
    expression.span,
    {
      target: target.name,
      given: `\`${oneLine(textOf(expression.span))}\``,
      needed: `one of ${INFERENCES.map((each) => `\`${each}\``).join(", ")}`,
      ...(suggestion === undefined ? {} : { help: `Did you mean \`${suggestion}\`?` }),
    },
    target.declared === undefined ? {} : { related: [target.declared] },
  );
  return undefined;
}

const INFERENCES: readonly string[] = ["equal", "sqrt_weights", "fit(validation)"];

/** A metric by name. One that is measured at several K is named with its K, as the report names it: `recall_at_1`. */
export function metricFor(expression: Expression, scope: Scope, diagnostics: Diagnostics): Value | undefined {
  const use = asUse(expression, "a metric", diagnostics);
  if (use === undefined) return undefined;
  const { text, span } = calleeOf(use);
  const isList = (name: string): boolean =>
    scope.lookup("metric", name)?.declaration.parameters.some((each) => each.type.axes?.length === 0) ??
    false;
  const atK = /^(.+)_(\d+)$/.exec(text);
  if (atK !== null && isList(atK[1]!)) return { kind: "word", value: text };
  if (resolveUse("metric", use, scope, diagnostics) === undefined) return undefined;
  if (isList(text)) {
    diagnostics.report(wrongArgumentType, span, {
      target: "This place",
      given: `\`${text}\`, which is measured at several K`,
      needed: "one number to compare",
      help: `Write \`${text}_1\`.`,
    });
    return undefined;
  }
  return { kind: "word", value: text };
}

/** Says that a measure has the other polarity, and which measure was probably meant. */
export function reportPolarity(
  value: MeasureValue,
  expected: "distance" | "similarity",
  span: Span,
  scope: Scope,
  target: Target,
  diagnostics: Diagnostics,
): void {
  const name = value.declaration.name.text;
  const counterpart = scope
    .names("measure")
    .filter((each) => scope.lookup("measure", each)?.declaration.polarity === expected)
    .find((each) => each === `${name}_${expected}` || `${each}_${value.declaration.polarity}` === name);
  diagnostics.report(
    wrongPolarity,
    span,
    {
      name,
      found: value.declaration.polarity,
      expected,
      target: target.name,
      ...(counterpart === undefined ? {} : { suggestion: counterpart }),
    },
    target.declared === undefined ? {} : { related: [target.declared] },
  );
}
