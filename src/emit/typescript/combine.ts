/** The combination of losses as one nested expression over `strategies`, with the parameters and state it declares. */
import type { CombinePlan } from "../../plan/plan.ts";
import { numberText } from "./expressions.ts";
import { property } from "./names.ts";
import { stringLiteral } from "./text.ts";
import { numberIn, textIn } from "./values.ts";

export interface EmittedCombination {
  readonly text: string;
  readonly parameters: readonly string[];
  readonly state: readonly string[];
}

export function emitCombination(plan: CombinePlan): EmittedCombination {
  const parameters: string[] = [];
  const state: string[] = [];
  const write = (node: CombinePlan): string => {
    switch (node.kind) {
      case "loss":
        return `strategies.term(${stringLiteral(node.name)}, losses${property(node.name)}!)`;
      case "sum": {
        const terms = node.terms.map(
          ({ coefficient, node: inner }) => `[${numberText(coefficient)}, ${write(inner)}]`,
        );
        return `strategies.weightedSum([${terms.join(", ")}])`;
      }
      case "strategy":
        return strategyText(node, write, parameters, state);
    }
  };
  const text = write(plan);
  return { text, parameters, state };
}

function strategyText(
  node: Extract<CombinePlan, { kind: "strategy" }>,
  write: (node: CombinePlan) => string,
  parameters: string[],
  state: string[],
): string {
  const count = node.operands.length;
  const path = stringLiteral(node.path);
  const scale = stringLiteral(textIn(node.values, "scale"));
  state.push(`...strategies.scaleState(${path}, ${count}, ${scale})`);
  const operands = `[${node.operands.map((operand) => write(operand.node)).join(", ")}]`;
  switch (node.name) {
    case "equal":
      return `strategies.equal(net, ${path}, ${operands}, { scale: ${scale} })`;
    case "learned": {
      // The spec's floor is the share of all weight spread equally; the runtime's is the least weight of one loss.
      const floor = `${numberText(numberIn(node.values, "floor"))} / ${count}`;
      parameters.push(`...strategies.learnedParameters(${path}, ${count}, { floor: ${floor} })`);
      return `strategies.learned(net, ${path}, ${operands}, { floor: ${floor}, scale: ${scale} })`;
    }
    default:
      throw new Error(`no emission for the strategy ${node.name}`);
  }
}
