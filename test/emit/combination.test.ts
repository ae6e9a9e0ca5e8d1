/** Emission of every strategy, from plans: what the checker lets through is another matter. */
import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { checkFile, emitModel } from "../../src/compile.ts";
import type { CombinePlan, ModelPlan } from "../../src/plan/plan.ts";
import type { Value } from "../../src/resolve/values.ts";
import { host } from "../check/harness.ts";
import { specs } from "./emitted.ts";
import { typeCheck } from "./type_check.ts";

let model: ModelPlan;
beforeAll(() => {
  const text = readFileSync(specs.get("nested")!, "utf8");
  model = checkFile(host({ "nested.dml": text }), "nested.dml")!.models[0]!;
});

const loss = (name: string): CombinePlan => ({ kind: "loss", name, span: model.combine.span });

function strategy(
  name: string,
  path: string,
  settings: Record<string, number | string>,
  operands: Record<string, CombinePlan>,
): CombinePlan {
  const values = new Map<string, Value>(
    Object.entries(settings).map(([key, value]) => [
      key,
      typeof value === "number" ? { kind: "number", value } : { kind: "word", value },
    ]),
  );
  const named = Object.entries(operands).map(([each, node]) => ({ name: each, node }));
  return { kind: "strategy", name, path, values, needs: [], operands: named, span: model.combine.span };
}

const sum = (terms: Record<string, readonly [number, CombinePlan]>): CombinePlan => ({
  kind: "sum",
  terms: Object.values(terms).map(([coefficient, node]) => ({ coefficient, node })),
  span: model.combine.span,
});
const of = (...names: string[]): Record<string, CombinePlan> =>
  Object.fromEntries(names.map((name) => [name, loss(name)]));

async function emitted(combine: CombinePlan): Promise<string> {
  const result = await emitModel(
    { ...model, combine },
    { specFile: "nested.dml", specHash: "0".repeat(64), compiler: "dmlc 0.0.0" },
  );
  if ("text" in result) return result.text;
  throw new Error(JSON.stringify(result.diagnostics));
}

