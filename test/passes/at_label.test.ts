/**
 * The pass `at-label`: what a loss takes at each sample's own class is computed for that class alone, with the value and
 * gradient of the whole matrix; and where that would not pay, it leaves the graph as it is.
 */
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { compileLoss, type CompileOptions } from "../../src/cli/compiled_loss.ts";
import { interpretLoss } from "../../src/interpret/index.ts";
import { Builder, NO_RULES } from "../../src/ir/build.ts";
import { Graph, type Node } from "../../src/ir/graph.ts";
import { lowerLoss, rootsOf } from "../../src/ir/lower/loss.ts";
import { topological } from "../../src/ir/order.ts";
import { PASSES, PASS_NAMES, type PassName } from "../../src/ir/passes/optimise.ts";
import type { LossInstance } from "../../src/resolve/values.ts";
import { startEngine } from "../../src/runtime/engine/index.ts";
import { formula, loss } from "../interpret/support.ts";
import { distance, flat, isFinite, ROUNDINGS, sensitivity, TOLERANCE } from "../lower/closeness.ts";
import { batchOf, CONDITIONED, expectParity, randomBatch } from "../lower/support.ts";

beforeAll(async () => {
  await startEngine("wasm");
});

const STATEMENTS = `
param w: real[classes, dim] = xavier_uniform()
param b: real[classes] = constant(1)`;

/** The roots of losses on one head after every pass up to one. */
function after(last: PassName, ...losses: readonly LossInstance[]): readonly Node[] {
  const views = [{ name: "x", dim: 8 }];
  let roots: readonly Node[] = losses.flatMap((instance, k) =>
    rootsOf(lowerLoss(new Graph(), instance, { path: `losses/l${k}`, views, rules: NO_RULES })),
  );
  const graph = new Graph();
  for (const pass of PASSES.slice(0, PASS_NAMES.indexOf(last) + 1))
    roots = pass.run(new Builder(graph, pass.rules), roots, {});
  return roots;
}

/** The operations on tensors of one number a sample and class. */
const wide = (roots: readonly Node[]): string[] =>
  topological(roots)
    .filter(({ shape }) => shape.includes("classes") && shape.includes("batch"))
    .map(({ operation }) => operation.kind);

const changed = (instance: LossInstance): boolean =>
  compileLoss(instance, [6], { last: "at-label" }).source !==
  compileLoss(instance, [6], { last: "prune" }).source;

describe("arcface", () => {
  it("computes angles once a sample, and cosines of all classes", () => {
    expect(wide(after("prune", loss("arcface")))).toEqual(
      expect.arrayContaining(["acos", "sine_of_acos", "le"]),
    );
    expect(wide(after("at-label", loss("arcface"))).sort()).toEqual(["eq", "matmul", "mul", "select"]);
  });

  it("of two margins on one head shares the mask and the rows of neither", () => {
    const roots = after("at-label", loss("arcface"), loss("arcface(margin: 11deg, scale: 24)"));
    expect(wide(roots).sort()).toEqual(["eq", "matmul", "matmul", "mul", "mul", "select", "select"]);
    const gathers = topological(roots).filter(({ operation }) => operation.kind === "gather");
    expect(gathers.map(({ inputs }) => inputs[0]!.operation)).toEqual([
      { kind: "param", name: "losses/l0/w" },
      { kind: "param", name: "losses/l1/w" },
    ]);
  });

  const LABELS = {
    "in any order": [3, 0, 4, 0, 1, 3],
    sorted: [0, 0, 2, 2, 4, 4],
    "of one class": [0, 0, 0],
    "all of the last class": [4, 4, 4, 4],
    "of one sample": [1],
  };
  const cases = Object.entries(LABELS).flatMap(([name, labels]) =>
    ["0deg", "28.6deg", "90deg"].map((margin) => [name, margin, labels] as const),
  );

  it.each(cases)("labels %s, a margin of %s", (name, margin, labels) => {
    const instance = loss(`arcface(margin: ${margin}, scale: 16)`);
    const classes = name === "of one class" ? 1 : 5;
    for (const seed of [1, 2, 3])
      expectParity(instance, randomBatch(instance, { labels, classes, seed, unit: true }), CONDITIONED);
  });

  it("keeps what holds of zero vectors and of angles at the ends", () => {
    const instance = loss("arcface(scale: 8)");
    const rows = [
      [0, 0, 0],
      [1, 0, 0],
      [-2, 0, 0],
      [0, 3, 0],
      [0.6, 0.8, 0],
    ];
    for (const labels of [
      [0, 0, 0, 0, 0],
      [2, 1, 0, 1, 2],
    ]) {
      const batch = batchOf(instance, rows, labels, 3);
      const w = { shape: [3, 3], data: Float64Array.from([1, 0, 0, 0, 0, 0, 0.6, 0.8, 0]) };
      expectParity(instance, { ...batch, params: new Map([["w", w]]) });
    }
  });

  it("is the same in blocks of classes, each taking the samples whose label falls in it", () => {
    const instance = loss("arcface(scale: 16)");
    for (const blockBytes of [1, 700, 1e9]) {
      const chunk = { batch: 4096, classes: 1e5, blockBytes };
      const inBlocks = compileLoss(instance, [6], { chunk });
      expect(inBlocks.source).toContain("ops.crossEntropyInBlocks(");
      // The angles stand before the blocks.
      expect(inBlocks.source.indexOf("ops.acos(")).toBeLessThan(
        inBlocks.source.indexOf("crossEntropyInBlocks("),
      );
      for (const labels of [
        [6, 0, 3, 3, 1],
        [0, 0, 1, 1, 6, 6],
      ]) {
        const batch = randomBatch(instance, { labels, classes: 7, seed: 5, unit: true });
        const exact = interpretLoss(instance, batch, { gradient: true });
        expect(near(inBlocks.evaluate(batch), exact)).toBeLessThan(TOLERANCE);
      }
    }
  });

  it("gives the samples' shares", () => {
    const instance = loss("arcface(scale: 16)");
    const batch = randomBatch(instance, { labels: [3, 0, 4, 0, 1], classes: 5, unit: true });
    const compiled = compileLoss(instance, [6], { shares: true }).evaluate(batch);
    const { value } = interpretLoss(instance, batch);
    const { perSample, constant } = compiled.shares!;
    const mean = perSample.reduce((a, b) => a + b, 0) / perSample.length;
    expect(Math.abs(mean + constant - value)).toBeLessThan(1e-5 * value);
  });

  it("is on batches sorted by class what it is on others", () => {
    const instance = loss("arcface(scale: 16)");
    const batch = randomBatch(instance, { labels: [1, 1, 0, 0, 4, 4], classes: 5, unit: true });
    const exact = interpretLoss(instance, batch, { gradient: true });
    expect(near(compileLoss(instance, [6], { samples: 2 }).evaluate(batch), exact)).toBeLessThan(TOLERANCE);
  });
});

