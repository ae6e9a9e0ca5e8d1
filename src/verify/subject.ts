/**
 * What the laws on the lowered model are handed: the plan, the graph of each of its losses, and the bounds of every node
 * on the geometry at hand. Built once a model by `verify.ts`; pure.
 */
import type { Diagnostics } from "../diagnostics/diagnostic.ts";
import { boundsOf, type Bounds, type Interval, type Leaves } from "../ir/analysis/intervals.ts";
import { Graph, lengthOf, type Dim, type Node } from "../ir/graph.ts";
import { LoweringError, type LossParameter } from "../ir/lower/environment.ts";
import type { LoweredLoss } from "../ir/lower/loss.ts";
import { lowerPlanned } from "../ir/lower/model.ts";
import type { HeadPlan, LossPlan, ModelPlan } from "../plan/plan.ts";

export interface LossSubject {
  readonly plan: LossPlan;
  readonly head: HeadPlan;
  readonly lowered: LoweredLoss;
  readonly bounds: ReadonlyMap<Node, Bounds>;
}

export interface Subject {
  readonly plan: ModelPlan;
  readonly losses: readonly LossSubject[];
  readonly diagnostics: Diagnostics;
}

/** The losses of a plan in one graph. `refused` is told of those that cannot be lowered, which are left out. */
export function lowerLosses(
  plan: ModelPlan,
  refused: (loss: LossPlan, error: LoweringError) => void,
): LossSubject[] {
  const graph = new Graph();
  return plan.losses.flatMap((loss) => {
    try {
      return [lossSubject(graph, plan, loss)];
    } catch (error) {
      if (!(error instanceof LoweringError)) throw error;
      refused(loss, error);
      return [];
    }
  });
}

/** One loss of a plan, lowered into `graph`. Throws `LoweringError`. */
export function lossSubject(graph: Graph, plan: ModelPlan, loss: LossPlan): LossSubject {
  const lowered = lowerPlanned(graph, plan, loss, false);
  const head = plan.heads.find((each) => each.name === loss.head)!;
  const bounds = boundsOf([lowered.value, lowered.valid], leavesOf(plan, lowered.parameters));
  return { plan: loss, head, lowered, bounds };
}

/** What a plan tells of embeddings, sides and parameters. The classes of the data are at least those of a batch. */
function leavesOf({ heads, train }: ModelPlan, parameters: readonly LossParameter[]): Leaves {
  const { classes, samples } = train.batch;
  const exactly = (value: number): Interval => ({ low: value, high: value });
  return {
    unit: (input) => heads.some((head) => head.name === input && head.unit),
    size: (dim: Dim) => {
      if (dim === "classes") return { low: classes, high: Infinity };
      return exactly(lengthOf(dim, { batch: classes * samples, classes }));
    },
    fixed: (name) => {
      const parameter = parameters.find((each) => each.name === name);
      const value = parameter?.initializer.values.get("value");
      const constant = parameter?.initializer.name === "constant" && value?.kind === "number";
      return constant && !parameter.train ? exactly(value.value) : undefined;
    },
  };
}
