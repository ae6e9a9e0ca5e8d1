/**
 * What all calls in formulas share: the types of their arguments, and that names belong to settings. Used by the files of
 * this folder only.
 */
import { unknownParameter } from "../../diagnostics/codes/resolve.ts";
import type { Call } from "../../syntax/ast.ts";
import type { FormulaType } from "../../types/formula_type.ts";
import type { Environment, FormulaContext } from "./environment.ts";

export function argumentTypes(context: FormulaContext, call: Call, environment: Environment): FormulaType[] {
  return call.arguments.map((argument) => context.infer(context, argument.value, environment));
}

/** Refuses names on the arguments of what takes them by position. */
export function refuseNames(context: FormulaContext, call: Call): void {
  for (const { name } of call.arguments)
    if (name !== undefined)
      context.diagnostics.report(unknownParameter, name.span, {
        name: name.text,
        callee: call.callee.text,
        known: [],
        because: `The arguments of \`${call.callee.text}\` go by position.`,
      });
}

/** "no arguments", "2 arguments" */
export const countOf = (count: number): string =>
  count === 0 ? "no arguments" : count === 1 ? "one argument" : `${count} arguments`;
