/** Lowering of all losses of a model into one graph, in which what they have in common is one node. */
import type { LossPlan, ModelPlan } from "../../plan/plan.ts";
import { Graph } from "../graph.ts";
import type { LoweredLoss } from "./loss.ts";
import { lowerLoss } from "./loss.ts";

/** Each loss of the plan, in order. Throws `LoweringError` for a formula that cannot be built. */
export function lowerModel(plan: ModelPlan): { readonly loss: LossPlan; readonly lowered: LoweredLoss }[] {
  const graph = new Graph();
  return plan.losses.map((loss) => {
    const head = plan.heads.find((candidate) => candidate.name === loss.head);
    if (head === undefined) throw new Error(`the loss ${loss.name} has no head`);
    const views = [{ name: head.name, dim: head.dim }];
    return { loss, lowered: lowerLoss(graph, loss.instance, { path: `losses/${loss.name}`, views }) };
  });
}
