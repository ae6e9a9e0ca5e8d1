/**
 * Losses against a memory, over several steps, against pytorch-metric-learning's CrossBatchMemory
 * (test/golden/pml/generate_memory.py, which says what differs in the gradient).
 */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { interpretLoss } from "../../src/interpret/index.ts";
import type { Memory } from "../../src/interpret/index.ts";
import { lossOf, share } from "../golden/read.ts";
import { batchOf } from "./support.ts";

interface Golden {
  size: number;
  runs: {
    use: string;
    normalize: boolean;
    steps: { embeddings: number[][]; labels: number[]; value: number; gradient: number[][] }[];
  }[];
}

const golden = JSON.parse(
  readFileSync(new URL("../golden/pml/memory/losses.json", import.meta.url), "utf8"),
) as Golden;

describe.each(golden.runs)("$use", ({ steps, ...run }) => {
  it("equals the library's at every step", () => {
    const instance = lossOf(run);
    const columns = steps[0]!.embeddings[0]!.length;
    let memory: Memory = {
      size: golden.size,
      views: [{ rows: 0, columns, data: new Float64Array() }],
      labels: [],
      ids: [],
    };
    let seen = 0;
    steps.forEach(({ embeddings, labels, value, gradient }, step) => {
      const ids = labels.map(() => seen++);
      const batch = { ...batchOf(embeddings, labels, 4), ids, memory };
      const answer = interpretLoss(instance, batch, { gradient: true });
      expect(share([answer.value], [value]), `value of step ${step}`).toBeLessThanOrEqual(1e-9);
      expect(
        share(answer.gradient!.views[0]!, gradient.flat()),
        `gradient of step ${step}`,
      ).toBeLessThanOrEqual(1e-9);
      memory = answer.memory!;
    });
    expect(memory.ids).toHaveLength(golden.size);
  });
});
