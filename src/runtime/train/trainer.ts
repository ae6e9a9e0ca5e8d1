/**
 * The training loop: feeds the step, reads values every few steps, judges on the validation classes, keeps the weights
 * that are selected and the last good ones. It writes nothing and prints nothing; the run listens.
 */
import type { TrainingBatches } from "../data/batches.ts";
import type { Dataset } from "../data/types.ts";
import type { ParameterSpec, Program, Sizes } from "../program.ts";
import { findDivergence } from "./divergence.ts";
import type { Divergence } from "./divergence.ts";
import { disposeFeeds, makeFeeds } from "./feeds.ts";
import { createOptimizer } from "./optimizers.ts";
import { initialParameters, initialState } from "./parameters.ts";
import { scheduleFactor } from "./schedules.ts";
import { selectionIsDue, validationScore } from "./selection.ts";
import { createStep } from "./step.ts";
import type { Generation, Holder } from "./tensors.ts";
import { allFinite, disposeValues, readValues } from "./values.ts";
import type { ReadValues } from "./values.ts";

/** Steps between two readings of the values; the first and the last step are always read. */
const READ_EVERY = 10;

/** Steps over which the display's speed is averaged. */
const RECENT_STEPS = 20;

/** What is said while training. Steps count from 1. */
export interface TrainListener {
  /** After every step, with the values that were read last and the milliseconds a step takes of late. */
  onStep(step: number, values: ReadValues, rate: number, msPerStep: number): void;
  /** After a step whose values were read; `rate` is the schedule's factor at it. */
  onValues(step: number, values: ReadValues, rate: number): void;
  /** After the weights of a step were judged on the validation classes. */
  onScore(step: number, score: number, best: boolean): void;
}

export interface TrainOptions {
  readonly program: Program;
  readonly sizes: Sizes;
  readonly specs: readonly ParameterSpec[];
  readonly dataset: Dataset;
  readonly validation: Int32Array;
  readonly batches: TrainingBatches;
  readonly steps: number;
  readonly seed: number;
  readonly listener: TrainListener;
  /** Aborting ends training after the step in progress. */
  readonly signal: AbortSignal;
}

export interface Trained {
  /** The weights that were kept; the caller releases them. */
  readonly generation: Generation;
  /** Steps after which those weights stood. */
  readonly keptStep: number;
  /** Steps that were run. */
  readonly steps: number;
  readonly ended: "finished" | "patience" | "interrupted" | "diverged";
  /** Why it ended, if it diverged: the kept weights are then the last good ones. */
  readonly divergence?: Divergence;
  /** The last values that were read. */
  readonly values: ReadValues | undefined;
  /** Best validation score; absent where the last weights are kept. */
  readonly score?: number;
  readonly timing: {
    /** Median wall time of a step, batch included. */
    readonly msPerStep: number;
    /** Time spent on making batches. */
    readonly batchSeconds: number;
    /** Time spent on judging on the validation classes. */
    readonly validationSeconds: number;
  };
}

/** The parameters, state and optimiser slots before step 1. */
export function initialGeneration(
  program: Program,
  sizes: Sizes,
  specs: readonly ParameterSpec[],
  seed: number,
): Generation {
  return {
    parameters: initialParameters(specs, seed),
    state: initialState(program.state(sizes)),
    slots: initialState(createOptimizer(program.train.optimizer, specs).slots),
  };
}

/** Trains from `start`, which the caller has handed over to `holder`: it is released here. */
export async function train(options: TrainOptions, start: Generation, holder: Holder): Promise<Trained> {
  const { program, sizes, specs, dataset, validation, batches, steps, seed, listener, signal } = options;
  const { select } = program.train;
  const optimizer = createOptimizer(program.train.optimizer, specs);
  const step = createStep(program, sizes, specs, optimizer);
  const feedsOf = (number: number) => makeFeeds(batches, optimizer, program.train, steps, number);

  let current = start;
  let done = 0;
  // The weights that entered the last step whose values were read, and were finite.
  let good = { generation: holder.hold(start), done: 0 };
  let best: { generation: Generation; done: number; score: number } | undefined;
  let sinceBest = 0;
  let values: ReadValues | undefined;
  let divergence: Divergence | undefined;
  const stepMs: number[] = [];
  let batchMs = 0;
  let validationMs = 0;

  while (done < steps && !signal.aborted) {
    const started = performance.now();
    const rate = scheduleFactor(program.train.schedule, done, steps);
    const feeds = feedsOf(done);
    batchMs += feeds.dataMs;
    const result = step(current, feeds.batch, feeds.rates);
    disposeFeeds(feeds);
    holder.hold(result);
    const due = selectionIsDue(select, done + 1, steps);
    if (done === 0 || (done + 1) % READ_EVERY === 0 || done + 1 === steps || due) {
      const read = await readValues(result.values);
      if (!allFinite(read)) {
        disposeValues(result.values);
        holder.release(result);
        const context = { program, sizes, specs, step, feeds: feedsOf };
        divergence = await findDivergence(context, good.generation, good.done, done);
        break;
      }
      values = read;
      holder.release(good.generation);
      good = { generation: holder.hold(current), done };
      listener.onValues(done + 1, read, rate);
    }
    disposeValues(result.values);
    holder.release(current);
    current = result;
    done++;
    stepMs.push(performance.now() - started);
    listener.onStep(done, values!, rate, mean(stepMs.slice(-RECENT_STEPS)));

    if (due && select.kind === "best") {
      const judged = performance.now();
      const network = { program, sizes, parameters: current.parameters, state: current.state };
      const score = await validationScore(network, dataset, validation, select.metric, seed);
      validationMs += performance.now() - judged;
      const improved = best === undefined || score > best.score;
      listener.onScore(done, score, improved);
      if (improved) {
        if (best !== undefined) holder.release(best.generation);
        best = { generation: holder.hold(current), done, score };
      }
      sinceBest = improved ? 0 : sinceBest + 1;
      if (sinceBest >= select.patience) break;
    }
    // Lets signals and timers in: an engine may compute synchronously.
    await new Promise((resolve) => setImmediate(resolve));
  }

  const ended =
    divergence !== undefined
      ? "diverged"
      : done === steps
        ? "finished"
        : signal.aborted
          ? "interrupted"
          : "patience";
  const kept = divergence !== undefined ? good : (best ?? { generation: current, done });
  holder.hold(kept.generation);
  for (const generation of [current, good.generation, ...(best === undefined ? [] : [best.generation])]) {
    holder.release(generation);
  }
  return {
    generation: kept.generation,
    keptStep: kept.done,
    steps: done,
    ended,
    ...(divergence === undefined ? {} : { divergence }),
    values,
    ...(best === undefined ? {} : { score: best.score }),
    timing: {
      msPerStep: median(stepMs),
      batchSeconds: batchMs / 1000,
      validationSeconds: validationMs / 1000,
    },
  };
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length === 0) return 0;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

function mean(numbers: readonly number[]): number {
  return numbers.reduce((sum, value) => sum + value, 0) / numbers.length;
}
