/**
 * The law of `sample[j | …] weight`: a draw takes a random number for each value of the indices around it, of which there
 * may be two. Used by `reductions.ts`.
 */
import { malformedDeclaration } from "../../diagnostics/codes/formula.ts";
import type { Reduction } from "../../syntax/ast.ts";
import type { Environment, FormulaContext } from "./environment.ts";

/** Most indices around a draw: the random numbers of a batch are a matrix of pairs at most. */
const MOST_INDICES = 2;

export function checkDraw(context: FormulaContext, reduction: Reduction, environment: Environment): void {
  if (context.drawless) {
    context.diagnostics.report(malformedDeclaration, reduction.opSpan, {
      what: "A distance or similarity draws nothing",
      why: "Its value for two vectors is one number, wherever and whenever it is asked for.",
      help: "Draw in a loss or a miner.",
    });
    return;
  }
  const around = environment.names.filter((name) => {
    const binding = environment.lookup(name);
    return binding?.kind === "value" && binding.type.kind === "index";
  });
  if (around.length > MOST_INDICES)
    context.diagnostics.report(malformedDeclaration, reduction.opSpan, {
      what: `\`sample\` would draw anew for all ${around.length} of ${around
        .toSorted()
        .map((name) => `\`${name}\``)
        .join(", ")}`,
      why: `A draw takes a random number for each value of the indices around it, and there are numbers for up to ${MOST_INDICES} indices.`,
      help: "Put it into a `let` function of the indices that each have a draw of their own: `let drawn(a) = sample[j | …] …`.",
    });
}
