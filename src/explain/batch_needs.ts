/**
 * Which batches give a loss something to learn from: found by trying small ones with the interpreter. Pure.
 *
 * A batch serves a loss if a gradient reaches its embeddings; it serves the whole of it if, besides, no reduction of its
 * formula stays without a tuple.
 */
import { BudgetError, initialParams, InterpretError, interpretLoss } from "../interpret/index.ts";
import type { LossBatch } from "../interpret/index.ts";
import type { LossInstance, MinerInstance } from "../resolve/values.ts";
import { counterRandom } from "../runtime/random.ts";

export interface BatchSize {
  readonly classes: number;
  /** Of each class. */
  readonly samples: number;
}

export interface BatchNeeds {
  /** The smallest batch that serves the loss. */
  readonly least: BatchSize;
  /** The smallest that serves the whole of it; absent where none was found. */
  readonly whole?: BatchSize;
}

const MOST = 3;
const SEEDS = 12;
/** How far embeddings are spread about a common centre, seed by seed: hinges are met near or far. */
const SPREADS = [Infinity, 1, 0.2, 0.02];
/** Slopes up to this are what is left of terms that cancel. */
const ROUNDING = 1e-12;
/** Widths to try, for losses that read prefixes of the embedding. */
const WIDTHS = [5, 64];
/** Classes of the data, whichever are in the batch. */
const CLASSES = 4;

/** What a loss needs, with the same number of samples of each class; undefined where no small batch serves it. */
export function batchNeeds(loss: LossInstance, miner?: MinerInstance): BatchNeeds | undefined {
  const sizes = Array.from({ length: MOST * MOST }, (_, k) => ({
    classes: Math.floor(k / MOST) + 1,
    samples: (k % MOST) + 1,
  })).sort((a, b) => a.classes * a.samples - b.classes * b.samples || a.samples - b.samples);
  for (const dim of WIDTHS) {
    try {
      const served = sizes.map((size) => ({ size, by: serves(loss, miner, size, dim) }));
      const least = served.find(({ by }) => by !== "nothing")?.size;
      const whole = served.find(({ by }) => by === "whole")?.size;
      return least === undefined ? undefined : { least, ...(whole === undefined ? {} : { whole }) };
    } catch (error) {
      if (!(error instanceof InterpretError) && !(error instanceof BudgetError)) throw error;
    }
  }
  return undefined;
}

/** What batches of this size serve: the best of some at random. */
function serves(
  loss: LossInstance,
  miner: MinerInstance | undefined,
  { classes, samples }: BatchSize,
  dim: number,
): "nothing" | "part" | "whole" {
  const labels = Array.from({ length: classes * samples }, (_, row) => Math.floor(row / samples));
  const options = { gradient: true, terms: true, ...(miner === undefined ? {} : { miner }) };
  let best: "nothing" | "part" = "nothing";
  for (let seed = 0; seed < SEEDS; seed++) {
    const { gradient, terms } = interpretLoss(loss, randomBatch(loss, labels, dim, seed), options);
    if (!gradient!.views.some((view) => view.some((slope) => Math.abs(slope) > ROUNDING))) continue;
    if (!terms!.starved) return "whole";
    best = "part";
  }
  return best;
}

/**
 * Embeddings about a common centre or all over the sphere, of unit length unless the loss is made for others; parameters
 * at their first values.
 */
function randomBatch(loss: LossInstance, labels: readonly number[], dim: number, seed: number): LossBatch {
  const random = counterRandom(seed, "explain");
  const { assumes, views: names } = loss.declaration;
  const free = assumes.some((each) => each.kind === "Call" && each.callee.text === "free");
  const spread = SPREADS[seed % SPREADS.length]!;
  const center = Array.from({ length: dim }, () => random.normal());
  const view = () => {
    const data = Float64Array.from({ length: labels.length * dim }, (_, k) =>
      spread === Infinity ? random.normal() : center[k % dim]! + spread * random.normal(),
    );
    for (let row = 0; !free && row < data.length; row += dim) {
      const length = Math.hypot(...data.subarray(row, row + dim));
      for (let t = row; t < row + dim; t++) data[t] = data[t]! / length;
    }
    return { rows: labels.length, columns: dim, data };
  };
  const views = Array.from({ length: names?.length ?? 1 }, view);
  return { views, labels, classes: CLASSES, params: initialParams(loss, { classes: CLASSES, dim }, seed) };
}

/** "at least 1 class of 2 samples; every term of the formula has tuples from 2 classes of 2 samples on" */
export function writeNeeds({ least, whole }: BatchNeeds): string {
  const any = least.classes === 1 && least.samples === 1;
  const first = any ? "any batch serves" : `at least ${writeSize(least)}`;
  const same = whole === undefined || (whole.classes === least.classes && whole.samples === least.samples);
  return same ? first : `${first}; every term of the formula has tuples from ${writeSize(whole)} on`;
}

function writeSize({ classes, samples }: BatchSize): string {
  const count = (n: number, one: string, many: string): string => `${n} ${n === 1 ? one : many}`;
  return `${count(classes, "class", "classes")} of ${count(samples, "sample", "samples")}`;
}
