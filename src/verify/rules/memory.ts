/**
 * The law of the memory budget: what the losses of a step keep for their gradients must fit. Counted on the graph that is
 * emitted, after its passes; a side that only the data tells counts as small as it can be. Pure.
 */
import { memoryBudget } from "../../diagnostics/codes/laws.ts";
import { Graph, lengthOf, type Dim, type Node } from "../../ir/graph.ts";
import { lowerPlanned } from "../../ir/lower/model.ts";
import { topological } from "../../ir/order.ts";
import { optimise, settingsOf } from "../../ir/passes/optimise.ts";
import { oneLine } from "../../resolve/describe.ts";
import { textOf } from "../../source/source.ts";
import type { LossSubject, Subject } from "../subject.ts";

type Sizes = Parameters<typeof lengthOf>[1];

/** Bytes that the losses of one step may keep. */
export const STEP_BYTES = 2 ** 31;

export function checkMemory({ plan, losses, diagnostics }: Subject): void {
  const { classes, samples } = plan.train.batch;
  const sizes = { batch: classes * samples, classes };
  const sum = (all: readonly Kept[]): number => all.reduce((bytes, each) => bytes + each.bytes, 0);
  const asWritten = kept(losses.flatMap(computed), sizes);
  if (sum(asWritten) <= STEP_BYTES) return;
  // The passes cut large reductions into blocks; what they leave is what counts.
  const graph = new Graph();
  const optimised = optimise(
    graph,
    losses.map((loss) => ({ loss, lowered: lowerPlanned(graph, plan, loss.plan, false) })),
    settingsOf(plan),
  );
  const all = kept(optimised.flatMap(computed), sizes);
  const total = sum(all);
  if (total <= STEP_BYTES) return;
  const largest = all.reduce((a, b) => (b.bytes > a.bytes ? b : a));
  const owner = optimised.find((loss) =>
    kept(computed(loss), sizes).some(({ node }) => node === largest.node),
  )!;
  const term = termOf(largest.node, owner.lowered.origins, owner.loss);
  diagnostics.report(memoryBudget, owner.loss.plan.instance.span, {
    total: gibibytes(total),
    budget: gibibytes(STEP_BYTES),
    loss: owner.loss.plan.name,
    term,
    shape: largest.shape.join(" x "),
    largest: gibibytes(largest.bytes),
    memory: owner.lowered.memory?.reached === true,
  });
}

/** What a step computes of a loss: its value, and what its states are afterwards. */
function computed({ lowered }: { readonly lowered: LossSubject["lowered"] }): Node[] {
  return [lowered.value, ...lowered.states.map(({ next }) => next)];
}

interface Kept {
  readonly node: Node;
  readonly shape: readonly number[];
  readonly bytes: number;
}

/**
 * What stays until the backward pass; views share what they look at. Of what runs in blocks that is one row of each
 * tensor at the least, while its block is at work.
 */
function kept(roots: readonly Node[], sizes: Sizes, row?: Dim): Kept[] {
  return topological(roots).flatMap((node) => {
    const { operation } = node;
    if (operation.kind === "view" || operation.kind === "slot") return [];
    const shape = node.shape.map((side) => (side === row ? 1 : lengthOf(side, sizes)));
    const bytes = (node.type === "bool" ? 1 : 4) * shape.reduce((product, side) => product * side, 1);
    const inside = operation.kind === "in_blocks" ? kept(operation.body.roots, sizes, operation.side) : [];
    return [{ node, shape, bytes }, ...inside];
  });
}

/** The expression a node comes from; of one that a pass made, the name of what it stands for. */
function termOf(node: Node, origins: LossSubject["lowered"]["origins"], { plan }: LossSubject): string {
  const places = origins.get(node) ?? [];
  const own = places.findLast(({ file }) => file === plan.instance.declaration.span.file) ?? places[0];
  if (own !== undefined) return oneLine(textOf(own));
  return node.hint ?? plan.instance.declaration.name.text;
}

const gibibytes = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(1)} GiB`;