/** The text with its white space and trailing commas evened out, to look for calls in. */
const flat = (text: string): string =>
  text
    .replace(/\s+/g, " ")
    .replace(/, }/g, " }")
    .replace(/,? ([)\]])/g, "$1")
    .replace(/([([]) /g, "$1");

/** The strategies, each in a program with the other losses beside it. */
const programs: Record<string, { plan: () => CombinePlan; holds: readonly string[] }> = {
  gated: {
    plan: () =>
      sum({
        gate: [1, strategy("gated", "combine/0", { top: 2 }, of("pull", "rank", "soft", "arc"))],
        anchor: [0.1, loss("anchor")],
      }),
    holds: [
      'strategies.gated(context, "combine/0", [',
      '[["pull"], ["rank"], ["soft"], ["arc"]], { top: 2, samples: 4 })',
      'strategies.gateParameters("combine/0", 8, 4)',
      'strategies.scaleState("combine/0", 4)',
      "headWeights(features: tf.Tensor2D, net: Net): HeadWeights",
      '...strategies.gateHeadWeights(features, net, "combine/0", [["pull"], ["rank"], ["soft"], ["arc"]], { top: 2, share: 0.8 })',
    ],
  },
  gates_in_gates: {
    plan: () =>
      sum({
        gate: [
          1,
          strategy(
            "gated",
            "combine/0",
            { top: 0, temperature: 0.5, balance: 0.1 },
            {
              rank: loss("rank"),
              both: sum({
                soft: [0.5, loss("soft")],
                gate: [0.5, strategy("gated", "combine/0/1/1", {}, of("pull", "arc"))],
              }),
            },
          ),
        ],
        anchor: [1, loss("anchor")],
      }),
    holds: [
      "{ temperature: 0.5, balance: 0.1, samples: 4 })",
      '[["rank"], { soft: tf.scalar(1 / 3), ...strategies.gateHeadWeights(context.features, context.net, "combine/0/1/1", [["pull"], ["arc"]], { share: 0.6666666666666666 })',
      '...strategies.gateHeadWeights(features, net, "combine/0", [["rank"], { soft: tf.scalar(1 / 3), ...strategies.gateHeadWeights(features, net, "combine/0/1/1"',
    ],
  },
  hierarchical: {
    plan: () =>
      strategy(
        "hierarchical",
        "combine",
        { by: "learned" },
        {
          pairs: strategy(
            "learned",
            "combine/pairs",
            { floor: 0.25, scale: "running_mean" },
            of("pull", "rank", "soft"),
          ),
          "it's \"": strategy("equal", "combine/1", { scale: "running_mean" }, of("arc", "anchor")),
        },
      ),
    holds: [
      'strategies.hierarchical(context.net, "combine", [["pairs", strategies.learned(context.net, "combine/pairs"',
      '["it\'s \\"", strategies.equal(',
      'strategies.hierarchicalParameters("combine", 2, { by: "learned" })',
    ],
  },
  measured: {
    plan: () =>
      strategy(
        "hierarchical",
        "combine",
        { by: "equal", scale: "gradient_norm" },
        {
          pairs: strategy("learned", "combine/0", { floor: 0.5, scale: "none" }, of("pull", "rank", "soft")),
          rest: strategy("equal", "combine/1", { scale: "gradient_norm" }, of("arc", "anchor")),
        },
      ),
    holds: [
      "trunk: features, heads: {",
      '{ by: "equal", scale: "gradient_norm", trunk: context.trunk! })',
      '{ scale: "gradient_norm", trunk: context.trunk! })',
      'strategies.scaleState("combine", 2, "gradient_norm")',
    ],
  },
  counted: {
    plan: () =>
      sum({
        group: [
          2,
          strategy(
            "learned",
            "combine/0",
            { floor: 0.25, scale: "none", inference: "sqrt_weights" },
            {
              pull: loss("pull"),
              both: sum({
                rank: [1, loss("rank")],
                inner: [3, strategy("uncertainty", "combine/0/1/1", { floor: 0.1 }, of("soft", "arc"))],
              }),
            },
          ),
        ],
        anchor: [1, loss("anchor")],
      }),
    holds: [
      'return { ...strategies.learnedHeadWeights(net, "combine/0", [["pull"], strategies.fixedHeadWeights([1, 3], [["rank"], strategies.uncertaintyHeadWeights(net, "combine/0/1/1", [["soft"], ["arc"]])])], { floor: 0.25 / 2, share: 0.8 })',
    ],
  },
  surgery: {
    plan: () => strategy("pcgrad", "combine", {}, of("pull", "rank", "soft", "arc", "anchor")),
    holds: [
      'strategies.pcgrad(context.net, "combine", [',
      'function noise(_sizes: Sizes): NoiseSpec[] { return [...strategies.pcgradNoise("combine", 5)]; }',
    ],
  },
  uncertainty: {
    plan: () =>
      strategy("uncertainty", "combine", { floor: 1e-3 }, of("pull", "rank", "soft", "arc", "anchor")),
    holds: ["{ floor: 0.001 })", 'strategies.uncertaintyParameters("combine", 5)'],
  },
  soft_min: {
    plan: () =>
      sum({
        gate: [1, strategy("soft_min", "combine/0", {}, of("pull", "rank", "soft", "arc"))],
        anchor: [1, loss("anchor")],
      }),
    holds: ['strategies.softMin(context, "combine/0", [', "strategies.gateHeadWeights("],
  },
  wedl: {
    plan: () => strategy("wedl", "combine", {}, of("pull", "rank", "soft", "arc", "anchor")),
    holds: [
      '["pull", "rank", "soft", "arc", "anchor"], {})',
      'strategies.wedlHeadWeights(net, "combine", [["pull"], ["rank"], ["soft"], ["arc"], ["anchor"]], { share: 1 })',
      'strategies.wedlParameters("combine", 5)',
    ],
  },
};

describe("the combination of an emitted program", () => {
  test.each(Object.keys(programs))("%s says what it combines, and what it declares", async (name) => {
    const { plan, holds } = programs[name]!;
    const text = flat(await emitted(plan()));
    for (const part of holds) expect(text).toContain(part);
  });

  test("asks the losses below a gate for shares, and no other", async () => {
    const text = await emitted(programs["gated"]!.plan());
    const results = [...text.matchAll(/^ {2}const (\w+) = \{\s+value:[^]*?\};$/gm)];
    const shared = results.filter(([each]) => each.includes("perSample: ")).map(([, name]) => name);
    expect(shared).toEqual(["pull", "rank", "soft", "arc"]);
  });

  test("of plain losses declares neither noise nor weights of heads", async () => {
    const text = await emitted(
      strategy("equal", "combine", { scale: "none" }, of("pull", "rank", "soft", "arc", "anchor")),
    );
    expect(text).not.toMatch(/headWeights|noise/);
  });

  test("type-checks under `strict`, without unused names", async () => {
    const texts = new Map<string, string>();
    for (const [name, { plan }] of Object.entries(programs)) texts.set(name, await emitted(plan()));
    expect(typeCheck(texts)).toEqual({ stdout: "", status: 0 });
  });
});
