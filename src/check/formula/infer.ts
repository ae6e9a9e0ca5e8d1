/**
 * The type of an expression in a formula: the one entry, and names; operators, indexing, calls and reductions have files
 * of their own. Every problem is reported once, and what is wrong is of unknown type, which fits everywhere.
 */
import { budgetExceeded } from "../../diagnostics/codes/check.ts";
import { unknownName } from "../../diagnostics/codes/resolve.ts";
import { closest } from "../../diagnostics/did_you_mean.ts";
import type { Expression, Name } from "../../syntax/ast.ts";
import { bool, number, unknown, type FormulaType } from "../../types/formula_type.ts";
import { budgets } from "../context.ts";
import { inferCall } from "./calls.ts";
import type { Environment, FormulaContext } from "./environment.ts";
import { expectBool, expectNumber, misfit } from "./expectations.ts";
import { inferIndex } from "./indexing.ts";
import { expandLet } from "./lets.ts";
import { inferBinary, inferIf } from "./operators.ts";
import { inferReduction } from "./reductions.ts";
import { inferSystem, isSystem } from "./systems.ts";

/** Deepest nesting of expressions, `if … else if …` chains included. */
const deepest = 1000;

export function infer(
  context: FormulaContext,
  expression: Expression,
  environment: Environment,
): FormulaType {
  if (context.exhausted) return unknown;
  if (++context.steps > budgets.formulaSteps || context.depth > deepest) {
    context.exhausted = true;
    context.diagnostics.report(budgetExceeded, expression.span, {
      what: "This formula is too large once its `let` functions are expanded",
      limit: context.depth > deepest ? `${deepest} levels deep` : `${budgets.formulaSteps} steps of checking`,
      help: "Split it into several losses, or nest fewer `let` functions.",
    });
    return unknown;
  }
  context.depth++;
  const type = inferOne(context, expression, environment);
  context.depth--;
  return type;
}

function inferOne(context: FormulaContext, expression: Expression, environment: Environment): FormulaType {
  switch (expression.kind) {
    case "Missing":
      return unknown;
    case "Number":
      if (expression.unit === undefined || expression.unit === "deg" || expression.unit === "rad")
        return number;
      misfit(
        context,
        expression.span,
        "A formula",
        { kind: "word" },
        "a number without a unit",
        "Units other than `deg` and `rad` belong to settings.",
      );
      return unknown;
    case "Bool":
      return bool;
    case "List":
      for (const item of expression.items)
        expectNumber(context, item, infer(context, item, environment), "A list");
      return { kind: "list" };
    case "Name":
      return nameType(context, expression, environment);
    case "Unary": {
      const type = infer(context, expression.operand, environment);
      if (expression.op === "not") {
        expectBool(context, expression.operand, type, "`not`");
        return bool;
      }
      if (type.kind === "tensor" && type.of === "number") return type;
      return expectNumber(context, expression.operand, type, "`-`") ? number : unknown;
    }
    case "Binary":
      return inferBinary(context, expression, environment);
    case "If":
      return inferIf(context, expression, environment);
    case "Call":
      return inferCall(context, expression, environment);
    case "Index":
      return inferIndex(context, expression, environment);
    case "Reduction":
      return isSystem(expression)
        ? inferSystem(context, expression, environment)
        : inferReduction(context, expression, environment);
    default:
      misfit(
        context,
        expression.span,
        "A formula",
        { kind: "word" },
        "numbers, vectors and conditions",
        undefined,
      );
      return unknown;
  }
}

function nameType(context: FormulaContext, name: Name, environment: Environment): FormulaType {
  const binding = environment.lookup(name.text);
  if (binding !== undefined) {
    context.used.add(binding);
    if (binding.kind === "value") return binding.type;
    if (binding.declaration.callable) return { kind: "function", name: name.text };
    return expandLet(context, binding, []);
  }
  const names = environment.names;
  const suggestion = closest(name.text, names);
  const isFunction =
    context.scope.lookup("function", name.text) ?? context.scope.lookup("measure", name.text);
  if (isFunction !== undefined && suggestion === undefined) return { kind: "function", name: name.text };
  if (context.unknownNames.has(name.text)) return unknown;
  context.unknownNames.add(name.text);
  const inLet = context.calls.length > 0 || context.generic;
  const ended = inLet ? undefined : context.endedIndices.get(name.text);
  context.diagnostics.report(
    unknownName,
    name.span,
    {
      name: name.text,
      expected: "name",
      because: inLet
        ? "A `let` sees only its own parameters, the loss's parameters, `param`s, earlier `let`s and the globals; indices of the place that calls it are given to it as arguments."
        : ended !== undefined
          ? `\`${name.text}\` is an index of the \`${ended}\` before, which has ended here: a reduction takes only the product to its right, as Σ does on paper.`
          : `The names in scope here are ${names
              .map((each) => `\`${each}\``)
              .sort()
              .join(", ")}.`,
      ...(suggestion === undefined ? {} : { suggestion }),
      ...(ended === undefined ? {} : { help: `Put all that \`${ended}\` is over in parentheses.` }),
    },
    context.calls.length > 0 ? { related: context.calls.slice(-1) } : {},
  );
  return unknown;
}
