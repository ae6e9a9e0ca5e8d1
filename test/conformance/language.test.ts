/** The programs of the language reference parse, and mean what they look like. */
import { describe, expect, it } from "vitest";
import { Diagnostics } from "../../src/diagnostics/diagnostic.ts";
import type { Declaration, File } from "../../src/syntax/ast.ts";
import { parse } from "../../src/syntax/parse.ts";
import { printExpression } from "../../src/syntax/print.ts";
import { conformanceBlocks, differences, sourceOf } from "./harness.ts";

const blocks = conformanceBlocks(new URL("language.md", import.meta.url));

function parsed(text: string): File {
  const diagnostics = new Diagnostics();
  const tree = parse({ path: "test.dml", text, standard: false }, diagnostics);
  expect(diagnostics.all).toEqual([]);
  return tree;
}

function declared<K extends Declaration["kind"]>(kind: K, name: string): Extract<Declaration, { kind: K }> {
  for (const block of blocks.filter(({ language }) => language === "dml")) {
    for (const one of parsed(block.text).declarations)
      if (one.kind === kind && one.name.text === name) return one as Extract<Declaration, { kind: K }>;
  }
  throw new Error(`${kind} ${name} is not declared`);
}

describe("the programs of the language reference", () => {
  it("are all there", () => {
    expect(blocks.filter(({ language }) => language === "dml")).toHaveLength(6);
    expect(blocks.filter(({ language }) => language === "dml-combine")).toHaveLength(1);
  });

  for (const block of blocks.filter(({ language }) => language === "dml")) {
    it(block.heading, () => {
      const diagnostics = new Diagnostics();
      parse(sourceOf(block), diagnostics);
      expect(differences(block, diagnostics.all)).toEqual([]);
    });
  }

  const combinations = blocks
    .find(({ language }) => language === "dml-combine")!
    .text.trimEnd()
    .split("\n");
  const model = blocks.find(({ heading }) => heading.startsWith("Named groups"))!.text;
  for (const line of combinations) {
    it(`combine: ${line}`, () => {
      const combination = line.replace(/ *\/\/.*/, "").replace("1e-3", "0.001");
      const text = model.replace(/combine: hierarchical \{.*?\n {2}\}/s, `combine: ${line}`);
      const [first] = parsed(text).declarations;
      if (first?.kind !== "Model") throw new Error("not a model");
      const combine = first.settings.entries.find(({ name }) => name.text === "combine");
      expect(printExpression(combine!.value!)).toBe(combination.trim());
    });
  }

  it("are one file together", () => {
    const text = blocks.filter(({ language }) => language === "dml").map((block) => block.text);
    expect(parsed(text.join("\n")).declarations).toHaveLength(26);
  });
});

