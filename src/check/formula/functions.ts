/**
 * Calls of the standard library's functions, by their declared types: `real`, `vector`, `tensor`, `index`. Used by
 * `calls.ts`.
 */
import { wrongArity } from "../../diagnostics/codes/formula.ts";
import { oneLine } from "../../resolve/describe.ts";
import type { Resolved } from "../../resolve/scope.ts";
import { textOf } from "../../source/source.ts";
import type { Call, Expression, Parameter } from "../../syntax/ast.ts";
import { bool, describe, number, unknown, type FormulaType } from "../../types/formula_type.ts";
import { namesJoined } from "../../types/axis.ts";
import { argumentTypes, countOf, refuseNames } from "./arguments.ts";
import type { Environment, FormulaContext } from "./environment.ts";
import { withoutLabel } from "./labels.ts";
import { expectIndexOver, expectNumber, misfit, unifyAxes } from "./expectations.ts";

export function callFunction(
  context: FormulaContext,
  written: Call,
  resolved: Resolved<"function">,
  environment: Environment,
): FormulaType {
  const { declaration } = resolved;
  const byLabel = declaration.parameters.some(isLabel);
  const { rest: call, on } = byLabel ? withoutLabel(context, written, environment) : { rest: written };
  refuseNames(context, call);
  const types = argumentTypes(context, call, environment);
  const parameters = declaration.parameters.filter((parameter) => !isLabel(parameter));
  const needed = parameters.length;
  if (types.length !== needed) {
    context.diagnostics.report(wrongArity, call.span, {
      what: `\`${call.callee.text}\``,
      needed: countOf(needed),
      given: types.length,
    });
    return resultOf(declaration.result?.name.text, [], call, context);
  }
  const sound = parameters.map((parameter, place) =>
    expectArgument(context, call, parameter, call.arguments[place]!.value, types[place]!),
  );
  const whole = sound.every(Boolean);
  if (declaration.result?.name.text === "label")
    return whole ? { kind: "label", ...(on === undefined ? {} : { on }) } : unknown;
  return resultOf(declaration.result?.name.text, whole ? types : [], call, context);
}

/** A label may be left out: then it is the class. */
const isLabel = ({ type }: Parameter): boolean => type.name.text === "label";

function expectArgument(
  context: FormulaContext,
  call: Call,
  parameter: Parameter,
  argument: Expression,
  type: FormulaType,
): boolean {
  const where = `\`${call.callee.text}\``;
  switch (parameter.type.name.text) {
    case "tensor":
      if (type.kind === "tensor") return true;
      return expectNumber(context, argument, type, where);
    case "vector":
      if (type.kind === "unknown" || (type.kind === "tensor" && type.of === "number")) return true;
      misfit(
        context,
        argument.span,
        where,
        type,
        "a vector",
        type.kind === "index" ? `Write \`x[${oneLine(textOf(argument.span))}]\`.` : undefined,
      );
      return false;
    case "index":
      // Of the functions, only those that compare samples take an index.
      return expectIndexOver(context, argument, type, context.axes.of("batch", false), where);
    default:
      return expectNumber(context, argument, type, where);
  }
}

/** The type of a function's value; no argument types where they did not fit. */
function resultOf(
  result: string | undefined,
  types: readonly FormulaType[],
  call: Call,
  context: FormulaContext,
): FormulaType {
  switch (result) {
    case "bool":
      return bool;
    case "tensor":
      return types[0] ?? unknown;
    case "rows":
      return joined(context, call, types);
    case "vector": {
      const [vector, ...others] = types;
      if (vector?.kind !== "tensor") return unknown;
      // With a size, other components are left than went in: as many wherever the size is written the same.
      if (others.length === 0) return vector;
      const size = oneLine(textOf(call.arguments[1]!.value.span));
      const left = context.axes.of(`the first ${size} of dim`, false);
      return { ...vector, axes: [...vector.axes.slice(0, -1), left] };
    }
    default: {
      const [vector] = types;
      // The length of each row of a table is no number.
      return vector?.kind === "tensor" && vector.axes.length > 1
        ? { ...vector, axes: vector.axes.slice(0, -1) }
        : number;
    }
  }
}

/** The rows of one table and behind them those of another, whose other sides are the same. */
function joined(context: FormulaContext, call: Call, types: readonly FormulaType[]): FormulaType {
  const [first, second] = types;
  if (first?.kind !== "tensor" || second?.kind !== "tensor") return unknown;
  const place = call.arguments[1]!.value;
  if (first.axes.length !== second.axes.length) {
    misfit(context, place.span, `\`${call.callee.text}\``, second, `${describe(first)}, as before it`);
    return unknown;
  }
  const alike = first.axes.every(
    (axis, side) =>
      side === 0 || unifyAxes(context, place.span, axis, second.axes[side]!, "What a row runs over"),
  );
  const name = namesJoined(first.axes[0]!, second.axes[0]!);
  if (!alike || name === undefined) return unknown;
  return { ...first, axes: [context.axes.of(name, true), ...first.axes.slice(1)] };
}
