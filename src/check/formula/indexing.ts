/**
 * Indexing in formulas: how many indices, over which axes, and the reduction that was meant where a misspelt one stands.
 * Used by `infer.ts`.
 */
import { unknownReduction, wrongArity } from "../../diagnostics/codes/formula.ts";
import { closest } from "../../diagnostics/did_you_mean.ts";
import { oneLine } from "../../resolve/describe.ts";
import { textOf } from "../../source/source.ts";
import type { Expression, Index } from "../../syntax/ast.ts";
import { callReductions, prefixReductions } from "../../syntax/operators.ts";
import { tensor, unknown, type FormulaType } from "../../types/formula_type.ts";
import type { Environment, FormulaContext } from "./environment.ts";
import { expectIndexOver, misfit } from "./expectations.ts";

/** `x[i]`, `w[k, c]`, `b[y[a]]`: each index runs over the axis at its place; what is left is a vector or a number. */
export function inferIndex(
  context: FormulaContext,
  expression: Index,
  environment: Environment,
): FormulaType {
  if (isMisspeltReduction(context, expression.target, environment)) return unknown;
  const target = context.infer(context, expression.target, environment);
  const types = expression.indices.map((index) => context.infer(context, index, environment));
  if (target.kind === "unknown") {
    for (const type of types) if (type.kind === "index") context.excused.push(type.axis);
    return unknown;
  }
  const written = oneLine(textOf(expression.target.span));
  if (target.kind !== "tensor") {
    const help =
      target.kind === "function" || target.kind === "measure"
        ? `Write \`${written}(${expression.indices.map((index) => oneLine(textOf(index.span))).join(", ")})\`.`
        : undefined;
    misfit(context, expression.target.span, "An index in brackets", target, "something with elements", help);
    return unknown;
  }
  if (types.length > target.axes.length) {
    context.diagnostics.report(wrongArity, expression.span, {
      what: `\`${written}\``,
      needed: target.axes.length === 1 ? "one index" : `at most ${target.axes.length} indices`,
      given: types.length,
    });
    return unknown;
  }
  let sound = true;
  for (const [place, type] of types.entries()) {
    const fits = expectIndexOver(
      context,
      expression.indices[place]!,
      type,
      target.axes[place]!,
      `\`${written}[…]\``,
    );
    sound = sound && fits;
  }
  return sound ? tensor(target.axes.slice(types.length), target.of) : unknown;
}

/** Reports `sm[j] …` as the reduction it was probably meant to be; what stands in its brackets binds names then. */
function isMisspeltReduction(context: FormulaContext, target: Expression, environment: Environment): boolean {
  if (target.kind !== "Name" || environment.lookup(target.text) !== undefined) return false;
  const suggestion = closest(target.text, environment.names) ?? closest(target.text, reductions);
  if (suggestion === undefined || !reductions.includes(suggestion)) return false;
  context.diagnostics.report(unknownReduction, target.span, { name: target.text, suggestion });
  return true;
}

/** The words that make a bracket bind indices. */
const reductions: readonly string[] = [...prefixReductions, ...callReductions];
