/**
 * The law that a formula stays within bounds once its parameters have values: numeric domains (`0..1e9`) and tables of
 * trained parameters. Held for a declaration with its defaults and for every use. Pure.
 */
import { budgetExceeded } from "../../diagnostics/codes/check.ts";
import { Diagnostics } from "../../diagnostics/diagnostic.ts";
import { formatNumber } from "../../resolve/describe.ts";
import { evaluateConstant } from "../../resolve/evaluate.ts";
import type { Values } from "../../resolve/values.ts";
import type { Span } from "../../source/source.ts";
import type { Expression, LossDeclaration } from "../../syntax/ast.ts";
import { walk } from "../../syntax/traverse.ts";
import { budgets, type CheckContext } from "../context.ts";

/**
 * Reports a loss whose numeric domains or parameters are too large for these values: at `use` where there is one, else
 * at the domain or the `param` itself.
 */
export function checkLossBudgets(
  declaration: LossDeclaration,
  values: Values,
  use: Span | undefined,
  { diagnostics }: CheckContext,
): void {
  const report = (span: Span, what: string, limit: number): void =>
    diagnostics.report(
      budgetExceeded,
      use ?? span,
      { what, limit: formatNumber(limit), help: "Write a smaller number." },
      use === undefined ? {} : { related: [{ span, label: "this is where it counts" }] },
    );
  // Nested numeric domains multiply: the elements of one reduction inside another are all there at once.
  const around: number[] = [1];
  walk(declaration, {
    enter: (node) => {
      if (node.kind === "Reduction") {
        let elements = around.at(-1)!;
        for (const { domain } of node.indices)
          elements *= domain === undefined ? 1 : (sizeOf(domain, values) ?? 1);
        around.push(elements);
        if (elements > budgets.elements && elements > around.at(-2)!)
          report(
            node.indices[0]?.span ?? node.opSpan,
            `A reduction of \`${declaration.name.text}\` runs over ${formatNumber(elements)} numbers`,
            budgets.elements,
          );
      }
      if (node.kind !== "Param") return;
      const sides = (node.type.axes ?? []).map((side) => numberOf(side, values) ?? 1);
      const elements = sides.reduce((product, side) => product * side, 1);
      if (elements > budgets.parameters)
        report(
          node.name.span,
          `The parameter \`${node.name.text}\` of \`${declaration.name.text}\` has ${formatNumber(elements)} numbers for each class and component`,
          budgets.parameters,
        );
    },
    leave: (node) => {
      if (node.kind === "Reduction") around.pop();
    },
  });
}

/** Number of elements of a numeric domain; `undefined` for one that is known at the start of a run only. */
function sizeOf(domain: Expression, values: Values): number | undefined {
  if (domain.kind !== "Range") {
    const list = domain.kind === "Name" ? values.get(domain.text) : undefined;
    return list?.kind === "numbers" ? list.values.length : numberOf(domain, values);
  }
  const from = numberOf(domain.from, values);
  const to = numberOf(domain.to, values);
  return from === undefined || to === undefined ? undefined : Math.max(0, to - from);
}

function numberOf(expression: Expression, values: Values): number | undefined {
  const value = evaluateConstant(expression, values, new Diagnostics());
  return value?.kind === "number" ? value.value : undefined;
}
