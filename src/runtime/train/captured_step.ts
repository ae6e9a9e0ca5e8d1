/** The training step as the engine runs it best: captured where it can. Called by the trainer. */
import type * as tf from "@tensorflow/tfjs-core";
import { capture } from "../engine/capture/capture.ts";
import type { CaptureOptions } from "../engine/capture/capture.ts";
import type { Recorder } from "../engine/capture/recorder.ts";
import type { Step, StepResult } from "./step.ts";
import type { Generation } from "./tensors.ts";

export interface CapturedStep {
  readonly step: Step;
  /** Lets go of what is captured. */
  dispose(): void;
}

/** @param recorder the engine's, or undefined: then `step` runs as it is. */
export function capturedStep(
  recorder: Recorder | undefined,
  step: Step,
  say?: CaptureOptions["say"],
): CapturedStep {
  const captured = capture(recorder, step, {
    label: "training step",
    carried: ([before], after) => successors(before, after),
    ...(say === undefined ? {} : { say }),
  });
  return {
    // The last result may come back as the generation: its values are gone by then, and no part of one.
    step: ({ parameters, state, slots }, batch, rates) =>
      captured({ parameters, state, slots }, batch, rates),
    dispose: () => captured.dispose(),
  };
}

/** Each tensor of a generation with the one that follows it. */
function successors(before: Generation, after: StepResult): [tf.Tensor, tf.Tensor][] {
  const parts = ["parameters", "state", "slots"] as const;
  return parts.flatMap((part) =>
    Object.entries(before[part]).map(([name, tensor]): [tf.Tensor, tf.Tensor] => [
      tensor,
      after[part][name]!,
    ]),
  );
}
