/**
 * Chooses and starts the engine a program runs on. Called once, before the first tensor is made, by the trainer, the
 * evaluator and `dmlc try`. It sets the tfjs backend of the process, registers the gradients of
 * tfjs's operations (`@tensorflow/tfjs-core` has none in Node), and never falls back to another one silently: a
 * backend that happens to work a thousand times slower is an error, not a fallback.
 */
import { EngineError } from "./errors.ts";
import { registerGradients } from "./gradients/index.ts";
import { startWasm } from "./wasm/start.ts";

export { EngineError } from "./errors.ts";

/** Names that `--engine` takes. */
export type EngineChoice = "auto" | "wasm";

/** Choices in the order in which help texts list them. */
export const engineChoices: readonly EngineChoice[] = ["auto", "wasm"];

export interface Engine {
  readonly name: "wasm";
  /** Why this engine was taken, one clause: `asked for` or what `auto` found. */
  readonly reason: string;
  /** What it is, one line for logs and results. */
  readonly description: string;
}

/**
 * Starts an engine and makes it the tfjs backend of this process. Starting the same engine again is harmless.
 *
 * @param choice `auto` takes the best engine that is there.
 * @throws EngineError for an unknown name, or when the engine cannot start (with the reason and the remedy).
 */
export async function startEngine(choice: EngineChoice): Promise<Engine> {
  if (!engineChoices.includes(choice)) {
    throw new EngineError(`unknown engine "${String(choice)}": expected ${engineChoices.join(" or ")}`);
  }
  const description = await startWasm();
  registerGradients();
  const reason =
    choice === "auto" ? "the only engine of this version, and it needs nothing but npm" : "asked for";
  return { name: "wasm", reason, description };
}
