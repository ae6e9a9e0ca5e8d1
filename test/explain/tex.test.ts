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
  const formulas = declarations.filter(
    ({ kind }) => kind === "Loss" || kind === "Measure" || kind === "Miner",
  );
  it.each(formulas.map((declaration) => [declaration.name.text, declaration] as const))(
    "%s",
    (_, declaration) => {
      const lines = formulaToTex(declaration);
      expect(lines.length).toBeGreaterThan(0);
      expect(() =>
        katex.renderToString(displayOf(lines), { displayMode: true, strict: "error" }),
      ).not.toThrow();
    },
  );

  it("share a legend that can be set", () => {
    for (const { tex } of legend) expect(() => katex.renderToString(tex, { strict: "error" })).not.toThrow();
  });
});

describe("the notation", () => {
  it("puts guards below sums, arguments of index functions below their names, and breaks long sums", () => {
    expect(
      written(`loss pairs(margin: real > 0 = 1) {
        let d(i, j) = euclidean(x[i], x[j])
          mean_active[i, j | same(i, j)] d(i, j)
        + mean_active[i, j | differs(i, j)] relu(margin - d(i, j)) / 2 + 1e-5 * (sum[i] norm(x[i])) * margin
      }`),
    ).toEqual([
      "d_{ij} = \\left\\lVert x_{i} - x_{j} \\right\\rVert",
      "\\mathcal{L} = \\operatorname*{mean^{+}}_{i, j \\,:\\, i \\sim j} d_{ij}",
      "  \\quad + \\operatorname*{mean^{+}}_{i, j \\,:\\, i \\nsim j} " +
        "\\frac{\\left[\\mathrm{margin} - d_{ij}\\right]_{+}}{2}",
      "  \\quad + \\left(10^{-5} \\, \\sum_{i} \\left\\lVert x_{i} \\right\\rVert\\right) \\, \\mathrm{margin}",
    ]);
  });

  it("keeps the parentheses a fraction, a choice and a power need", () => {
    const body = (text: string): string => written(`similarity s(u, v) = ${text}`)[0]!.replace(/^.*? = /, "");
    expect(body("(u[0] / 2)^2")).toBe("\\left(\\frac{u_{0}}{2}\\right)^{2}");
    expect(body("-(u[0] + 1) * 3")).toBe("-\\left(u_{0} + 1\\right) \\cdot 3");
    expect(body("2 + -u[0]")).toBe("2 + \\left(-u_{0}\\right)");
    expect(body("2 * (if u[0] > 1 then 1 else 0)")).toContain("2 \\, \\left(\\begin{cases}");
    expect(body("(u[0] > 1) * 2")).toBe("\\left[\\!\\left[u_{0} > 1\\right]\\!\\right] \\cdot 2");
  });

  it("puts the label that samples are alike by below the sign", () => {
    expect(
      written("loss l() { mean[i, j | same(i, j, on: kind), differs(i, j)] euclidean(x[i], x[j]) }")[0],
    ).toContain("i \\sim_{\\mathrm{kind}} j,\\, i \\nsim j");
  });

  it("says what is learned, and writes names that take values with parentheses", () => {
    expect(
      written(`loss own(scale: real > 0 = 2) {
        param w: real[classes, dim] = normal()
        let curve(v) = tanh(scale * v)
        mean[i] cross_entropy[k in classes](curve(dot(x[i], w[k])), y[i])
      }`),
    ).toEqual([
      "w \\in \\mathbb{R}^{C \\times D} \\quad \\text{(learned)}",
      "\\operatorname{curve}(v) = \\tanh\\left(\\mathrm{scale} \\, v\\right)",
      "\\mathcal{L} = \\operatorname*{mean}_{i} \\operatorname*{CE}_{k \\le C}\\left(" +
        "\\operatorname{curve}\\left(\\left\\langle x_{i}, w_{k} \\right\\rangle\\right), y_{i}\\right)",
    ]);
  });

  it("writes no word of a spec as a command of TeX", () => {
    const [line] = written(`distance d(u, v, a_b: real = 1) = a_b * norm(u)`);
    expect(line).toBe("d(u, v) = \\mathrm{a\\_b} \\, \\left\\lVert u \\right\\rVert");
  });
});
