/**
 * The passes over a lowered model, in order. Sharing, folding and the stable forms need none: they happen as nodes are
 * made (`build.ts`). Called by emission; `dmlc compile --print ir:<pass>` shows the graph after a pass.
 */
import type { ModelPlan } from "../../plan/plan.ts";
import { Builder } from "../build.ts";
import type { Graph, Node } from "../graph.ts";
import type { LoweredLoss } from "../lower/loss.ts";
import { rootsOf, withRoots } from "../lower/loss.ts";
import { chunk } from "./chunk.ts";
import { specialiseBatch } from "./specialise_batch.ts";

export interface Pass {
  readonly name: string;
  run(build: Builder, roots: readonly Node[], plan: ModelPlan): Node[];
}

/** The number of classes a program is made ready for; with fewer it runs in fewer blocks, or in one. */
const MANY_CLASSES = 100_000;

export const PASSES: readonly Pass[] = [
  {
    name: "specialise-batch",
    run: (build, roots, { train: { batch } }) =>
      batch.classes < 2 || batch.samples < 2 ? [...roots] : specialiseBatch(build, roots, batch.samples),
  },
  {
    name: "chunk",
    run: (build, roots, { train: { batch } }) =>
      chunk(build, roots, { batch: batch.classes * batch.samples, classes: MANY_CLASSES }),
  },
];

/** The losses after every pass, or after all up to the one named. */
export function optimise<Lowered extends { readonly lowered: LoweredLoss }>(
  graph: Graph,
  losses: readonly Lowered[],
  plan: ModelPlan,
  last = PASSES.at(-1)!.name,
): Lowered[] {
  const build = new Builder(graph);
  let roots = losses.flatMap(({ lowered }) => rootsOf(lowered));
  for (const pass of PASSES) {
    roots = pass.run(build, roots, plan);
    if (pass.name === last) break;
  }
  let from = 0;
  return losses.map((loss) => {
    const own = roots.slice(from, (from += rootsOf(loss.lowered).length));
    return { ...loss, lowered: withRoots(loss.lowered, own) };
  });
}
