/**
 * The law of the memory budget: what the losses of a step keep for their gradients must fit. Counted on the graph that is
 * emitted, after its passes; a side that only the data tells counts as small as it can be. Pure.
 */
import { memoryBudget } from "../../diagnostics/codes/laws.ts";
import { Graph, lengthOf, type Node } from "../../ir/graph.ts";
import { lowerPlanned } from "../../ir/lower/model.ts";
import { topological } from "../../ir/order.ts";
import { optimise, settingsOf } from "../../ir/passes/optimise.ts";
import { oneLine } from "../../resolve/describe.ts";
import { textOf } from "../../source/source.ts";
import type { LossSubject, Subject } from "../subject.ts";

/** Bytes that the losses of one step may keep. */
export const STEP_BYTES = 2 ** 31;

export function checkMemory({ plan, losses, diagnostics }: Subject): void {
  const { classes, samples } = plan.train.batch;
  const sizes = { batch: classes * samples, classes };
  const bytes = (node: Node): number =>
    (node.type === "bool" ? 1 : 4) * node.shape.reduce<number>((all, side) => all * lengthOf(side, sizes), 1);
  const plain = kept(losses.map(({ lowered }) => lowered.value));
  if (plain.reduce((sum, node) => sum + bytes(node), 0) <= STEP_BYTES) return;
  // The passes cut large reductions into blocks; what they leave is what counts.
  const graph = new Graph();
  const optimised = optimise(
    graph,
    losses.map((loss) => ({ loss, lowered: lowerPlanned(graph, plan, loss.plan, false) })),
    settingsOf(plan),
  );
  const nodes = kept(optimised.map(({ lowered }) => lowered.value));
  const total = nodes.reduce((sum, node) => sum + bytes(node), 0);
  if (total <= STEP_BYTES) return;
  const largest = nodes.reduce((a, b) => (bytes(b) > bytes(a) ? b : a));
  const owner = optimised.find(({ lowered }) => kept([lowered.value]).includes(largest))!;
  const term = termOf(largest, owner.lowered.origins, owner.loss);
  diagnostics.report(memoryBudget, owner.loss.plan.instance.span, {
    total: gibibytes(total),
    budget: gibibytes(STEP_BYTES),
    loss: owner.loss.plan.name,
    term,
    shape: largest.shape.map((side) => String(lengthOf(side, sizes))).join(" x "),
    largest: gibibytes(bytes(largest)),
    memory: owner.lowered.memory?.reached === true,
  });
}

/** The nodes whose values stay until the backward pass; views share what they look at. */
function kept(roots: readonly Node[]): Node[] {
  return topological(roots).filter(({ operation }) => operation.kind !== "view");
}

/** The expression a node comes from; of one that a pass made, the name of what it stands for. */
function termOf(node: Node, origins: LossSubject["lowered"]["origins"], { plan }: LossSubject): string {
  const places = origins.get(node) ?? [];
  const own = places.findLast(({ file }) => file === plan.instance.declaration.span.file) ?? places[0];
  if (own !== undefined) return oneLine(textOf(own));
  return node.hint ?? plan.instance.declaration.name.text;
}

const gibibytes = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(1)} GiB`;
