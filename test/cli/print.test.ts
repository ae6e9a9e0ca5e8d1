/** `dmlc compile --print`: the graph of the losses as they are written, and as each pass leaves it. */
import { afterAll, expect, test } from "vitest";
import { PASS_NAMES } from "../../src/ir/passes/optimise.ts";
import { dmlc, folder } from "./support.ts";

const SPEC = `
dataset images = folder("images") { image: gray(12x12), split: zero_shot(train: 0.5) }
model small {
  data: images
  backbone: conv(4, kernel: 3) |> relu |> max_pool(2)
  embedding: linear(8) |> normalize
  losses {
    near: contrastive(positive_margin: 0)
    far: contrastive(margin: 0.7)
    soft: multi_similarity()
    many: soft_triple(centers: 2, tau: 0)
  }
  combine: near + far + soft + many
  train { batch: 32 classes * 4 samples  steps: 3 }
}`;

const files = folder();
afterAll(() => files.clean());
const spec = files.write("spec.dml", SPEC);

async function printed(stage: string, ...more: string[]): Promise<string> {
  const { code, out, err } = await dmlc("compile", spec, "--print", stage, ...more);
  expect({ code, err }).toEqual({ code: 0, err: "" });
  return out;
}

const count = (text: string, kind: string): number =>
  text.split("\n").filter((line) => line.includes(` = ${kind}(`)).length;

test("ir is each loss by itself, as it is written", async () => {
  const text = await printed("ir");
  for (const name of ["near", "far", "soft", "many"])
    expect(text).toMatch(new RegExp(`^${name}: %\\d+$`, "m"));
  expect(count(text, "labels")).toBe(4);
  expect(count(text, "same")).toBe(3);
});

test("ir:PASS is what the pass leaves", async () => {
  const after = new Map<string, string>();
  for (const name of PASS_NAMES) after.set(name, await printed(`ir:${name}`));
  const has = (name: string, kind: string): number => count(after.get(name)!, kind);
  expect([has("share", "labels"), has("share", "same")]).toEqual([1, 1]);
  // contrastive subtracts a positive margin of 0, and takes the positive part of a distance.
  expect([has("share", "sub") - has("fold", "sub"), has("share", "relu") - has("fold", "relu")]).toEqual([
    2, 2,
  ]);
  expect([has("fold", "log1p_sum_exp"), has("stabilise", "log1p_sum_exp")]).toEqual([0, 2]);
  expect([has("stabilise", "take"), has("stack", "take")]).toEqual([0, 2]);
  expect([has("stabilise", "same"), has("specialise-batch", "same")]).toEqual([1, 0]);
  expect([has("specialise-batch", "lt"), has("prune", "lt")]).toEqual([1, 0]);
  expect([has("prune", "in_blocks"), has("chunk", "in_blocks")]).toEqual([0, 1]);
});

test("heads are put together only where that is asked for", async () => {
  expect(count(await printed("ir:prune"), "take")).toBe(0);
  expect(count(await printed("ir:prune", "--stack"), "take")).toBe(2);
});