describe("their trees", () => {
  it("contrastive: parameters, the lets, a sum of two reductions", () => {
    const loss = declared("Loss", "contrastive");
    expect(loss.doc).toBe(
      "Pairs within one class together, others apart; as pytorch-metric-learning (unsquared; Hadsell 2006 squares both).",
    );
    expect(
      loss.parameters.map(({ name, type, default: value }) => [
        name.text,
        type.name.text,
        value && printExpression(value),
      ]),
    ).toEqual([
      ["margin", "real", "1"],
      ["positive_margin", "real", "0"],
      ["distance", "distance", "euclidean"],
    ]);
    expect(loss.assumes.map(printExpression)).toEqual(["unit(x)"]);
    expect(loss.statements).toMatchObject([
      { kind: "Let", callable: true, name: { text: "d" }, parameters: [{ text: "i" }, { text: "j" }] },
    ]);
    expect(loss.body).toMatchObject({
      kind: "Binary",
      op: "+",
      left: { kind: "Reduction", op: "mean_active", guards: [{ kind: "Call", callee: { text: "same" } }] },
      right: {
        kind: "Reduction",
        op: "mean_active",
        guards: [{ kind: "Call", callee: { text: "differs" } }],
      },
    });
  });

  it("margin: count takes a comparison", () => {
    const { body } = declared("Loss", "margin");
    expect(body).toMatchObject({
      kind: "Call",
      arguments: [
        { value: { kind: "Reduction", op: "sum", bodies: [{ kind: "Binary", op: "+" }] } },
        {
          value: { kind: "Binary", op: "+", left: { kind: "Reduction", op: "count", bodies: [{ op: ">" }] } },
        },
      ],
    });
  });

  it("circle: a reduction takes the product with its leading minus", () => {
    const { body } = declared("Loss", "circle");
    expect(printExpression(body)).toBe(
      "mean_active[i] softplus(logsumexp[n | differs(i, n)] gamma * push(i, n) * (s(i, n) - margin) + " +
        "logsumexp[p | same(i, p)] -gamma * pull(i, p) * (s(i, p) - 1 + margin))",
    );
  });

  it("proxy_anchor: an initialiser with its block", () => {
    const [param] = declared("Loss", "proxy_anchor").statements;
    expect(param).toMatchObject({
      kind: "Param",
      name: { text: "proxy" },
      type: { name: { text: "real" }, axes: [{ text: "classes" }, { text: "dim" }] },
      init: {
        kind: "Call",
        callee: { text: "kaiming_normal" },
        block: {
          entries: [{ name: { text: "lr" }, value: { kind: "Number", value: 0.01, integer: false } }],
        },
      },
    });
  });

  it("vicreg: views, assumptions, and a power of a parenthesis", () => {
    const loss = declared("Loss", "vicreg");
    expect(loss.views?.map(({ text }) => text)).toEqual(["u", "v"]);
    expect(loss.assumes.map(printExpression)).toEqual(["free(u)", "free(v)"]);
    expect(loss.statements.map((statement) => statement.name.text)).toEqual(["centred", "flat", "redundant"]);
  });

  it("smooth_ap: a declared range", () => {
    expect(declared("Loss", "smooth_ap").result).toMatchObject({
      name: { text: "real" },
      refinements: [{ kind: "Interval", low: { value: 0 }, high: { value: 1 } }],
    });
  });

  it("a miner's condition, and a miner's assignments", () => {
    expect(declared("Miner", "semi_hard").condition).toMatchObject({ kind: "Binary", op: "and" });
    const hard = declared("Miner", "batch_hard");
    expect(hard.condition).toBeUndefined();
    expect(hard.statements.map(({ kind }) => kind)).toEqual(["Let", "Assignment", "Assignment"]);
  });

  it("a model: units, clauses, blocks of calls", () => {
    const { settings } = declared("Model", "icon_search");
    const entry = (name: string) => settings.entries.find((one) => one.name.text === name)!;
    const [, rank, , arc] = entry("losses").block!.entries;
    expect(printExpression(rank!.miner!)).toBe("semi_hard()");
    expect(printExpression(arc!.head!)).toBe("linear(128) |> normalize");
    const train = entry("train").block!.entries;
    expect(train[0]!.value).toMatchObject({
      kind: "Binary",
      op: "*",
      left: { kind: "Number", value: 32, unit: "class" },
      right: { kind: "Number", value: 4, unit: "sample" },
    });
    expect(train[1]!.value).toMatchObject({
      kind: "Call",
      block: { entries: [{ value: { value: 1, unit: "x" } }, { name: { text: "heads" } }] },
    });
    expect(entry("evaluate").block!.entries.map(({ name, value }) => [name.text, value?.kind])).toEqual([
      ["recall_at", "List"],
      ["map_at_r", undefined],
      ["r_precision", undefined],
      ["nmi", undefined],
      ["knn_accuracy", "Number"],
    ]);
  });

  it("a backbone: types with holes, repeat and residual", () => {
    const conv4 = declared("Backbone", "conv4");
    expect(conv4.output?.axes?.map(({ kind }) => kind)).toEqual(["Hole", "Hole", "Name"]);
    expect(conv4.body).toMatchObject({ kind: "Repeat", count: { value: 4 }, body: { kind: "Pipeline" } });
    expect(declared("Backbone", "resnet_block").body).toMatchObject({
      kind: "Pipeline",
      stages: [{ kind: "Residual" }, { kind: "Name", text: "relu" }],
    });
  });
});
