/** Walking the combination of a plan: what stands below a node. Called by the checks and the emission. Pure. */
import type { CombinePlan } from "./plan.ts";

export type StrategyPlan = Extract<CombinePlan, { kind: "strategy" }>;

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

/** Names of the losses at or below a node, in order. */
export function lossesBelow(node: CombinePlan): string[] {
  return node.kind === "loss" ? [node.name] : operandsOf(node).flatMap(lossesBelow);
}

/** The strategies at or below a node, outer ones first. */
export function strategiesIn(node: CombinePlan): StrategyPlan[] {
  const own = node.kind === "strategy" ? [node] : [];
  return [...own, ...operandsOf(node).flatMap(strategiesIn)];
}

/** The word given for a strategy's argument; undefined where it has no such argument. */
export function wordOf({ values }: StrategyPlan, name: string): string | undefined {
  const value = values.get(name);
  return value?.kind === "word" ? value.value : undefined;
}

/** Whether a node puts gradients together rather than values. */
export function isSurgery(node: CombinePlan): node is StrategyPlan {
  return node.kind === "strategy" && node.needs.includes("gradient_each");
}

/** Whether a node divides its operands by the norms of their gradients at the features. */
export function measuresGradients(node: CombinePlan): node is StrategyPlan {
  return node.kind === "strategy" && wordOf(node, "scale") === "gradient_norm";
}

/** Whether the heads' weights are fitted to the validation classes; only a whole combination says so. */
export function isFitted(combine: CombinePlan): combine is StrategyPlan {
  return combine.kind === "strategy" && wordOf(combine, "inference") === "fit(validation)";
}
