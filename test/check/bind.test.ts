import { describe, expect, test } from "vitest";
import { Diagnostics } from "../../src/diagnostics/diagnostic.ts";
import { instantiateLoss } from "../../src/resolve/bind.ts";
import type { Value } from "../../src/resolve/values.ts";
import { load, marks } from "./harness.ts";

/** Binds the source of a data set, which is any expression, as a loss in the scope of the file. */
function bind(use: string, declarations = "") {
  const { module, diagnostics: parsing } = load(`${declarations}\ndataset probe = ${use}`);
  expect(parsing.all).toEqual([]);
  const declaration = module.file.declarations.at(-1)!;
  if (declaration.kind !== "Dataset") throw new Error("not parsed");
  const diagnostics = new Diagnostics();
  const loss = instantiateLoss(declaration.source, module.scope, new Map(), diagnostics);
  return { loss, marks: marks(diagnostics.all), all: diagnostics.all };
}

const number = (value: Value | undefined): unknown => (value?.kind === "number" ? value.value : value);

describe("bound", () => {
  test("defaults, positional and named arguments", () => {
    const { loss } = bind("contrastive(0.5, distance: cosine_distance)");
    expect(number(loss?.parameters.get("margin"))).toBe(0.5);
    expect(number(loss?.parameters.get("positive_margin"))).toBe(0);
    const distance = loss?.parameters.get("distance");
    expect(distance?.kind === "measure" && distance.declaration.name.text).toBe("cosine_distance");
  });

  test("a bare name is a call without arguments", () => {
    expect(number(bind("triplet").loss?.parameters.get("margin"))).toBe(0.05);
  });

  test("angles are radians and keep their unit", () => {
    const margin = bind("arcface(margin: 2 * 14.3deg)").loss?.parameters.get("margin");
    expect(margin).toMatchObject({ kind: "number", unit: "angle" });
    expect(number(margin)).toBeCloseTo((28.6 * Math.PI) / 180, 12);
  });

  test("a default may mention an earlier parameter, and resolves where it was declared", () => {
    const declarations = `
loss mine(a: real = 2, b: real in [0, 2 * a] = a / 4, d: distance = euclidean) { mean[i] a }
distance euclidean(u, v) = 1 - cosine(u, v)`;
    const { loss } = bind("mine(a: 8)", declarations);
    expect(number(loss?.parameters.get("b"))).toBe(2);
    const d = loss?.parameters.get("d");
    expect(d?.kind === "measure" && d.declaration.span.file.path).toBe("main.dml");
    expect(bind("mine(a: 1, b: 2.5)", declarations).marks).toEqual(["DML0216 2.5"]);
  });

  test("a loss as an argument, and one inside itself by argument", () => {
    const wrap = "loss wrap(inner: loss, sizes: int[] = [8, 16]) { inner(x: x) }";
    const { loss } = bind("wrap(inner: wrap(inner: contrastive(margin: 0.5)))", wrap);
    const inner = loss?.parameters.get("inner");
    const innermost = inner?.kind === "loss" ? inner.parameters.get("inner") : undefined;
    expect(innermost?.kind === "loss" && number(innermost.parameters.get("margin"))).toBe(0.5);
    expect(loss?.parameters.get("sizes")).toEqual({ kind: "numbers", values: [8, 16] });
  });
});

describe("refused, at the exact characters", () => {
  test.each([
    ["contrastiv(margin: 0.5)", ["DML0201 contrastiv"]],
    ["euclidean", ["DML0202 euclidean"]],
    ["contrastive(margn: 0.5)", ["DML0210 margn"]],
    ["contrastive(0.5, margin: 0.6)", ["DML0211 margin"]],
    ["contrastive(margin: 0.5, 0.6)", ["DML0214 0.6"]],
    ["triplet(0.1, euclidean, true, 4, 5)", ["DML0213 4"]],
    ["contrastive(margin: -1)", ["DML0216 -1"]],
    ["contrastive(margin: true)", ["DML0215 true"]],
    ["contrastive(margin: 28deg)", ["DML0215 28deg"]],
    ["arcface(margin: 28.6)", ["DML0215 28.6"]],
    ["arcface(margin: 91deg)", ["DML0216 91deg"]],
    ["triplet(distance: cosine)", ["DML0217 cosine"]],
    ["triplet(distance: cosin)", ["DML0201 cosin"]],
    ["triplet(smooth: 1)", ["DML0215 1"]],
    ["contrastive(margin: 1deg + 2)", ["DML0219 1deg + 2"]],
    ["contrastive(margin: foo)", ["DML0201 foo"]],
    [
      "contrastive(margn: 0.5, distance: cosine, positive_margin: -1)",
      ["DML0210 margn", "DML0216 -1", "DML0217 cosine"],
    ],
  ])("%s", (use, expected) => {
    const { loss, marks: found } = bind(use);
    expect(found.sort()).toEqual(expected.sort());
    expect(loss).toBeUndefined();
  });

  test("what is missing, and where it is declared", () => {
    const { all } = bind("wrap", "loss wrap(inner: loss, n: int) { inner(x: x) }");
    expect(marks(all)).toEqual(["DML0212 wrap"]);
    expect(all[0]!.message).toContain("`inner` and `n`");
    expect(all[0]!.related).toHaveLength(2);
  });

  test("a default that leads back to its own loss", () => {
    const declarations = `loss a(inner: loss = b) { inner(x: x) }\nloss b(inner: loss = a) { inner(x: x) }`;
    expect(bind("a", declarations).marks).toEqual(["DML0208 a"]);
  });

  test("remedies", () => {
    expect(bind("contrastive(margn: 0.5)").all[0]!.help).toBe("Did you mean `margin`?");
    expect(bind("triplet(distance: cosine)").all[0]!.help).toBe("Write `cosine_distance`.");
    expect(bind("arcface(margin: 28.6)").all[0]!.help).toBe("Write `28.6deg`.");
    expect(bind("arcface(margin: 0.5)").all[0]!.help).toContain("`28.65deg` (or `0.5rad`");
    expect(bind("arcface(margin: 91deg)").all[0]!.help).toContain("90deg");
    expect(bind("soft(centers: 1.5)", "loss soft(centers: int) { mean[i] centers }").all[0]!.help).toBe(
      "Write `1` or `2`.",
    );
  });
});
