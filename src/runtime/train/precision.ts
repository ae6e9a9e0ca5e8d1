/**
 * In what the layers of a training step multiply: what the program asks for where the engine has it, else float32. Called
 * by the run; the trainer runs its step in it.
 */
import type { Engine } from "../engine/index.ts";
import type { Precision, Program } from "../program.ts";
import type { Step } from "./step.ts";

export interface StepPrecision {
  /** What is computed in. */
  readonly used: Precision;
  /** Why that is not what the program asks for. */
  readonly note?: string;
  /** The step in that precision: only its layers, see `stdlib/training/precision.dml`. */
  readonly of: (step: Step) => Step;
}

export function stepPrecision(
  { train: { precision = "float32" } }: Pick<Program, "train">,
  { name, inBfloat16 }: Pick<Engine, "name" | "inBfloat16">,
): StepPrecision {
  const used: StepPrecision = { used: "float32", of: (step) => step };
  if (precision === "float32") return used;
  if (inBfloat16 === undefined) {
    return { ...used, note: `precision: the ${name} engine has no bfloat16, so training goes on in float32` };
  }
  return {
    used: precision,
    of:
      (step) =>
      (...args) =>
        inBfloat16(() => step(...args)),
  };
}
