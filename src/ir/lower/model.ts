/** Lowering of all losses of a model into one graph, in which what they have in common is one node. */
import type { CombinePlan, LossPlan, ModelPlan } from "../../plan/plan.ts";
import { Graph } from "../graph.ts";
import type { LoweredLoss } from "./loss.ts";
import { lowerLoss } from "./loss.ts";

/** Each loss of the plan, in order. Throws `LoweringError` for a formula that cannot be built. */
export function lowerModel(
  plan: ModelPlan,
  graph: Graph = new Graph(),
): { readonly loss: LossPlan; readonly lowered: LoweredLoss }[] {
  return plan.losses.map((loss) => ({ loss, lowered: lowerPlanned(graph, plan, loss) }));
}

/** One loss of a plan on its head, with the shares of the samples where a gate weighs them. Throws `LoweringError`. */
export function lowerPlanned(
  graph: Graph,
  plan: ModelPlan,
  loss: LossPlan,
  shares = isGated(plan.combine, loss.name),
): LoweredLoss {
  const head = plan.heads.find((candidate) => candidate.name === loss.head);
  if (head === undefined) throw new Error(`the loss ${loss.name} has no head`);
  const views = Array.from({ length: viewsOf(loss) }, (_, view) => ({
    name: head.name,
    dim: head.dim,
    view,
  }));
  const { instance, miner, memory } = loss;
  return lowerLoss(graph, instance, {
    path: `losses/${loss.name}`,
    views,
    miner,
    memory: memory?.size,
    shares,
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
