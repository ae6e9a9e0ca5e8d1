/**
 * The training loop: feeds the step, reads values every few steps, judges on the validation classes, keeps the weights
 * that are selected and the last good ones. It writes nothing and prints nothing; the run listens.
 */
import type { TrainingBatches } from "../data/batches.ts";
import type { Dataset } from "../data/types.ts";
import type { Recorder } from "../engine/capture/recorder.ts";
import type { ParameterSpec, Program, Sizes } from "../program.ts";
import { traceStep } from "../trace/step_trace.ts";
import type { StepTrace } from "../trace/step_trace.ts";
import { capturedStep } from "./captured_step.ts";
import { findDivergence } from "./divergence.ts";
import type { Divergence } from "./divergence.ts";
import type { Embedder } from "./embed.ts";
import { disposeFeeds, feedsAhead } from "./feeds.ts";
import { createOptimizer } from "./optimizers.ts";
import { initialParameters, initialState } from "./parameters.ts";
import { scheduleFactor } from "./schedules.ts";
import type { StepPrecision } from "./precision.ts";
import { Selection } from "./selection.ts";
import type { Kept } from "./selection.ts";
import { createStep } from "./step.ts";
import type { StepValues } from "./step.ts";
import type { Generation, Holder } from "./tensors.ts";
import { allFinite, disposeValues, readValues } from "./values.ts";
import type { ReadValues } from "./values.ts";

/** Steps between two readings of the values; the first and the last step are always read. */
const READ_EVERY = 10;

/** Steps over which the display's speed is averaged. */
const RECENT_STEPS = 20;

/** Steps that take longer where the step is captured: one records it, one holds the recording against it. */
const CAPTURE_STEPS = 2;

/** What is said while training. Steps count from 1. */
export interface TrainListener {
  /** After every step, with the values that were read last and the milliseconds a step takes of late. */
  onStep(step: number, values: ReadValues, rate: number, msPerStep: number): void;
  /** After a step whose values were read; `rate` is the schedule's factor at it. */
  onValues(step: number, values: ReadValues, rate: number): void;
  /** After the weights of a step were judged on the validation classes. */
  onScore(step: number, score: number, best: boolean): void;
  /** Whether the step is captured, or why not. */
  onCapture(note: string, captured: boolean): void;
  /** Before the first step, its profile; where this is absent, none is made. */
  onTrace?(trace: StepTrace): void;
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
  /** The engine's, which captures the step; none where it cannot. */
  readonly recorder: Recorder | undefined;
  /** In what the step's layers multiply. */
  readonly precision: StepPrecision;
  /** Embeds the validation samples. */
  readonly embedder: Embedder;
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
    /** The same of the last steps, after those that record the step and try the recording; absent if there were no others. */
    readonly msPerLateStep?: number;
    /** Time that steps waited for their batches. */
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
    state: initialState(program.state(sizes), seed),
    slots: initialState(createOptimizer(program.train.optimizer, specs).slots),
  };
}

/** Trains from `start`, which the caller has handed over to `holder`: it is released here. */
export async function train(options: TrainOptions, start: Generation, holder: Holder): Promise<Trained> {
  const { program, sizes, specs, batches, steps, listener, signal } = options;
  const optimizer = createOptimizer(program.train.optimizer, specs);
  const asWritten = createStep(program, sizes, specs, optimizer);
  const captured = capturedStep(options.recorder, options.precision.of(asWritten), (note, done) =>
    listener.onCapture(note, done),
  );
  const { step, advance } = captured;
  const { seed } = options;
  const noise = program.noise?.(sizes) ?? [];
  const { views } = program;
  const feedSource = { batches, optimizer, train: program.train, noise, steps, seed, views };
  const feedsOf = feedsAhead(feedSource);
  const selection = new Selection(options, holder);

  let current = start;
  let done = 0;
  // The weights that entered the last step whose values were read, and were finite.
  let good: Kept = { generation: holder.hold(start), done };
  let values: ReadValues | undefined;
  let divergence: Divergence | undefined;
  const stepMs: number[] = [];
  let batchMs = 0;

  while (done < steps && !signal.aborted && !selection.exhausted) {
    let began = performance.now();
    const rate = scheduleFactor(program.train.schedule, done, steps);
    const feeds = await feedsOf(done);
    batchMs += feeds.dataMs;
    if (done === 0 && listener.onTrace !== undefined) {
      const before = performance.now();
      listener.onTrace(traceStep(asWritten, options.precision.of, current, feeds.batch, feeds.rates));
      began += performance.now() - before;
    }
    const judged = selection.isDue(done + 1, steps);
    const reading = done === 0 || (done + 1) % READ_EVERY === 0 || done + 1 === steps || judged;
    // What enters a step whose values are read becomes the last good generation if they are finite.
    const isKept = [good, selection.best].some((kept) => kept?.generation === current);
    const run = reading || isKept ? step : advance;
    const result: Generation & { values?: StepValues } = run(current, feeds.batch, feeds.rates);
    disposeFeeds(feeds);
    holder.hold(result);
    const read = reading ? await readValues(result.values!) : undefined;
    if (result.values !== undefined) disposeValues(result.values);
    if (read !== undefined) {
      if (!allFinite(read)) {
        holder.release(result);
        const context = { program, sizes, specs, step, feeds: feedsOf };
        divergence = await findDivergence(context, good.generation, good.done, done);
        break;
      }
      values = read;
      holder.release(good.generation);
      good = { generation: holder.hold(current), done };
      listener.onValues(done + 1, values, rate);
    }
    holder.release(current);
    current = result;
    done++;
    stepMs.push(performance.now() - began);
    listener.onStep(done, values!, rate, mean(stepMs.slice(-RECENT_STEPS)));
    if (judged) {
      const { score, best } = await selection.judge(current, done);
      listener.onScore(done, score, best);
    }
    // Lets signals and timers in: an engine may compute synchronously.
    await new Promise((resolve) => setImmediate(resolve));
  }

  const late = stepMs.slice(CAPTURE_STEPS).slice(-RECENT_STEPS);
  const { best } = selection;
  const kept = divergence !== undefined ? good : (best ?? { generation: current, done });
  const trained: Trained = {
    generation: holder.hold(kept.generation),
    keptStep: kept.done,
    steps: done,
    ended: divergence !== undefined ? "diverged" : endOf(done === steps, signal.aborted),
    ...(divergence === undefined ? {} : { divergence }),
    values,
    ...(best === undefined ? {} : { score: best.score }),
    timing: {
      msPerStep: median(stepMs),
      ...(late.length === 0 ? {} : { msPerLateStep: median(late) }),
      batchSeconds: batchMs / 1000,
      validationSeconds: selection.seconds,
    },
  };
  holder.release(current);
  holder.release(good.generation);
  selection.release();
  captured.dispose();
  return trained;
}

function endOf(complete: boolean, aborted: boolean): "finished" | "interrupted" | "patience" {
  if (complete) return "finished";
  return aborted ? "interrupted" : "patience";
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
