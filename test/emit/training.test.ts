/** Emitted programs that train: gates, mined losses, states, memories and regularisers on generated images, in this process. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { checkFile, emitModel } from "../../src/compile.ts";
import { eraseTypes } from "../../src/emit/typescript/erase.ts";
import type { Memory } from "../../src/interpret/index.ts";
import { interpretLoss } from "../../src/interpret/index.ts";
import type { CombinePlan, ModelPlan } from "../../src/plan/plan.ts";
import { trainingBatches } from "../../src/runtime/data/batches.ts";
import { startEngine } from "../../src/runtime/engine/index.ts";
import * as runtime from "../../src/runtime/index.ts";
import type { Program } from "../../src/runtime/program.ts";
import { readSafetensors } from "../../src/runtime/report/safetensors.ts";
import { runProgram } from "../../src/runtime/run.ts";
import { disposeFeeds, makeFeeds } from "../../src/runtime/train/feeds.ts";
import { createOptimizer } from "../../src/runtime/train/optimizers.ts";
import { createStep } from "../../src/runtime/train/step.ts";
import type { Generation } from "../../src/runtime/train/tensors.ts";
import { initialGeneration } from "../../src/runtime/train/trainer.ts";
import { host } from "../check/harness.ts";
import { drawShapes, shapes } from "../train/shapes.ts";

const folder = mkdtempSync(join(tmpdir(), "dmlc-training-"));
afterAll(() => rmSync(folder, { recursive: true }));
beforeAll(async () => {
  await startEngine("wasm");
});

const equally = (losses: string): string =>
  `equal(${[...losses.matchAll(/^(\w+): /gm)].map(([, name]) => name).join(", ")})`;

const spec = (losses: string, optimizer: string, augment: string, combine: string): string => `
dataset images = folder("images") { image: gray(12x12), split: zero_shot(train: 0.5)${augment} }
loss apart() of (u, v) { mean[i] euclidean(u[i], v[i]) }
loss moving() {
  state m: real = 0 then 0.9 * m + 0.1 * mean[i] norm(x[i])
  mean[i, j | same(i, j)] relu(euclidean(x[i], x[j]) + m - 0.05)
}
model small {
  data: images
  backbone: conv(4, kernel: 3) |> relu |> max_pool(2)
  embedding: linear(8) |> normalize
  losses { ${losses} }
  combine: ${combine}
  train { batch: 4 classes * 3 samples  steps: 4  optimizer: ${optimizer} }
  evaluate { recall_at: [1] }
}`;

function planOf(
  losses: string,
  optimizer = "adamw(lr: 3e-3)",
  augment = "",
  combine = equally(losses),
): ModelPlan {
  const text = spec(losses, optimizer, augment, combine);
  const { diagnostics, models } = checkFile(host({ "spec.dml": text }), "spec.dml")!;
  const errors = diagnostics.filter(({ severity }) => severity === "error");
  if (errors.length > 0 || models.length !== 1)
    throw new Error(errors.map((each) => each.message).join("\n"));
  return models[0]!;
}

/** The plan with a gate in place of `equal`. */
function gated(plan: ModelPlan, name: "gated" | "soft_min" = "gated"): ModelPlan {
  const combine = { ...plan.combine, name, values: new Map() } as CombinePlan;
  return { ...plan, combine };
}

/** The program that a plan is emitted as, on generated images. */
async function programOf(plan: ModelPlan): Promise<Program> {
  const identity = { specFile: "spec.dml", specHash: "0".repeat(64), compiler: "dmlc" };
  const emitted = await emitModel(plan, identity);
  if (!("text" in emitted)) throw new Error(JSON.stringify(emitted.diagnostics.map((each) => each.message)));
  const body = eraseTypes(emitted.text)
    .replace(/^import [^;]*;$/m, "")
    .replace("export default program;", "")
    .replace("await main(program, import.meta.url);", "return program;");
  const names = Object.keys(runtime);
  const program = new Function(...names, body)(...names.map((name) => runtime[name as "tf"])) as Program;
  return { ...program, data: shapes(12, 6) };
}

