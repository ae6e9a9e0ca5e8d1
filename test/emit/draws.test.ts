/** Emitted programs that draw at random and keep states, over several steps in this process: eager, captured, resumed. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { checkFile } from "../../src/compile.ts";
import { initialStates, interpretLoss } from "../../src/interpret/index.ts";
import type { ModelPlan } from "../../src/plan/plan.ts";
import { startEngine } from "../../src/runtime/engine/index.ts";
import type { Program } from "../../src/runtime/program.ts";
import { readSafetensors } from "../../src/runtime/report/safetensors.ts";
import { capturedStep } from "../../src/runtime/train/captured_step.ts";
import { host } from "../check/harness.ts";
import { runInto } from "../train/running.ts";
import { specs } from "./emitted.ts";
import { firstSteps, programOf, values } from "./trained.ts";

const STEPS = 7;
const folder = mkdtempSync(join(tmpdir(), "dmlc-draws-"));
let plan: ModelPlan;
let program: Program;

afterAll(() => rmSync(folder, { recursive: true }));
beforeAll(async () => {
  await startEngine("wasm");
  const text = readFileSync(specs.get("drawing")!, "utf8");
  plan = checkFile(host({ "spec.dml": text }), "spec.dml")!.models[0]!;
  program = await programOf(plan);
});

describe("a model that draws", () => {
  test("declares its noise and its states, with the sizes of a batch", () => {
    const noise = program.noise!({ classes: 6 }).map(({ name, shape }) => [name, ...shape]);
    expect(noise).toEqual([
      ["losses/rank/miner/sample", 12, 12],
      ["losses/pull/miner/sample", 12, 12],
      ["losses/far/miner/sample", 12, 28],
      ["losses/dice/sample", 12],
    ]);
    const kept = program.state({ classes: 6 }).filter(({ transient }) => transient !== true);
    expect(kept.map(({ name, shape }) => [name, ...shape])).toEqual([
      ["losses/soft/h", 11],
      ["losses/center/c", 6, 8],
    ]);
  });

  test("draws anew at each step what the interpreter draws, captured too", async () => {
    const { recorder } = await startEngine("wasm");
    const notes: string[] = [];
    const eager = firstSteps(program, STEPS);
    const captured = firstSteps(
      program,
      STEPS,
      (step) => capturedStep(recorder, step, (note) => notes.push(note)).step,
    );
    expect(notes).toEqual(["training step: captured"]);
    const { instance } = plan.losses.find(({ name }) => name === "dice")!;
    // Embeddings of unit length: the loss is the mean of the dice.
    const unit = {
      rows: 12,
      columns: 8,
      data: Float64Array.from({ length: 96 }, (_, k) => (k % 8 === 0 ? 1 : 0)),
    };
    const thrown = Array.from({ length: STEPS }, (_, step) => {
      const randomness = { seed: 1, step };
      return interpretLoss(instance, { views: [unit], labels: Array(12).fill(0), classes: 1, randomness })
        .value;
    });
    expect(new Set(thrown.map((value) => value.toFixed(6))).size).toBeGreaterThan(STEPS - 2);
    for (const { losses } of [eager, captured])
      losses.forEach((each, step) => expect(each["dice"]).toBeCloseTo(thrown[step]!, 4));
    captured.losses.forEach((losses, step) => {
      for (const [name, value] of Object.entries(losses))
        expect(value, `${name} at step ${step}`).toBeCloseTo(eager.losses[step]![name]!, 4);
    });
    for (const name of ["losses/soft/h", "losses/center/c"]) {
      const other = values(captured.state[name]!);
      values(eager.state[name]!).forEach((v, k) => expect(other[k], name).toBeCloseTo(v, 4));
    }
  });

  test("starts a state from its initialiser, as the interpreter does, and keeps it with the weights", async () => {
    const { instance } = plan.losses.find(({ name }) => name === "center")!;
    const first = initialStates(instance, { classes: 12, dim: 8 }, 1).get("c")!.data;
    const { state } = firstSteps(program, 0);
    expect(values(state["losses/center/c"]!)).toEqual(Array.from(Float32Array.from(first)));
    const out = join(folder, "drawing");
    await runInto(out, program);
    const { tensors } = await readSafetensors(join(out, "weights.safetensors"));
    expect(tensors.get("losses/center/c")?.shape).toEqual([6, 8]);
    const shares = [...tensors.get("losses/soft/h")!.data];
    expect(shares.reduce((sum, each) => sum + each, 0)).toBeCloseTo(1, 4);
    expect(Math.max(...shares)).toBeLessThan(1);
  });
});
