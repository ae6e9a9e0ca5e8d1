/**
 * The law of `distance` and `similarity` declarations: a number made of two vectors of one kind.
 */
import type { MeasureDeclaration } from "../../syntax/ast.ts";
import { number, tensor } from "../../types/formula_type.ts";
import type { CheckContext } from "../context.ts";
import { Formula } from "../formula/declaration.ts";
import { expectNumber } from "../formula/expectations.ts";

export function checkMeasureDeclaration(declaration: MeasureDeclaration, context: CheckContext): void {
  const formula = new Formula(declaration, context);
  const { operands, polarity } = declaration;
  formula.global("dim", number, "the number of components", formula.axis("dim"));
  const vector = tensor([formula.axis("dim")]);
  for (const operand of operands)
    formula.declare(operand, "operand", {
      kind: "value",
      type: vector,
      what: "a vector of this measure",
      constant: false,
    });
  formula.parameters(declaration.parameters);
  expectNumber(
    formula.context,
    declaration.body,
    formula.infer(declaration.body),
    `The value of a ${polarity}`,
  );
  formula.finish();
}
