/**
 * Chooses and starts the engine a program runs on. Called once, before the first tensor is made, by the trainer, the
 * evaluator and `dmlc try`. It sets the tfjs backend of the process, registers the gradients of
 * tfjs's operations (`@tensorflow/tfjs-core` has none in Node), and never falls back to another one silently: a
 * backend that happens to work a thousand times slower is an error, not a fallback.
 */
import type { Recorder } from "./capture/recorder.ts";
import { EngineError } from "./errors.ts";
import { registerGradients } from "./gradients/index.ts";
import { locateTensorflow } from "./tensorflow/locate.ts";
import { locateWebgpu } from "./webgpu/locate.ts";

export { EngineError } from "./errors.ts";

export type EngineName = "tensorflow" | "webgpu" | "wasm";

/** Names that `--engine` takes. */
export type EngineChoice = "auto" | EngineName;

/** Choices in the order in which help texts list them. */
export const engineChoices: readonly EngineChoice[] = ["auto", "tensorflow", "webgpu", "wasm"];

export interface Engine {
  readonly name: EngineName;
  /** Why this engine was taken, one clause: `asked for` or what `auto` found. */
  readonly reason: string;
  /** What it is, one line for logs and results. */
  readonly description: string;
  /** Captures functions on this engine; undefined where it cannot. */
  readonly recorder: Recorder | undefined;
  /** Runs synchronous work with the products of its layers in bfloat16; absent where the engine has no such type. */
  readonly inBfloat16?: <T>(work: () => T) => T;
}

/**
 * Starts an engine and makes it the tfjs backend of this process. Starting the same engine again is harmless.
 *
 * @param choice `auto` takes the best engine that is there.
 * @throws EngineError for an unknown name, or when the engine cannot start (with the reason and the remedy).
 */
export async function startEngine(choice: EngineChoice): Promise<Engine> {
  if (!engineChoices.includes(choice)) {
    throw new EngineError(`unknown engine "${String(choice)}": expected ${engineChoices.join(", ")}`);
  }
  const engine = choice === "auto" ? await startBest() : await startNamed(choice, "asked for");
  registerGradients();
  return engine;
}

/** The first that is installed and can be used, in the order of `engineChoices`. */
async function startBest(): Promise<Engine> {
  const { backend, reason } = locateTensorflow();
  if (backend !== undefined) return startNamed("tensorflow", "the fastest that is installed");
  const without: string[] = [];
  if (reason !== "not installed") without.push(`the tensorflow engine cannot be taken: ${reason}`);
  if (locateWebgpu() !== undefined) {
    try {
      const { startWebgpu } = await import("./webgpu/start.ts");
      const description = await startWebgpu({ software: false });
      return { name: "webgpu", reason: "installed, and there is a GPU", description, recorder: undefined };
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      without.push(error.message);
    }
  }
  const advice = "it needs nothing but npm; `dmlc backend install tensorflow` gets a faster one";
  return startNamed("wasm", without.length > 0 ? without.join("; ") : advice);
}

async function startNamed(name: EngineName, reason: string): Promise<Engine> {
  return { name, reason, ...(await start(name)) };
}

/** Engines are loaded when they are started: none pays for another. */
async function start(name: EngineName): Promise<Omit<Engine, "name" | "reason">> {
  if (name === "wasm") {
    const { startWasm } = await import("./wasm/start.ts");
    const { wasmRecorder } = await import("./wasm/capture/recorder.ts");
    return { description: await startWasm(), recorder: wasmRecorder };
  }
  if (name === "webgpu") {
    const { startWebgpu } = await import("./webgpu/start.ts");
    return { description: await startWebgpu({ software: true }), recorder: undefined };
  }
  const { backend, reason } = locateTensorflow();
  if (backend === undefined) {
    throw new EngineError(
      `the tensorflow engine is not there (${reason}); \`dmlc backend install tensorflow\` installs it`,
    );
  }
  const { startTensorflow } = await import("./tensorflow/start.ts");
  return startTensorflow(backend);
}
