/**
 * The profile of a training step: the step runs a few times more on the arguments of the first, operation by operation,
 * and what it returns is let go of. A step is a pure function, so training does not notice. Called by the trainer.
 */
import { flatten } from "../engine/capture/tree.ts";
import type { TensorTree } from "../engine/capture/tree.ts";
import type { RateTensors } from "../train/optimizers.ts";
import type { StepPrecision } from "../train/precision.ts";
import type { BatchTensors, Step } from "../train/step.ts";
import type { Generation } from "../train/tensors.ts";
import { record, returnsEarly } from "./record.ts";
import { spansOf } from "./spans.ts";
import type { Recorded, Span } from "./spans.ts";

export interface StepTrace {
  /** The whole step first. */
  readonly spans: readonly Span[];
  /** Whether the times are those of issuing operations, not of computing them. */
  readonly returnsEarly: boolean;
}

/** Timed runs, of which the shortest time of each operation is told. */
const RUNS = 3;

/**
 * Traces a step. It runs once untimed before: a first run pays for what is made once, code and memory.
 *
 * @param precision in what its layers multiply. The kernels are timed within: it may bring some of its own.
 */
export function traceStep(
  step: Step,
  precision: StepPrecision["of"],
  generation: Generation,
  batch: BatchTensors,
  rates: RateTensors,
): StepTrace {
  const kept = new Set(tensorsOf([{ ...generation }, { ...batch }, { ...rates }]));
  const letGo = (result: ReturnType<Step>): void => {
    for (const tensor of tensorsOf([{ ...result, values: { ...result.values } }])) {
      if (!kept.has(tensor)) tensor.dispose();
    }
  };
  letGo(precision(step)(generation, batch, rates));
  const recordings: Recorded[] = [];
  const timed: Step = (...args) => {
    const { result, recording } = record("training step", () => step(...args));
    recordings.push(recording);
    return result;
  };
  for (let run = 0; run < RUNS; run++) letGo(precision(timed)(generation, batch, rates));
  return { spans: spansOf(recordings), returnsEarly: returnsEarly() };
}

const tensorsOf = (tree: TensorTree) => flatten(tree).tensors;
