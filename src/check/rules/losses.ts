/**
 * The law of `loss` declarations, used or not: header, statements and formula (language.md, "A loss is its formula").
 */
import { duplicateFormulaName, malformedDeclaration } from "../../diagnostics/codes/formula.ts";
import type { LossDeclaration } from "../../syntax/ast.ts";
import { tensor } from "../../types/formula_type.ts";
import type { CheckContext } from "../context.ts";
import { addGlobals, expectOneOf, Formula } from "../formula/declaration.ts";
import { expectNumber } from "../formula/expectations.ts";
import { checkLossBudgets } from "./loss_budgets.ts";

export function checkLossDeclaration(declaration: LossDeclaration, context: CheckContext): void {
  const formula = new Formula(declaration, context);
  addGlobals(formula);
  const embeddings = tensor([formula.axis("batch"), formula.axis("dim")]);
  const views = declaration.views?.map((view) => view.text) ?? ["x"];
  for (const view of new Set(views)) formula.global(view, embeddings, "the embeddings of the batch");
  if (new Set(views).size < views.length)
    context.diagnostics.report(duplicateFormulaName, declaration.views!.at(-1)!.span, {
      name: declaration.views!.at(-1)!.text,
      first: "a view of this loss",
    });
  formula.parameters(declaration.parameters);
  checkHeader(declaration, views, context);
  for (const statement of declaration.statements)
    switch (statement.kind) {
      case "Let":
        formula.let(statement);
        break;
      case "Param":
        formula.param(statement);
        break;
      case "State":
        formula.state(statement);
        break;
      case "Assignment":
        // The parser has refused it.
        break;
    }
  expectNumber(formula.context, declaration.body, formula.infer(declaration.body), "The value of a loss");
  checkLossBudgets(declaration, formula.context.constants, undefined, context);
  formula.finish();
}

/** `: real in [0, 1]` and `assumes unit(x)`. */
function checkHeader(declaration: LossDeclaration, views: readonly string[], context: CheckContext): void {
  const { diagnostics } = context;
  const { result } = declaration;
  if (
    result !== undefined &&
    result.name.text !== "" &&
    (result.name.text !== "real" || result.axes !== undefined)
  )
    diagnostics.report(malformedDeclaration, result.span, {
      what: "The value of a loss is a real number",
      why: "What a header may add is its range.",
      help: "Write for example `: real in [0, 1]`.",
    });
  for (const assumption of declaration.assumes) {
    if (assumption.kind === "Missing") continue;
    const [argument, ...others] = assumption.kind === "Call" ? assumption.arguments : [];
    if (assumption.kind !== "Call" || argument?.value.kind !== "Name" || others.length > 0) {
      diagnostics.report(malformedDeclaration, assumption.span, {
        what: "This is no assumption about embeddings",
        why: "A loss may assume that its embeddings have unit length, or that they are free to have any.",
        help: `Write \`assumes unit(${views[0]})\` or \`assumes free(${views[0]})\`.`,
      });
      continue;
    }
    const view = { kind: "Identifier" as const, text: argument.value.text, span: argument.value.span };
    expectOneOf(assumption.callee, ["unit", "free"], "assumption", diagnostics);
    expectOneOf(view, views, "view of this loss", diagnostics);
  }
}