/** What the first steps of a program leave, and what they said of its losses. */
function firstSteps(program: Program, steps: number): Generation & { losses: Record<string, number>[] } {
  const dataset = drawShapes(12, 6);
  const indices = Int32Array.from({ length: dataset.labels.length }, (_, k) => k);
  const batches = trainingBatches(dataset, indices, program.train.batch, program.augment, 1);
  const sizes = { classes: batches.classes };
  const specs = program.parameters(sizes);
  const optimizer = createOptimizer(program.train.optimizer, specs);
  const step = createStep(program, sizes, specs, optimizer);
  let generation = initialGeneration(program, sizes, specs, 1);
  const noise = program.noise?.(sizes) ?? [];
  const losses: Record<string, number>[] = [];
  for (let k = 0; k < steps; k++) {
    const { train, views } = program;
    const feeds = makeFeeds({ batches, optimizer, train, noise, steps, seed: 1, views }, k);
    const result = step(generation, feeds.batch, feeds.rates);
    losses.push(
      Object.fromEntries(Object.entries(result.values.losses).map(([name, v]) => [name, values(v)[0]!])),
    );
    generation = result;
    disposeFeeds(feeds);
  }
  return { ...generation, losses };
}

const values = (tensor: tf.Tensor): number[] => Array.from(tensor.dataSync());

const LOSSES = `rank: triplet(margin: 0.4) on semi_hard()
soft: multi_similarity()
many: soft_triple(centers: 2)`;

describe("a model with a gate", () => {
  test.each(["gated", "soft_min"] as const)("%s trains and is judged", async (name) => {
    const program = await programOf(gated(planOf(LOSSES), name));
    const out = join(folder, name);
    const results = await runProgram(program, {
      engine: "wasm",
      out,
      specDirectory: folder,
      projectRoot: folder,
      allowOutside: false,
      cacheDirectory: folder,
      reporter: { phase() {}, work() {}, step() {}, message() {}, close() {} },
    });
    expect(results.steps).toBe(4);
    const weights = ["rank", "soft", "many"].map((loss) => results.weights[loss]!);
    expect(weights.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 5);
    for (const weight of weights) expect(Math.abs(weight - 1 / 3)).toBeLessThan(0.1);
    expect(results.test.ensemble["recall_at_1"]).toBeGreaterThan(0);
  });

  test("starts with uniform gates, which are fixed equal weights", async () => {
    // Plain gradient descent: the step is the gradient.
    const plan = planOf(LOSSES, "sgd(lr: 0.5, momentum: 0)");
    const [equal, gate] = [await programOf(plan), await programOf(gated(plan))];
    const [left, right] = [firstSteps(equal, 1), firstSteps(gate, 1)];
    const start = firstSteps(equal, 0);
    let moved = 0;
    for (const [name, tensor] of Object.entries(left.parameters)) {
      const [a, b, from] = [tensor, right.parameters[name]!, start.parameters[name]!].map(values);
      a!.forEach((v, k) => {
        moved = Math.max(moved, Math.abs(v - from![k]!));
        expect(Math.abs(v - b![k]!), name).toBeLessThanOrEqual(1e-5 * Math.max(1, Math.abs(v)));
      });
    }
    expect(moved).toBeGreaterThan(1e-3);
  });
});

