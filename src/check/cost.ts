/** What a combination costs beside the losses themselves. For explanations and reports; pure. */
import type { CombinePlan } from "../plan/plan.ts";

/** Whether a node puts gradients together rather than values. */
export function isSurgery(node: CombinePlan): boolean {
  return node.kind === "strategy" && node.needs.includes("gradient_each");
}

/**
 * Backward passes of a step: one for plain values; one for each operand of a gradient strategy, and one more where it is
 * not the whole combination, for the rest.
 */
export function backwardPasses(combine: CombinePlan): number {
  const surgeries = (node: CombinePlan): number => {
    if (isSurgery(node) && node.kind === "strategy") return node.operands.length;
    return operandsOf(node).reduce((sum, operand) => sum + surgeries(operand), 0);
  };
  const passes = surgeries(combine);
  return isSurgery(combine) ? passes : passes + 1;
}

/** The nodes directly below a node. */
export function operandsOf(node: CombinePlan): readonly CombinePlan[] {
  switch (node.kind) {
    case "loss":
      return [];
    case "sum":
      return node.terms.map((term) => term.node);
    case "strategy":
      return node.operands.map((operand) => operand.node);
  }
}
