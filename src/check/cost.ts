/** What a combination costs beside the losses themselves. For explanations and reports; pure. */
import { isSurgery, measuresGradients, operandsOf, strategiesIn } from "../plan/combination.ts";
import type { CombinePlan } from "../plan/plan.ts";

/**
 * Backward passes of a step through the whole network: one for plain values; one for each operand of a gradient strategy,
 * and one more where it is not the whole combination, for the rest.
 */
export function backwardPasses(combine: CombinePlan): number {
  const surgeries = (node: CombinePlan): number => {
    if (isSurgery(node)) return node.operands.length;
    return operandsOf(node).reduce((sum, operand) => sum + surgeries(operand), 0);
  };
  const passes = surgeries(combine);
  return isSurgery(combine) ? passes : passes + 1;
}

/**
 * Backward passes of a step that end at the backbone's features: one for each operand of a strategy with
 * `scale: gradient_norm`. Each runs through the operand's losses and their heads, the backbone is left out.
 */
export function headPasses(combine: CombinePlan): number {
  return strategiesIn(combine)
    .filter(measuresGradients)
    .reduce((sum, node) => sum + node.operands.length, 0);
}
