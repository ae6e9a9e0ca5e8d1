/**
 * What a place in a formula needs of an expression's type, and how a type that does not fit is reported: "It is … But X
 * needs …". Used by the files of this folder only.
 */
import { formulaType, twoAxes } from "../../diagnostics/codes/formula.ts";
import { textOf, type Span } from "../../source/source.ts";
import type { Expression } from "../../syntax/ast.ts";
import { classesAxis, describeAxis, startsWith, type Axis } from "../../types/axis.ts";
import { describe, isNumeric, type FormulaType } from "../../types/formula_type.ts";
import { callPlaces, type FormulaContext } from "./environment.ts";

/** Reports that a type does not fit, with a remedy where one can tell. */
export function misfit(
  context: FormulaContext,
  span: Span,
  where: string,
  type: FormulaType,
  needed: string,
  help: string | undefined = remedy(type, needed),
): void {
  context.diagnostics.report(
    formulaType,
    span,
    { where, given: describe(type), needed, ...(help === undefined ? {} : { help }) },
    callPlaces(context),
  );
}

/** Whether the expression can stand where a number is needed; reports it otherwise. A condition counts as 0 or 1. */
export function expectNumber(
  context: FormulaContext,
  expression: Expression,
  type: FormulaType,
  where: string,
): boolean {
  if (isNumeric(type)) return true;
  if (type.kind === "index") {
    const { name, numeric } = type.axis.resolved;
    if (name === undefined) {
      context.asNumbers.push({ axis: type.axis, span: expression.span, where });
      return true;
    }
    if (numeric) return true;
  }
  misfit(context, expression.span, where, type, "a number");
  return false;
}

/** Whether the expression is a condition; reports it otherwise. */
export function expectBool(
  context: FormulaContext,
  expression: Expression,
  type: FormulaType,
  where: string,
): boolean {
  if (type.kind === "bool" || type.kind === "unknown") return true;
  misfit(context, expression.span, where, type, "a condition");
  return false;
}

/** Makes the index run over an axis; reports an index that already runs over another. */
export function expectIndexOver(
  context: FormulaContext,
  expression: Expression,
  type: FormulaType,
  axis: Axis,
  where: string,
): boolean {
  if (type.kind === "unknown") return true;
  if (type.kind === "label") {
    if (axis.resolved.name === classesAxis(type.on)) return true;
    misfit(context, expression.span, where, type, `an index over ${describeAxis(axis)}`);
    return false;
  }
  if (type.kind === "number" && type.index !== undefined)
    return unifyAxes(context, expression.span, type.index, axis, `\`${textOf(expression.span)}\``);
  if (type.kind !== "index") {
    misfit(context, expression.span, where, type, `an index over ${describeAxis(axis)}`);
    return false;
  }
  if (startsWith(axis, type.axis)) return true;
  return unifyAxes(context, expression.span, type.axis, axis, `The index \`${textOf(expression.span)}\``);
}

/** Makes two axes one because of the use at `span`; reports two that are different. */
export function unifyAxes(
  context: FormulaContext,
  span: Span,
  before: Axis,
  now: Axis,
  what: string,
  help?: string,
): boolean {
  const because = before.because;
  if (before.unify(now, span)) return true;
  const places = callPlaces(context).related;
  context.diagnostics.report(
    twoAxes,
    span,
    {
      what,
      first: describeAxis(before),
      second: describeAxis(now),
      ...(help === undefined ? {} : { help }),
    },
    {
      label: `over ${describeAxis(now)}`,
      related:
        because === undefined
          ? places
          : [{ span: because, label: `over ${describeAxis(before)}` }, ...places],
    },
  );
  return false;
}

function remedy(type: FormulaType, needed: string): string | undefined {
  if (needed === "a number") {
    switch (type.kind) {
      case "tensor":
        if (type.of === "label") return "Index it: `y[i]` is the label of sample `i`.";
        return type.axes.length === 1
          ? "Take one component, `x[i, t]`, its `norm`, or a sum over its components, `sum[t] x[i, t]`."
          : "Index it: `x[i]` is the embedding of sample `i`, `x[i, t]` one of its components.";
      case "label":
        return "A label names a class: compare it with `==`, or index with it.";
      case "index":
        return "Only an index over a range of numbers (`in 0..n`) is a number.";
      case "function":
        return `Call it: \`${type.name}(…)\`.`;
      case "measure":
        return "Call it with two vectors.";
      default:
        return undefined;
    }
  }
  if (needed === "a condition" && type.kind === "number") return "Compare it: `… > 0`.";
  return undefined;
}
