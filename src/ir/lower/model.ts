/** Lowering of the losses of a model, for the passes and for the checker. */
import type { CombinePlan, LossPlan, ModelPlan } from "../../plan/plan.ts";
import type { Rules } from "../build.ts";
import { NO_RULES } from "../build.ts";
import { Graph } from "../graph.ts";
import type { LoweredLoss } from "./loss.ts";
import { lowerLoss } from "./loss.ts";

/**
 * Each loss of the plan as it is written, in order, in a graph of its own: where the passes start. Throws `LoweringError`
 * for a formula that cannot be built.
 */
export function lowerModel(plan: ModelPlan): { readonly loss: LossPlan; readonly lowered: LoweredLoss }[] {
  return keptOnce(
    plan.losses.map((loss) => ({
      loss,
      lowered: lowerPlanned(new Graph(), plan, loss, isGated(plan.combine, loss.name), NO_RULES, true),
    })),
  );
}

/** Losses on one head share a memory: the first of them keeps it for all. */
function keptOnce<Loss extends { readonly lowered: LoweredLoss }>(losses: readonly Loss[]): Loss[] {
  const kept = new Set<string>();
  return losses.map((loss) => {
    const states = loss.lowered.states.filter(({ name }) => !kept.has(name));
    for (const { name } of states) kept.add(name);
    return { ...loss, lowered: { ...loss.lowered, states } };
  });
}

/** One loss of a plan on its head, with the shares of the samples, or weighed by class, where that is wanted. Throws `LoweringError`. */
export function lowerPlanned(
  graph: Graph,
  plan: ModelPlan,
  loss: LossPlan,
  shares: boolean,
  rules?: Rules,
  weighed = false,
): LoweredLoss {
  const head = plan.heads.find((candidate) => candidate.name === loss.head);
  if (head === undefined) throw new Error(`the loss ${loss.name} has no head`);
  const views = Array.from({ length: viewsOf(loss) }, (_, view) => ({
    name: head.name,
    dim: head.dim,
    view,
  }));
  const { instance, miner, memory, label } = loss;
  return lowerLoss(graph, instance, {
    path: `losses/${loss.name}`,
    views,
    miner,
    memory: memory?.size,
    by: label,
    mainLabel: plan.data.labels.at(-1),
    shares,
    classWeights: weighed ? plan.train.classWeights.get(loss.name) : undefined,
    rules,
  });
}

/** How many views of the batch a loss reads. */
export function viewsOf({ instance }: LossPlan): number {
  return instance.declaration.views?.length ?? 1;
}

/** Strategies that weigh the samples' shares of their operands. */
const GATES: ReadonlySet<string> = new Set(["gated", "soft_min"]);

/** Whether a loss stands below a strategy that weighs its samples. */
export function isGated(combine: CombinePlan, loss: string): boolean {
  const below = (node: CombinePlan, gated: boolean): boolean => {
    switch (node.kind) {
      case "loss":
        return gated && node.name === loss;
      case "sum":
        return node.terms.some((term) => below(term.node, gated));
      case "strategy":
        return node.operands.some((operand) => below(operand.node, gated || GATES.has(node.name)));
    }
  };
  return below(combine, false);
}
