/** Formulas as TeX: every formula of the standard library is one KaTeX can set, and some in full. */
import katex from "katex";
import { describe, expect, it } from "vitest";
import { displayOf, formulaToTex, legend } from "../../src/explain/tex/formula.ts";
import { parse } from "../../src/syntax/parse.ts";
import { Diagnostics } from "../../src/diagnostics/diagnostic.ts";
import type { Declaration } from "../../src/syntax/ast.ts";
import { library } from "../check/harness.ts";

const declarations = library.flatMap((file) => parse(file, new Diagnostics()).declarations);

function parsed(text: string): Declaration {
  const diagnostics = new Diagnostics();
  const { declarations } = parse({ path: "main.dml", text, standard: false }, diagnostics);
  expect(diagnostics.all).toEqual([]);
  return declarations[0]!;
}

const written = (text: string): string[] =>
  formulaToTex(parsed(text)).map(({ left, relation, right }) => `${left} ${relation} ${right}`);

describe("formulas of the standard library", () => {
  const formulas = declarations.filter(({ kind }) => kind === "Loss" || kind === "Measure" || kind === "Miner");
  it.each(formulas.map((declaration) => [declaration.name.text, declaration] as const))("%s", (_, declaration) => {
    const lines = formulaToTex(declaration);
    expect(lines.length).toBeGreaterThan(0);
    expect(() => katex.renderToString(displayOf(lines), { displayMode: true, strict: "error" })).not.toThrow();
  });

  it("share a legend that can be set", () => {
    for (const { tex } of legend) expect(() => katex.renderToString(tex, { strict: "error" })).not.toThrow();
  });
});
