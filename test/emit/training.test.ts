/** Emitted programs that train: gates, mined losses, states and regularisers on generated images, in this process. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { CombinePlan, ModelPlan } from "../../src/plan/plan.ts";
import { startEngine } from "../../src/runtime/engine/index.ts";
import { runInto } from "../train/running.ts";
import { smallModel } from "./small_model.ts";
import { firstSteps, programOf, values } from "./trained.ts";

const folder = mkdtempSync(join(tmpdir(), "dmlc-training-"));
afterAll(() => rmSync(folder, { recursive: true }));
beforeAll(async () => {
  await startEngine("wasm");
});

/** The plan with a gate in place of `equal`. */
function gated(plan: ModelPlan, name: "gated" | "soft_min" = "gated"): ModelPlan {
  const combine = { ...plan.combine, name, values: new Map() } as CombinePlan;
  return { ...plan, combine };
}

const LOSSES = `rank: triplet(margin: 0.4) on semi_hard()
soft: multi_similarity()
many: soft_triple(centers: 2)`;

test("a precision is part of the program where it is not the usual one", async () => {
  const precisionOf = async (settings: string): Promise<unknown> =>
    (
      await programOf(
        smallModel("pull: contrastive()", { optimizer: `adamw()  ${settings}`, combine: "pull" }),
      )
    ).train.precision;
  expect(await precisionOf("")).toBeUndefined();
  expect(await precisionOf("precision: float32")).toBeUndefined();
  expect(await precisionOf("precision: bfloat16")).toBe("bfloat16");
});

describe("a model with a gate", () => {
  test.each(["gated", "soft_min"] as const)("%s trains and is judged", async (name) => {
    const program = await programOf(gated(smallModel(LOSSES), name));
    const out = join(folder, name);
    const results = await runInto(out, program);
    expect(results.steps).toBe(4);
    const weights = ["rank", "soft", "many"].map((loss) => results.weights[loss]!);
    expect(weights.reduce((sum, weight) => sum + weight, 0)).toBeCloseTo(1, 5);
    for (const weight of weights) expect(Math.abs(weight - 1 / 3)).toBeLessThan(0.1);
    expect(results.test.ensemble["recall_at_1"]).toBeGreaterThan(0);
  });

  test("starts with uniform gates, which are fixed equal weights", async () => {
    // Plain gradient descent: the step is the gradient.
    const plan = smallModel(LOSSES, { optimizer: "sgd(lr: 0.5, momentum: 0)" });
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
      const augment = "affine(rotate: 20deg)";
      return firstSteps(
        await programOf(smallModel(losses, { optimizer: "sgd(lr: 0.1)", augment, combine })),
        4,
      );
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
    const program = await programOf(smallModel("pull: contrastive(margin: 0.5)\nmove: moving"));
    expect(program.state({ classes: 3 })).toContainEqual({ name: "losses/move/m", shape: [], initial: 0 });
    // Embeddings have length 1.
    expect(values(firstSteps(program, 3).state["losses/move/m"]!)[0]).toBeCloseTo(1 - 0.9 ** 3, 5);
  });
});

describe("a model of two views", () => {
  const LOSS = "near: apart\nrank: triplet(margin: 0.4)";
  const AUGMENT = "affine(rotate: 20deg, shift: 0.1)";

  test("draws each sample twice, augmented anew; losses of one view read the first", async () => {
    const twice = await programOf(smallModel(LOSS, { augment: AUGMENT }));
    expect(twice.views).toBe(2);
    const once = await programOf(smallModel("rank: triplet(margin: 0.4)", { augment: AUGMENT }));
    expect(once.views).toBeUndefined();
    const [both] = firstSteps(twice, 1).losses;
    const [alone] = firstSteps(once, 1).losses;
    expect(both!["near"]).toBeGreaterThan(1e-3);
    expect(both!["rank"]).toBeCloseTo(alone!["rank"]!, 5);
  });

  test("without augmentation has twice the same", async () => {
    const [said] = firstSteps(await programOf(smallModel(LOSS)), 1).losses;
    expect(said!["near"]).toBe(0);
  });

  test("trains on statistics of both", async () => {
    const losses = "flat: vicreg() with linear(8)\nrank: triplet(margin: 0.4)";
    const said = firstSteps(await programOf(smallModel(losses, { augment: AUGMENT })), 8).losses;
    expect(said.every((each) => Object.values(each).every(Number.isFinite))).toBe(true);
    expect(said.at(-1)!["flat"]).toBeLessThan(said[0]!["flat"]!);
  });
});
