/** The log of a run, `log.jsonl`: one JSON object a line, appended as training goes. Touches the disk. */
import { appendFileSync, writeFileSync } from "node:fs";
import type { ReadValues } from "./values.ts";

export interface RunLog {
  /** The values of a step (1-based) and the schedule's factor at it. */
  values(step: number, values: ReadValues, rate: number): void;
  /** A score on the validation classes after a step. */
  score(step: number, metric: string, score: number, best: boolean): void;
  /** Anything else worth keeping: what was left out of the data, why training ended. */
  note(text: string): void;
}

/** Starts an empty log at `path`. */
export function createLog(path: string): RunLog {
  writeFileSync(path, "");
  const append = (entry: object): void => appendFileSync(path, `${JSON.stringify(entry)}\n`);
  return {
    values(step, { total, losses, weights, groups, gradientNorm }, rate) {
      const grouped = groups === undefined ? {} : { group_weights: groups };
      append({ step, total, losses, weights, ...grouped, gradient_norm: gradientNorm, rate });
    },
    score(step, metric, score, best) {
      append({ step, validation: { [metric]: score }, best });
    },
    note(text) {
      append({ note: text });
    },
  };
}
