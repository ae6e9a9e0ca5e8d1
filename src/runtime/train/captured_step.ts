/** The training step as the engine runs it best: captured where it can. Called by the trainer. */
import { capture } from "../engine/capture/capture.ts";
import type { CaptureOptions } from "../engine/capture/capture.ts";
import type { Recorder } from "../engine/capture/recorder.ts";
import type { Step, StepResult } from "./step.ts";
import type { Generation } from "./tensors.ts";

export interface CapturedStep {
  readonly step: Step;
  /**
   * The generation that follows one that is read no more, only released; the step's values are not asked for, and where
   * the engine captures it not computed.
   */
  readonly advance: (...args: Parameters<Step>) => Generation;
  /** Lets go of what is captured. */
  dispose(): void;
}

/** @param recorder the engine's, or undefined: then `step` runs as it is. */
export function capturedStep(
  recorder: Recorder | undefined,
  step: Step,
  say?: CaptureOptions["say"],
): CapturedStep {
  const captured = capture<Parameters<Step>, StepResult, Generation>(recorder, step, {
    label: "training step",
    carried: { from: generationOf, to: generationOf },
    ...(say === undefined ? {} : { say }),
  });
  // The last result may come back as the generation: its values are gone by then, and no part of one.
  return {
    step: (generation, batch, rates) => captured(generationOf(generation), batch, rates),
    advance: (generation, batch, rates) => captured.advance(generationOf(generation), batch, rates),
    dispose: () => captured.dispose(),
  };
}

const generationOf = ({ parameters, state, slots }: Generation): Generation => ({ parameters, state, slots });