/** As `distance`, for losses that do not have both parameters. */
function near(
  answer: ReturnType<ReturnType<typeof compileLoss>["evaluate"]>,
  exact: ReturnType<typeof interpretLoss>,
): number {
  const all = (of: typeof answer | typeof exact): ArrayLike<number>[] => [
    [of.value],
    ...of.gradient!.views,
    ...of.gradient!.params.values(),
  ];
  const other = all(exact);
  return Math.max(
    ...all(answer).map((part, k) => {
      const scale = Math.max(1, ...Array.from(other[k]!, Math.abs));
      return Math.max(...Array.from(part, (v, n) => Math.abs(v - other[k]![n]!))) / scale;
    }),
  );
}

const S = "cosine(x[i], w[k])";
const CASES: Readonly<Record<string, { readonly body: string; readonly at: boolean }>> = {
  "a condition the other way round": { body: `if k != y[i] then ${S} else tanh(${S})`, at: true },
  "a negated condition": { body: `if not (y[i] == k) then ${S} else tanh(${S})`, at: true },
  "a condition with another": { body: `if k == y[i] and ${S} > 0.1 then tanh(${S}) else ${S}`, at: true },
  "either of two": { body: `if k != y[i] or ${S} > 0.1 then ${S} else tanh(${S})`, at: true },
  "a number as a factor": { body: `${S} - (k == y[i]) * sigmoid(3 * ${S})`, at: true },
  "squared distances": { body: `if k == y[i] then exp(-squared_euclidean(x[i], w[k])) else ${S}`, at: true },
  "a reduction of its own": {
    body: `if k == y[i] then log1p(sum[t in dim] abs(x[i, t] - w[k, t])) else ${S}`,
    at: true,
  },
  "the classes' own numbers": { body: `if k == y[i] then sin(${S} + 0.1 * k) * b[k] else ${S}`, at: true },
  "a mean over all samples": {
    body: `if k == y[i] then tanh(mean[j] cosine(x[j], w[k]) * ${S}) else ${S}`,
    at: true,
  },
  "the label again": { body: `if k == y[i] then (if y[i] == k then tanh(${S}) else 2) else ${S}`, at: true },
  "both sides": { body: `if k == y[i] then tanh(${S}) else sin(${S})`, at: true },
  "another sample's class": { body: `mean[j] (if k == y[j] then tanh(${S}) else ${S})`, at: true },
  "a share of a softmax": {
    body: `if k == y[i] then tanh(sigmoid(abs(3 * softmax[k](${S})))) else ${S}`,
    at: true,
  },
  "a number": { body: `if k == y[i] then 2 else ${S}`, at: false },
  "one of the two numbers": { body: `if k == 2 then tanh(${S}) else ${S}`, at: false },
  "a similarity that all classes need": { body: `if k == y[i] then ${S} else tanh(${S})`, at: false },
  "either may hold": { body: `if k == y[i] or ${S} > 0.1 then tanh(${S}) else ${S}`, at: false },
  "one number a class": { body: `if k == y[i] then tanh(b[k]) else ${S}`, at: false },
  "a margin": { body: `${S} - 0.2 * (y[i] == k)`, at: false },
  "what may be infinite as a factor": { body: `${S} - (k == y[i]) * exp(${S})`, at: false },
};

