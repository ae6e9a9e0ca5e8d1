/**
 * What a call in a formula calls: a `let` function, an argument that is a measure or a loss, a measure, or a function of
 * the standard library, in this order. Used by `infer.ts`.
 */
import { unexpectedBlock, unknownName, wrongKindOfName } from "../../diagnostics/codes/resolve.ts";
import { closest } from "../../diagnostics/did_you_mean.ts";
import { oneLine } from "../../resolve/describe.ts";
import { textOf } from "../../source/source.ts";
import type { Call } from "../../syntax/ast.ts";
import { unknown, type FormulaType } from "../../types/formula_type.ts";
import { argumentTypes } from "./arguments.ts";
import type { Binding, Environment, FormulaContext } from "./environment.ts";
import { misfit } from "./expectations.ts";
import { callFunction } from "./functions.ts";
import { callLet } from "./lets.ts";
import { callBound, callMeasure } from "./measures.ts";

export function inferCall(context: FormulaContext, call: Call, environment: Environment): FormulaType {
  const name = call.callee.text;
  if (call.block !== undefined)
    context.diagnostics.report(unexpectedBlock, call.block.span, { callee: name });
  const binding = environment.lookup(name);
  if (binding !== undefined) {
    context.used.add(binding);
    if (binding.kind === "let") return callLet(context, call, binding, environment);
    const bound = callBound(context, call, binding.type, environment);
    if (bound !== undefined) return bound;
  }
  const measure = context.scope.lookup("measure", name);
  if (measure !== undefined) return callMeasure(context, call, measure, environment);
  const primitive = context.scope.lookup("function", name);
  if (primitive !== undefined) return callFunction(context, call, primitive, environment);
  argumentTypes(context, call, environment);
  if (binding?.kind === "value") {
    if (binding.type.kind !== "unknown")
      misfit(context, call.callee.span, "A call", binding.type, "a function", callHelp(call, binding.type));
    return unknown;
  }
  const candidates = [
    ...environment.names.filter((each) => isCallable(environment.lookup(each))),
    ...context.scope.names("measure"),
    ...context.scope.names("function"),
  ];
  const suggestion = closest(name, candidates);
  const other = context.scope.kindsOf(name)[0];
  if (other !== undefined && suggestion === undefined)
    context.diagnostics.report(wrongKindOfName, call.callee.span, {
      name,
      expected: "function",
      found: other,
    });
  else
    context.diagnostics.report(unknownName, call.callee.span, {
      name,
      expected: "function",
      because:
        "A formula calls its own `let` functions above, distances and similarities, and the functions of the standard library.",
      ...(suggestion === undefined ? {} : { suggestion }),
    });
  return unknown;
}

const isCallable = (binding: Binding | undefined): boolean =>
  binding?.kind === "let"
    ? binding.declaration.callable
    : binding?.type.kind === "measure" || binding?.type.kind === "loss";

const callHelp = (call: Call, type: FormulaType): string | undefined =>
  type.kind === "tensor"
    ? `Write \`${call.callee.text}[${call.arguments.map((each) => oneLine(textOf(each.span))).join(", ")}]\`.`
    : undefined;
