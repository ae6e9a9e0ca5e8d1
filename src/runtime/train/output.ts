/**
 * The folder of a run: `log.jsonl`, `weights.safetensors`, `results.json` and, where asked for, `trace.json`. Touches the
 * disk; what cannot be written is a `RunError` that names the path.
 */
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { systemCode } from "../data/errors.ts";
import { RunError } from "../errors.ts";
import type { Program } from "../program.ts";
import { writeFileAtomic } from "../report/atomic_write.ts";
import { writeResults } from "../report/results.ts";
import type { Results } from "../report/results.ts";
import { writeSafetensors } from "../report/safetensors.ts";
import type { StoredTensor } from "../report/safetensors.ts";
import { createLog } from "./log.ts";
import type { RunLog } from "./log.ts";

export interface RunOutput {
  readonly log: RunLog;
  /** Writes the weights that stood after `step` steps; returns the file's path. */
  saveWeights(tensors: ReadonlyMap<string, StoredTensor>, step: number): Promise<string>;
  saveResults(results: Results): Promise<void>;
  /** Writes `trace.json`; returns its path. */
  saveTrace(text: string): Promise<string>;
}

/**
 * Makes the folder `out` if need be and starts its log. The results and the profile of an earlier run are removed, its
 * weights stay.
 */
export async function openOutput(out: string, program: Program, seed: number): Promise<RunOutput> {
  const results = join(out, "results.json");
  const weights = join(out, "weights.safetensors");
  const trace = join(out, "trace.json");
  const log = await writing(out, async () => {
    await mkdir(out, { recursive: true });
    await rm(results, { force: true });
    await rm(trace, { force: true });
    return createLog(join(out, "log.jsonl"));
  });
  return {
    log,
    async saveWeights(tensors, step) {
      const metadata = {
        model: program.name,
        spec_hash: program.spec.hash,
        compiler: program.compiler,
        seed: String(seed),
        step: String(step),
      };
      await writing(weights, () => writeSafetensors(weights, tensors, metadata));
      return weights;
    },
    async saveResults(measured) {
      await writing(results, () => writeResults(results, measured));
    },
    async saveTrace(text) {
      await writing(trace, () => writeFileAtomic(trace, text));
      return trace;
    },
  };
}

/** Runs `write`; what the system refuses becomes a `RunError`, a mistake of ours stays what it is. */
async function writing<T>(path: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (cause) {
    if (systemCode(cause) === undefined) throw cause;
    throw new RunError(
      `cannot write to ${path}: ${(cause as Error).message}`,
      "Make room there, or choose another folder with --out.",
      { cause },
    );
  }
}
