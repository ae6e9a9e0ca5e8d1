/** Heads of one shape computed together: the same training as one by one, and what the program looks like. */
import { beforeAll, describe, expect, test } from "vitest";
import { checkFile, emitModel } from "../../src/compile.ts";
import type { ModelPlan } from "../../src/plan/plan.ts";
import { startEngine } from "../../src/runtime/engine/index.ts";
import { host } from "../check/harness.ts";
import { firstSteps, programOf, values } from "./trained.ts";

beforeAll(async () => {
  await startEngine("wasm");
});

const LOSSES = `
  pull: contrastive(margin: 0.5)
  rank: triplet(margin: 0.2)
  soft: multi_similarity()
  own: contrastive() with linear(6) |> normalize
  arc: arcface(scale: 8)
  smooth: multi_similarity(beta: 20)
  deep: contrastive() with conv(4) |> relu |> linear(8) |> normalize`;
const ALL = "pull, rank, soft, own, arc, smooth, deep";

function planOf(combine: string): ModelPlan {
  const text = `
dataset images = folder("images") { image: gray(12x12), split: zero_shot(train: 0.5) }
model small {
  data: images
  backbone: conv(4, kernel: 3) |> relu |> max_pool(2)
  embedding: linear(8) |> tanh |> normalize
  losses {${LOSSES}
  }
  combine: ${combine}
  train { batch: 4 classes * 3 samples  steps: 3  optimizer: sgd(lr: 0.1, momentum: 0) }
}`;
  const { diagnostics, models } = checkFile(host({ "spec.dml": text }), "spec.dml")!;
  const errors = diagnostics.filter(({ severity }) => severity === "error");
  if (errors.length > 0) throw new Error(errors.map((each) => each.message).join("\n"));
  return models[0]!;
}

async function textOf(plan: ModelPlan, stacked: boolean): Promise<string> {
  const identity = { specFile: "spec.dml", specHash: "0".repeat(64), compiler: "dmlc" };
  const emitted = await emitModel(plan, identity, { stacked });
  return "text" in emitted ? emitted.text : "";
}

describe("heads of one shape", () => {
  test.each([`equal(${ALL})`, `learned(${ALL})`])(
    "learn together what they learn apart: %s",
    async (combine) => {
      const plan = planOf(combine);
      const apart = await programOf(plan);
      const together = await programOf(plan, { stacked: true });
      const sizes = { classes: 5 };
      // The same parameters by the same names, so the same first values.
      const described = (program: typeof apart): string[] =>
        program.parameters(sizes).map(({ name, shape }) => `${name} ${shape.join("x")}`);
      expect(described(together).toSorted()).toEqual(described(apart).toSorted());
      const [left, right] = [firstSteps(apart, 3), firstSteps(together, 3)];
      left.losses.forEach((step, k) => {
        for (const [name, value] of Object.entries(step))
          expect(Math.abs(right.losses[k]![name]! - value), name).toBeLessThan(2e-5 * Math.max(1, value));
      });
      for (const [name, tensor] of Object.entries(left.parameters)) {
        const other = values(right.parameters[name]!);
        values(tensor).forEach((v, k) => expect(Math.abs(other[k]! - v), name).toBeLessThan(2e-5));
      }
    },
  );

  test("are one product of the features, and their distances one of the embeddings", async () => {
    const text = (await textOf(planOf(`equal(${ALL})`), true)).replace(/\s+/g, " ");
    expect(text).toContain("const [pull, rank, soft, arc, smooth] = tf.unstack(");
    expect(text.match(/nn\.stackedLinear\(/g)).toHaveLength(1);
    expect(text.match(/ops\.squaredDistancesFromGram\(/g)).toHaveLength(2);
    expect(text).toContain('nn.linear(features, net, "heads/own/0.linear"');
    expect(text).toMatch(/tf\.unstack\( ?ops\.gram\(embeddingsOfHeads/);
  });

  test("stay apart unless it is asked for, and where each loss has a gradient of its own", async () => {
    expect(await textOf(planOf(`equal(${ALL})`), false)).not.toMatch(/unstack|stackedLinear/);
    for (const combine of [`pcgrad(${ALL})`, `equal(${ALL}, scale: gradient_norm)`])
      expect(await textOf(planOf(combine), true), combine).toBe(await textOf(planOf(combine), false));
  });
});
