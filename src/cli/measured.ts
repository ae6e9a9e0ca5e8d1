/**
 * What was measured before on the task of a spec: `NAME.measured.json` beside `NAME.dml`, written by a benchmark and
 * committed. `dmlc run` prints it beside its own results, as long as the spec is still the one that was measured.
 */
import { existsSync, readFileSync } from "node:fs";
import { z } from "zod";
import type { Metrics } from "../runtime/evaluate/evaluate.ts";

const schema = z.object({
  /** Of the spec it stands beside. */
  spec_hash: z.string(),
  rows: z.array(z.object({ label: z.string(), metrics: z.record(z.string(), z.number()) })),
});

export interface MeasuredRow {
  readonly label: string;
  readonly metrics: Metrics;
}

/** The rows for a spec of this hash; none where there is no such file, or it is of another spec, or cannot be read. */
export function measuredBeside(file: string, specHash: string): readonly MeasuredRow[] {
  const path = file.replace(/\.dml$/i, ".measured.json");
  if (path === file || !existsSync(path)) return [];
  try {
    const measured = schema.parse(JSON.parse(readFileSync(path, "utf8")));
    return measured.spec_hash === specHash ? measured.rows : [];
  } catch {
    // It is only something to compare with: a run never fails for it.
    return [];
  }
}
