/**
 * `on: LABEL` in formulas: which label of the data set a call speaks of. A label is named, or is a parameter of the type
 * `label`; whether the data set has it is known where a model uses the loss (`check/labels.ts`). Used by the files of
 * this folder only.
 */
import { textOf } from "../../source/source.ts";
import type { Call, Expression } from "../../syntax/ast.ts";
import { classesAxis, type Axis } from "../../types/axis.ts";
import type { Environment, FormulaContext } from "./environment.ts";
import { misfit } from "./expectations.ts";

/** A call without its `on: LABEL`, and the name of the label where it has one. */
export function withoutLabel(
  context: FormulaContext,
  call: Call,
  environment: Environment,
): { readonly rest: Call; readonly on?: string } {
  const on = call.arguments.find(({ name }) => name?.text === "on");
  if (on === undefined) return { rest: call };
  const rest = { ...call, arguments: call.arguments.filter((argument) => argument !== on) };
  const { value } = on;
  if (value.kind === "Name") {
    const binding = environment.lookup(value.text);
    if (binding?.kind === "value" && binding.type.kind === "label_name") context.used.add(binding);
    return { rest, on: value.text };
  }
  if (value.kind !== "Missing")
    misfit(
      context,
      value.span,
      "`on`",
      context.infer(context, value, environment),
      "the name of a label of the data set",
      "Write for example `on: coarse`.",
    );
  return { rest, on: textOf(value.span) };
}

/** The axis that `classes(on: coarse)` counts, for an expression of that form where the name is not hidden. */
export function classesCounted(
  context: FormulaContext,
  expression: Expression,
  environment: Environment,
): Axis | undefined {
  if (expression.kind !== "Call" || expression.callee.text !== "classes") return undefined;
  const { on } = withoutLabel(context, expression, environment);
  return context.axes.of(classesAxis(on), false);
}