describe.each(Object.entries(CASES))("%s", (_, { body, at }) => {
  const instance = formula(`mean[i] logsumexp[k in classes] (${body})`, STATEMENTS);

  it(at ? "is taken at the label" : "is left as it is", () => {
    expect(changed(instance)).toBe(at);
  });

  it.each([
    ["any labels", [2, 0, 3, 3, 1]],
    ["one class", [0, 0]],
  ])("equals the interpreter's value and gradient: %s", (_, labels) => {
    for (const seed of [1, 2]) expectParity(instance, randomBatch(instance, { labels, seed }), CONDITIONED);
  });
});

/** Expressions over a sample i and a class k. */
const atom = fc.constantFrom(
  "cosine(x[i], w[k])",
  "b[k]",
  "norm(x[i])",
  "norm(w[k])",
  "euclidean(x[i], w[k])",
  "x[i, 0]",
  "w[k, 1]",
  "(0.3 * (y[i] == k))",
  "acos(cosine(x[i], w[k]))",
  "(sum[t in dim] x[i, t] * w[k, t])",
  "(logsumexp[t in dim] (x[i, t] - w[k, t]))",
  "(max[j] cosine(x[j], w[k]))",
  "(mean[j | same(i, j)] cosine(x[j], w[k]))",
  "cosine(w[k], w[y[i]])",
  "0.371",
);
const expression: fc.Arbitrary<string> = fc.letrec<{ node: string }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 3, depthSize: "medium" },
    atom,
    fc
      .tuple(fc.constantFrom("+", "-", "*"), tie("node"), tie("node"))
      .map(([op, a, b]) => `(${a} ${op} ${b})`),
    fc
      .tuple(fc.constantFrom("tanh", "sigmoid", "relu", "sin", "stop_gradient"), tie("node"))
      .map(([f, a]) => `${f}(${a})`),
    fc
      .tuple(tie("node"), tie("node"), tie("node"))
      .map(([a, b, c]) => `(if ${a} > 0.137 then ${b} else ${c})`),
    fc.tuple(tie("node"), tie("node")).map(([a, b]) => `max(${a}, 1.3 * ${b})`),
  ),
})).node;
const edited = fc
  .tuple(
    fc.constantFrom("if k == y[i] then A else B", "if y[i] != k then B else A", "B + (k == y[i]) * tanh(A)"),
    fc.constantFrom(
      "mean[i] cross_entropy[k in classes](FORM, y[i])",
      "mean[i] logsumexp[k in classes] (FORM)",
    ),
    expression,
    expression,
  )
  .map(([form, whole, a, b]) =>
    whole.replace(
      "FORM",
      form.replace("A", () => `tanh(${a})`).replace("B", () => b),
    ),
  );

it("random formulas, whole and in blocks", () => {
  let taken = 0;
  let leftOut = 0;
  const forms: CompileOptions[] = [
    { last: "at-label" },
    { chunk: { batch: 1e5, classes: 1e5, blockBytes: 400 } },
  ];
  const labels = fc.array(fc.nat({ max: 3 }), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(edited, labels, fc.nat({ max: 1e6 }), (body, given, seed) => {
      const instance = formula(body, STATEMENTS);
      const batch = randomBatch(instance, { labels: given, classes: 4, dim: 4, seed });
      const interpreted = interpretLoss(instance, batch, { gradient: true });
      const exact = flat(interpreted);
      if (!isFinite(exact)) return;
      if (changed(instance)) taken++;
      for (const form of forms) {
        const compiled = compileLoss(instance, [4], form);
        const answer = compiled.evaluate(batch);
        const error = distance(flat(answer), exact);
        if (error <= TOLERANCE) continue;
        if (error > ROUNDINGS * sensitivity(instance, batch, exact))
          throw new Error(`${body}\nlabels ${given.join()}, off by ${error}\n${compiled.source}`);
        leftOut++;
      }
    }),
    { numRuns: 60, seed: 11, endOnFailure: true },
  );
  expect(taken).toBeGreaterThan(30);
  expect(leftOut).toBeLessThanOrEqual(6);
});
