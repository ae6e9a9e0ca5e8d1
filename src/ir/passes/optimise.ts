/**
 * The passes over lowered losses, in order. Called by emission and by whoever asks what is left for a step to compute;
 * `dmlc compile --print ir` shows the losses as they are written, `--print ir:<pass>` as that pass leaves them.
 */
import type { ModelPlan } from "../../plan/plan.ts";
import type { Rules } from "../build.ts";
import { Builder, EVERY_RULE, FOLDING, NO_RULES } from "../build.ts";
import type { Graph, Node } from "../graph.ts";
import type { LoweredLoss } from "../lower/loss.ts";
import { rootsOf, withRoots } from "../lower/loss.ts";
import { atLabel } from "./at_label.ts";
import type { ChunkSizes } from "./chunk.ts";
import { chunk } from "./chunk.ts";
import { gram } from "./gram.ts";
import { prune } from "./prune.ts";
import { applyRules } from "./rules.ts";
import { separate } from "./separate.ts";
import { share } from "./share.ts";
import { specialiseBatch } from "./specialise_batch.ts";
import { stack } from "./stack.ts";

/** What passes are told of the batches, and which that are not always worth their while are wanted. */
export interface PassSettings {
  /** Samples of each class, at least two of at least two classes, where batches are sorted by class. */
  readonly samples?: number | undefined;
  /** Sizes to be ready for; absent where no reduction needs to run in blocks. */
  readonly chunk?: ChunkSizes | undefined;
  /** Whether products of heads of one shape are made together. */
  readonly stack?: boolean | undefined;
}

export interface Pass {
  readonly name: PassName;
  /** The rules at work as it makes nodes. */
  readonly rules: Rules;
  run(build: Builder, roots: readonly Node[], settings: PassSettings): readonly Node[];
}

export const PASS_NAMES = [
  "share",
  "fold",
  "stabilise",
  "stack",
  "separate",
  "specialise-batch",
  "prune",
  "at-label",
  "chunk",
  "gram",
] as const;
export type PassName = (typeof PASS_NAMES)[number];

/** The number of classes a program is made ready for; with fewer it runs in fewer blocks, or in one. */
const MANY_CLASSES = 100_000;

const RUNS: Readonly<Record<PassName, Omit<Pass, "name">>> = {
  share: { rules: NO_RULES, run: (build, roots) => share(build.graph, roots) },
  fold: { rules: FOLDING, run: applyRules },
  stabilise: { rules: EVERY_RULE, run: applyRules },
  stack: {
    rules: EVERY_RULE,
    run: (build, roots, settings) => (settings.stack === true ? stack(build, roots) : roots),
  },
  separate: {
    rules: EVERY_RULE,
    run: (build, roots, { samples }) => separate(build, roots, samples !== undefined),
  },
  "specialise-batch": {
    rules: EVERY_RULE,
    run: (build, roots, { samples }) =>
      samples === undefined ? roots : specialiseBatch(build, roots, samples),
  },
  prune: { rules: EVERY_RULE, run: prune },
  "at-label": { rules: EVERY_RULE, run: atLabel },
  chunk: {
    rules: EVERY_RULE,
    run: (build, roots, settings) =>
      settings.chunk === undefined ? roots : chunk(build, roots, settings.chunk),
  },
  gram: { rules: EVERY_RULE, run: gram },
};

export const PASSES: readonly Pass[] = PASS_NAMES.map((name) => ({ name, ...RUNS[name] }));

/** What a plan tells the passes. `stack` does not pay on every engine (docs/command-line.md), so it is asked for. */
export function settingsOf({ train: { batch } }: ModelPlan, stacked = false): PassSettings {
  const { classes, samples } = batch;
  return {
    samples: classes < 2 || samples < 2 ? undefined : samples,
    chunk: { batch: classes * samples, classes: MANY_CLASSES },
    stack: stacked,
  };
}

/** The losses in `graph` after every pass, or after all up to the one named. */
export function optimise<Lowered extends { readonly lowered: LoweredLoss }>(
  graph: Graph,
  losses: readonly Lowered[],
  settings: PassSettings,
  last: PassName = PASS_NAMES.at(-1)!,
): Lowered[] {
  let roots: readonly Node[] = losses.flatMap(({ lowered }) => rootsOf(lowered));
  for (const pass of PASSES.slice(0, PASS_NAMES.indexOf(last) + 1))
    roots = pass.run(new Builder(graph, pass.rules), roots, settings);
  let from = 0;
  return losses.map((loss) => {
    const own = roots.slice(from, (from += rootsOf(loss.lowered).length));
    return { ...loss, lowered: withRoots(loss.lowered, own) };
  });
}
