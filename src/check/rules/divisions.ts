/**
 * The law that a formula does not divide by a written 0, used or not: `x / 0`, `x / (2 - 2)`, `0 ^ -1`. Divisors that
 * become 0 by the arguments of a use are found when the losses of a model are lowered. Pure.
 */
import { divisionByZero } from "../../diagnostics/codes/formula.ts";
import { Diagnostics } from "../../diagnostics/diagnostic.ts";
import { oneLine } from "../../resolve/describe.ts";
import { evaluateConstant } from "../../resolve/evaluate.ts";
import { textOf } from "../../source/source.ts";
import type { Binary, Declaration, Expression } from "../../syntax/ast.ts";
import { walk } from "../../syntax/traverse.ts";
import type { CheckContext } from "../context.ts";

export function checkDivisions(declaration: Declaration, { diagnostics }: CheckContext): void {
  walk(declaration, {
    enter: (node) => {
      if (node.kind === "Binary" && dividesByZero(node))
        diagnostics.report(divisionByZero, node.span, { formula: oneLine(textOf(node.span)) });
    },
  });
}

function dividesByZero({ op, left, right }: Binary): boolean {
  if (op === "/") return written(right) === 0;
  return op === "^" && written(left) === 0 && (written(right) ?? 0) < 0;
}

/** The number that an expression without names is; undefined where it has names, or is none. */
function written(expression: Expression): number | undefined {
  const value = evaluateConstant(expression, new Map(), new Diagnostics());
  return value?.kind === "number" ? value.value : undefined;
}
