/** Emitted programs that train against a memory, over steps in which it fills and wraps around, in this process. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Memory } from "../../src/interpret/index.ts";
import { interpretLoss } from "../../src/interpret/index.ts";
import { trainingBatches } from "../../src/runtime/data/batches.ts";
import { startEngine } from "../../src/runtime/engine/index.ts";
import type { Program } from "../../src/runtime/program.ts";
import { capturedStep } from "../../src/runtime/train/captured_step.ts";
import { readSafetensors } from "../../src/runtime/report/safetensors.ts";
import { drawShapes } from "../train/shapes.ts";
import { runInto } from "../train/running.ts";
import { smallModel } from "./small_model.ts";
import { firstSteps, programOf, values } from "./trained.ts";

const folder = mkdtempSync(join(tmpdir(), "dmlc-memory-"));
afterAll(() => rmSync(folder, { recursive: true }));
beforeAll(async () => {
  await startEngine("wasm");
});

describe("a model with a memory", () => {
  const LOSSES = `pull: contrastive(margin: 0.5) against memory(20)
soft: multi_similarity() on multi_similarity() against memory(20)
rank: triplet(margin: 0.4)`;
  const rows = (data: readonly number[], count: number): Float64Array =>
    Float64Array.from(data.slice(data.length - 8 * count));

  /** What the steps leave of the head `pull`: the samples that are remembered, the oldest first. */
  function memoryAfter(program: Program, steps: number): Memory {
    const { state } = firstSteps(program, steps);
    const [labels, ids] = ["labels", "ids"].map((name) =>
      values(state[`memory/20/${name}`]!).filter((v) => v >= 0),
    );
    const data = rows(values(state["memory/20/embeddings/pull"]!), labels!.length);
    return { size: 20, views: [{ rows: labels!.length, columns: 8, data }], labels: labels!, ids: ids! };
  }

  test("remembers the samples of the last steps, and forgets the oldest", async () => {
    const program = await programOf(smallModel(LOSSES));
    const dataset = drawShapes(12, 6);
    const batches = trainingBatches(
      dataset,
      Int32Array.from(dataset.labels.keys()),
      program.train.batch,
      [],
      1,
    );
    expect(program.state({ classes: 3 }).map(({ name, shape }) => [name, shape])).toEqual([
      ["memory/20/embeddings/pull", [20, 8]],
      ["memory/20/labels", [20]],
      ["memory/20/ids", [20]],
      ["memory/20/embeddings/soft", [20, 8]],
      ...program
        .state({ classes: 3 })
        .filter(({ transient }) => transient !== true)
        .map(({ name, shape }) => [name, shape]),
    ]);
    for (const steps of [0, 1, 2, 5]) {
      const past = Array.from({ length: steps }, (_, step) => [...batches.samples(step)]).flat();
      const { ids, labels, views } = memoryAfter(program, steps);
      expect(ids).toEqual(past.slice(-20));
      expect(labels).toEqual(past.slice(-20).map((sample) => dataset.labels[sample]));
      for (let row = 0; row < ids.length; row++)
        expect(Math.hypot(...views[0]!.data.subarray(8 * row, 8 * row + 8))).toBeCloseTo(1, 4);
    }
  });

  test("takes the losses of the batch and of what is remembered, as the interpreter does", async () => {
    const plan = smallModel(LOSSES);
    const program = await programOf(plan);
    const { losses } = firstSteps(program, 5);
    for (const step of [0, 1, 2, 4]) {
      // What a step leaves holds the embeddings that it saw of its own batch.
      const [before, after] = [memoryAfter(program, step), memoryAfter(program, step + 1)];
      const batch = {
        views: [{ rows: 12, columns: 8, data: after.views[0]!.data.slice(-96) }],
        labels: after.labels.slice(-12),
        ids: after.ids.slice(-12),
        classes: 12,
      };
      const { instance } = plan.losses[0]!;
      const { value } = interpretLoss(instance, { ...batch, memory: before });
      expect(losses[step]!["pull"]).toBeCloseTo(value, 4);
      if (step > 0) expect(Math.abs(value - interpretLoss(instance, batch).value)).toBeGreaterThan(1e-3);
    }
  });

  test("takes the first step of a model without one", async () => {
    const sgd = "sgd(lr: 0.5, momentum: 0)";
    const with_ = firstSteps(await programOf(smallModel(LOSSES, { optimizer: sgd })), 1);
    const without = firstSteps(
      await programOf(smallModel(LOSSES.replaceAll(" against memory(20)", ""), { optimizer: sgd })),
      1,
    );
    for (const [name, tensor] of Object.entries(without.parameters)) {
      const other = values(with_.parameters[name]!);
      values(tensor).forEach((v, k) => expect(Math.abs(v - other[k]!), name).toBeLessThanOrEqual(1e-5));
    }
  });

  test("takes the same steps with heads computed together", async () => {
    const plan = smallModel(LOSSES);
    const [apart, together] = [await programOf(plan), await programOf(plan, { stacked: true })];
    const [left, right] = [firstSteps(apart, 4).losses, firstSteps(together, 4).losses];
    left.forEach((losses, step) => {
      for (const [name, value] of Object.entries(losses)) expect(right[step]![name]).toBeCloseTo(value, 4);
    });
  });

  test("takes the same steps captured, over a memory that wraps around", async () => {
    const { recorder } = await startEngine("wasm");
    const program = await programOf(smallModel(LOSSES));
    const notes: string[] = [];
    const eager = firstSteps(program, 7);
    const captured = firstSteps(
      program,
      7,
      (step) => capturedStep(recorder, step, (note) => notes.push(note)).step,
    );
    expect(notes).toEqual(["training step: captured"]);
    captured.losses.forEach((losses, step) => {
      for (const [name, value] of Object.entries(losses))
        expect(eager.losses[step]![name]).toBeCloseTo(value, 4);
    });
    for (const name of ["memory/20/ids", "memory/20/labels"])
      expect(values(captured.state[name]!)).toEqual(values(eager.state[name]!));
  });

  test("trains below a gate; its weights are without what it remembers", async () => {
    const program = await programOf(smallModel(LOSSES, { combine: "gated(pull, soft, rank)" }));
    const out = join(folder, "remembering");
    const results = await runInto(out, program);
    expect(results.test.ensemble["recall_at_1"]).toBeGreaterThan(0);
    const { tensors } = await readSafetensors(join(out, "weights.safetensors"));
    expect([...tensors.keys()].filter((name) => name.startsWith("memory"))).toEqual([]);
    expect(tensors.has("backbone/0.conv/filter")).toBe(true);
  });
});