describe("a model whose losses are divided by the norms of their gradients", () => {
  test.each([
    ["", "of one view"],
    ["near: apart", "of two views"],
  ])("trains the same net whatever a loss is multiplied by %s%s", async (more) => {
    const names = ["rank", "many", ...(more === "" ? [] : ["near"])];
    const losses = `rank: triplet(margin: 0.4)\nmany: soft_triple(centers: 2)\n${more}`;
    const by = async (factor: string) => {
      const combine = `equal(${factor}rank, ${names.slice(1).join(", ")}, scale: gradient_norm)`;
      const augment = ", augment: affine(rotate: 20deg)";
      return firstSteps(await programOf(planOf(losses, "sgd(lr: 0.1)", augment, combine)), 4);
    };
    const [plain, times] = [await by(""), await by("100 * ")];
    const scales = [plain, times].map(({ state }) => values(state["combine/sum"]!));
    expect(scales[0]!.every((scale) => scale > 0)).toBe(true);
    expect(scales[1]![0]! / scales[0]![0]!).toBeCloseTo(100, 1);
    for (const [name, tensor] of Object.entries(plain.parameters)) {
      const other = values(times.parameters[name]!);
      values(tensor).forEach((v, k) => expect(Math.abs(v - other[k]!), name).toBeLessThan(1e-4));
    }
  });
});

describe("a model with a state", () => {
  test("keeps it between steps", async () => {
    const program = await programOf(planOf("pull: contrastive(margin: 0.5)\nmove: moving"));
    expect(program.state({ classes: 3 })).toContainEqual({ name: "losses/move/m", shape: [], initial: 0 });
    // Embeddings have length 1.
    expect(values(firstSteps(program, 3).state["losses/move/m"]!)[0]).toBeCloseTo(1 - 0.9 ** 3, 5);
  });
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
    const program = await programOf(planOf(LOSSES));
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
    const plan = planOf(LOSSES);
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
    const with_ = firstSteps(await programOf(planOf(LOSSES, sgd)), 1);
    const without = firstSteps(await programOf(planOf(LOSSES.replaceAll(" against memory(20)", ""), sgd)), 1);
    for (const [name, tensor] of Object.entries(without.parameters)) {
      const other = values(with_.parameters[name]!);
      values(tensor).forEach((v, k) => expect(Math.abs(v - other[k]!), name).toBeLessThanOrEqual(1e-5));
    }
  });

  test("trains below a gate; its weights are without what it remembers", async () => {
    const program = await programOf(gated(planOf(LOSSES)));
    const out = join(folder, "remembering");
    const results = await runProgram(program, {
      engine: "wasm",
      out,
      specDirectory: folder,
      projectRoot: folder,
      allowOutside: false,
      cacheDirectory: folder,
      reporter: { phase() {}, work() {}, step() {}, message() {}, close() {} },
    });
    expect(results.test.ensemble["recall_at_1"]).toBeGreaterThan(0);
    const { tensors } = await readSafetensors(join(out, "weights.safetensors"));
    expect([...tensors.keys()].filter((name) => name.startsWith("memory"))).toEqual([]);
    expect(tensors.has("backbone/0.conv/filter")).toBe(true);
  });
});

describe("a model of two views", () => {
  const LOSS = "near: apart\nrank: triplet(margin: 0.4)";
  const AUGMENT = ", augment: affine(rotate: 20deg, shift: 0.1)";

  test("draws each sample twice, augmented anew; losses of one view read the first", async () => {
    const twice = await programOf(planOf(LOSS, undefined, AUGMENT));
    expect(twice.views).toBe(2);
    const once = await programOf(planOf("rank: triplet(margin: 0.4)", undefined, AUGMENT));
    expect(once.views).toBeUndefined();
    const [both] = firstSteps(twice, 1).losses;
    const [alone] = firstSteps(once, 1).losses;
    expect(both!["near"]).toBeGreaterThan(1e-3);
    expect(both!["rank"]).toBeCloseTo(alone!["rank"]!, 5);
  });

  test("without augmentation has twice the same", async () => {
    const [said] = firstSteps(await programOf(planOf(LOSS)), 1).losses;
    expect(said!["near"]).toBe(0);
  });

  test("trains on statistics of both", async () => {
    const losses = "flat: vicreg() with linear(8)\nrank: triplet(margin: 0.4)";
    const said = firstSteps(await programOf(planOf(losses, undefined, AUGMENT)), 8).losses;
    expect(said.every((each) => Object.values(each).every(Number.isFinite))).toBe(true);
    expect(said.at(-1)!["flat"]).toBeLessThan(said[0]!["flat"]!);
  });
});
