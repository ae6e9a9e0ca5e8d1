/**
 * Which batches give a loss something to learn from: found by trying small ones with the interpreter. Pure.
 *
 * A batch serves a loss if a gradient reaches its embeddings and no reduction of its formula stays without a tuple.
 */
import { BudgetError, initialParams, InterpretError, interpretLoss } from "../interpret/index.ts";
import type { LossBatch } from "../interpret/index.ts";
import type { LossInstance, MinerInstance } from "../resolve/values.ts";
import { counterRandom } from "../runtime/random.ts";

export interface BatchNeeds {
  readonly classes: number;
  /** Of each class. */
  readonly samples: number;
}

const MOST = 3;
const SEEDS = 6;
/** Slopes up to this are what is left of terms that cancel. */
const ROUNDING = 1e-12;
/** Widths to try, for losses that read prefixes of the embedding. */
const WIDTHS = [5, 64];
/** Classes of the data, whichever are in the batch. */
const CLASSES = 4;

/** The smallest batch of so many samples of so many classes that serves the loss; undefined where none was found. */
export function batchNeeds(loss: LossInstance, miner?: MinerInstance): BatchNeeds | undefined {
  const batches = Array.from({ length: MOST * MOST }, (_, k) => ({
    classes: Math.floor(k / MOST) + 1,
    samples: (k % MOST) + 1,
  })).sort((a, b) => a.classes * a.samples - b.classes * b.samples || a.samples - b.samples);
  for (const dim of WIDTHS) {
    try {
      return batches.find((batch) => serves(loss, miner, batch, dim));
    } catch (error) {
      if (!(error instanceof InterpretError) && !(error instanceof BudgetError)) throw error;
    }
  }
  return undefined;
}

function serves(
  loss: LossInstance,
  miner: MinerInstance | undefined,
  { classes, samples }: BatchNeeds,
  dim: number,
): boolean {
  const labels = Array.from({ length: classes * samples }, (_, row) => Math.floor(row / samples));
  return Array.from({ length: SEEDS }, (_, seed) => seed).some((seed) => {
    const batch = randomBatch(loss, labels, dim, seed);
    const options = { gradient: true, terms: true, ...(miner === undefined ? {} : { miner }) };
    const { gradient, terms } = interpretLoss(loss, batch, options);
    return (
      !terms!.starved && gradient!.views.some((view) => view.some((slope) => Math.abs(slope) > ROUNDING))
    );
  });
}

/** Embeddings of unit length, parameters at their first values. */
function randomBatch(loss: LossInstance, labels: readonly number[], dim: number, seed: number): LossBatch {
  const random = counterRandom(seed, "explain");
  const view = () => {
    const data = Float64Array.from({ length: labels.length * dim }, () => random.normal());
    for (let row = 0; row < data.length; row += dim) {
      const length = Math.hypot(...data.subarray(row, row + dim));
      for (let t = row; t < row + dim; t++) data[t] = data[t]! / length;
    }
    return { rows: labels.length, columns: dim, data };
  };
  const views = Array.from({ length: loss.declaration.views?.length ?? 1 }, view);
  return { views, labels, classes: CLASSES, params: initialParams(loss, { classes: CLASSES, dim }, seed) };
}

/** "at least 2 classes of 2 samples" */
export function writeNeeds({ classes, samples }: BatchNeeds): string {
  if (classes === 1 && samples === 1) return "any batch serves";
  const count = (n: number, one: string, many: string): string => `${n} ${n === 1 ? one : many}`;
  return `at least ${count(classes, "class", "classes")} of ${count(samples, "sample", "samples")}`;
}
