/**
 * Calls of `let` functions: their bodies are checked anew for each list of argument types, and remembered. Used by the
 * files of this folder only.
 */
import { budgetExceeded } from "../../diagnostics/codes/check.ts";
import { wrongArity } from "../../diagnostics/codes/formula.ts";
import { unknownParameter } from "../../diagnostics/codes/resolve.ts";
import type { Call } from "../../syntax/ast.ts";
import { keyOf, unknown, type FormulaType } from "../../types/formula_type.ts";
import { argumentTypes, countOf, refuseNames } from "./arguments.ts";
import { axisNumbers, type Environment, type FormulaContext, type LetBinding } from "./environment.ts";

/** Deepest chain of `let` functions that call each other. */
const deepestCalls = 256;
const idOf = axisNumbers();

export function callLet(
  context: FormulaContext,
  call: Call,
  binding: LetBinding,
  environment: Environment,
): FormulaType {
  const { declaration } = binding;
  const on = call.arguments.find(({ name }) => name?.text === "on");
  if (on !== undefined && (call.callee.text === "same" || call.callee.text === "differs")) {
    context.diagnostics.report(unknownParameter, on.span, {
      name: "on",
      callee: call.callee.text,
      known: [],
      because: `\`${call.callee.text}\` is a \`let\` of this declaration, which hides the function that takes a label.`,
    });
    return unknown;
  }
  refuseNames(context, call);
  const types = argumentTypes(context, call, environment);
  const needed = declaration.parameters.length;
  if (types.length !== needed || !declaration.callable) {
    context.diagnostics.report(
      wrongArity,
      call.span,
      {
        what: `\`${declaration.name.text}\``,
        needed: declaration.callable ? countOf(needed) : "no arguments",
        given: types.length,
        ...(declaration.callable ? {} : { help: `Write \`${declaration.name.text}\` without parentheses.` }),
      },
      { related: [{ span: declaration.name.span, label: "declared here" }] },
    );
    return unknown;
  }
  return expandLet(context, binding, types, call);
}

/** The type of a `let`'s body with its parameters of these types; `call` is where it is called, if it is. */
export function expandLet(
  context: FormulaContext,
  binding: LetBinding,
  types: readonly FormulaType[],
  call?: Call,
): FormulaType {
  const { declaration } = binding;
  const key = types.map((type) => keyOf(type, idOf)).join(", ");
  const known = binding.known.get(key);
  if (known !== undefined) return known;
  if (context.calls.length >= deepestCalls) {
    if (!context.exhausted)
      context.diagnostics.report(budgetExceeded, call?.span ?? declaration.name.span, {
        what: "The `let` functions of this formula call each other too deeply",
        limit: `${deepestCalls} levels`,
        help: "Write some of them out.",
      });
    context.exhausted = true;
    return unknown;
  }
  const inner = binding.environment.with(
    declaration.parameters.map((parameter, place) => [
      parameter.text,
      {
        kind: "value",
        type: types[place] ?? unknown,
        what: `a parameter of \`${declaration.name.text}\``,
        constant: false,
      },
    ]),
  );
  if (call !== undefined) context.calls.push({ span: call.span, label: "in this call" });
  const type = context.infer(context, declaration.value, inner);
  if (call !== undefined) context.calls.pop();
  binding.known.set(key, type);
  return type;
}
