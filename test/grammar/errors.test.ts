/** Every syntax error: its code, the characters it marks, its remedy; and that one mistake gives one error. */
import { describe, expect, it } from "vitest";
import { lexer } from "../../grammar/tokens.ts";
import * as syntax from "../../src/diagnostics/codes/syntax.ts";
import * as text from "../../src/diagnostics/codes/text.ts";
import { textOf } from "../../src/source/source.ts";
import { conformanceBlocks } from "../conformance/harness.ts";
import { marks, parseText } from "./helpers.ts";

const { short: _, ...lexical } = text;
const codes = { ...lexical, ...syntax };

const loss = (body: string): string => `loss l(m: real = 1) {\n  ${body}\n}\n`;
const model = (body: string): string => `model m {\n  ${body}\n}\n`;

/** Text, code, marked characters, and part of the message or remedy. */
const cases: readonly (readonly [string, string, string, string])[] = [
  [model("a: 1;"), "DML0101", ";", "remove it"],
  [model("a: 3 \u00d7 4"), "DML0101", "\u00d7", "write *"],
  [model("a: \u0007"), "DML0101", "\u0007", "U+0007"],
  [model('a: "open'), "DML0102", '"open', 'closing "'],
  [model('a: "\\z"'), "DML0103", "\\z", "unknown escape \\z"],
  [model("a: 1 // \u202e x"), "DML0104", "\u202e", "U+202E"],
  [loss("2x[i]"), "DML0105", "2x", "write 2 * x[i]"],
  [loss("let a = 2 m\n  a"), "DML0105", "2 m", "write 2 * m"],
  [model("a: 1."), "DML0106", ".", "write 1.0"],
  [loss("3 classes * m"), "DML0107", "classes", "does not stand in a formula"],
  [model("a: cosine(warmup: 100 stpes)"), "DML0108", "stpes", 'did you mean "steps"?'],
  [loss("1e309 * m"), "DML0109", "1e309", "infinite"],
  ["model m {\n  a: 1\n\nloss l() {\n  1\n}\n", "DML0110", "{", "never closed"],
  [loss("f(m"), "DML0110", "(", 'add a ")"'],
  [model("a: 1 }"), "DML0111", "}", "closes nothing"],
  [loss("(".repeat(300) + "m" + ")".repeat(300)), "DML0112", "(", "256"],
  [loss("m" + " + m".repeat(1200)), "DML0113", "m + m", "1000"],
  [loss("let a = 1\n    + 2\n  a"), "DML0120", "+", "put the whole value into parentheses"],
  [loss("let a = 1 let b = 2\n  a"), "DML0121", "let", "complete"],
  [loss("let a = m b\n  a"), "DML0121", "b", "missing operator"],
  [model("a: adamw(lr: 1)\n  { b: 1x }"), "DML0122", "{", "end of the line above"],
  [loss("f(m\n    m)"), "DML0130", "m", 'expected "," or ")", found "m"'],
  [model("a: \n  b: 1"), "DML0131", "b", 'expected an expression after ":", found "b"'],
  [loss("m * * m"), "DML0131", "*", 'after "*", found "*"'],
  ["los l() {\n  1\n}\n", "DML0132", "los", 'did you mean "loss"?'],
  ["Model m {\n  a: 1\n}\n", "DML0132", "Model", 'did you mean "model"?'],
  [`${loss("m")}42\n`, "DML0133", "42", "outside every declaration"],
  ["loss l(mean: real) {\n  1\n}\n", "DML0134", "mean", "choose another name"],
  ["loss l()\n", "DML0135", ")", "this loss has no body"],
  ["miner n() for (a, j)\nloss l() {\n  1\n}\n", "DML0135", ")", "this miner has no body"],
  [loss("let a = 1"), "DML0136", "}", "ends with one expression"],
  [loss("let a = 1\n  a\n  m"), "DML0137", "m", "name the first with let"],
  [model("a = 1"), "DML0138", "=", "write a: 1"],
  [model("a: f(b = 1)"), "DML0138", "=", "write b: 1"],
  [loss("if m > 0 m else 1"), "DML0139", "m", 'add "then"'],
  [loss("if m > 0 then m"), "DML0139", "}", 'add "else"'],
  [loss("state s: real = 0\n  s"), "DML0139", "", 'add "then"'],
  [loss("0 < m < 1"), "DML0140", "<", "write a < b and b < c"],
  [loss("m + if m > 0 then 1 else 2"), "DML0141", "if", "needs parentheses"],
  [loss("m == not m"), "DML0142", "not", "looser"],
  [loss("softmax(m)"), "DML0143", "softmax", "write softmax[k](…)"],
  [loss("sum m"), "DML0143", "sum", "write sum[i] …"],
  [loss("m |> relu"), "DML0144", "m |> relu", "write a call"],
  [loss("a = 1\n  m"), "DML0145", "a", "write let a = …"],
  ["miner n() for (a, j) {\n  param p: real = 1\n  same(a, j)\n}\n", "DML0146", "param", "use let"],
  [loss("sum[i | y[i] = 1] m"), "DML0147", "=", "write =="],
  [model("seed 7"), "DML0148", "7", "write seed: 7"],
  ["loss l(m real) {\n  1\n}\n", "DML0148", "real", "write m: real"],
  ["loss l(m = 1) {\n  1\n}\n", "DML0150", "m", "write m: real"],
  ["distance d(u) = norm(u)\n", "DML0151", "(u)", "takes two vectors"],
  ["primitive fucntion f(v: real): real\n", "DML0152", "fucntion", 'did you mean "function"?'],
  [model("losses { a: b() with c on d }"), "DML0153", "on", "put by first"],
  [model("losses { a: b() with c |> e(4) on d(m: 1) }"), "DML0153", "on", "put by first"],
  [model("losses { a: b() with c against memory(4)\n e: f() on g() }"), "DML0153", "against", "put by first"],
  [model("losses {\n a: b() against memory(4)\n on d() with c\n e: f()\n}"), "DML0153", "on", "put by first"],
  [model("losses { on d() }"), "DML0130", "(", "expected a setting"],
];

describe("typical mistakes", () => {
  for (const [text, code, mark, part] of cases) {
    it(`${code} ${JSON.stringify(text.slice(0, 60))}`, () => {
      const { diagnostics } = parseText(text);
      expect(diagnostics.map((one) => one.code)).toEqual([code]);
      const [one] = diagnostics;
      expect(textOf(one!.span).slice(0, mark.length || undefined)).toBe(mark);
      expect(`${one!.message}\n${one!.reason}\n${one!.help ?? ""}`).toContain(part);
    });
  }

  it("are all there: every code has an example", () => {
    const shown = new Set(cases.map(([, code]) => code));
    const rest = Object.values(codes)
      .map(({ code }) => code)
      .filter((code) => !shown.has(code));
    // Too many errors has a test of its own below.
    expect(rest).toEqual([codes.tooManyErrors.code]);
  });

  it("have codes, names and texts of one form", () => {
    const all = Object.values(codes);
    expect(new Set(all.map(({ code }) => code)).size).toBe(all.length);
    expect(new Set(all.map(({ name }) => name)).size).toBe(all.length);
    for (const { code, name } of all) {
      expect(code).toMatch(/^DML01\d\d$/);
      expect(name).toMatch(/^[a-z]+(-[a-z]+)*$/);
    }
  });
});

describe("several mistakes", () => {
  it("are reported together, in the order of the text, once each", () => {
    const text = [
      "datset d = folder(1)",
      "model m {",
      "  a = 1",
      "  b: * 2",
      "  train { steps: 100 * , seed 7 }",
      "}",
      "loss l(m: real) {",
      "  let a = m +",
      "  let b = (m",
      "    + 1))",
      "  let c = 0 < m < 2",
      "  a + b + c +",
      "}",
    ].join("\n");
    expect(marks(text)).toEqual([
      "DML0132 datset",
      "DML0138 =",
      "DML0131 *",
      "DML0131 ,",
      "DML0148 7",
      "DML0131 ",
      "DML0111 )",
      "DML0140 <",
      "DML0131 }",
    ]);
  });

  it("are cut off at twenty", () => {
    const { diagnostics } = parseText(model("a: *\n".repeat(50)));
    expect(diagnostics).toHaveLength(21);
    expect(diagnostics.at(-1)!.code).toBe("DML0114");
  });

  it("leave the rest of the tree", () => {
    const { tree } = parseText(`${loss("m +")}${model("a: 1\n  b: *\n  c: 2")}${loss("m")}`);
    expect(tree.declarations.map(({ kind }) => kind)).toEqual(["Loss", "Model", "Loss"]);
    expect(tree.declarations[0]).toMatchObject({
      body: { kind: "Binary", left: { text: "m" }, right: { kind: "Missing" } },
    });
  });
});

describe("one lost token", () => {
  // A regression net over every place of the language: leaving any one token out of a right program is one mistake.
  for (const block of conformanceBlocks(new URL("../conformance/language.md", import.meta.url))) {
    if (block.language !== "dml") continue;
    it(`gives at most one error: ${block.heading}`, () => {
      const tokens = lexer.tokenize(block.text).tokens;
      const step = block.text.length > 2000 ? 17 : 3;
      for (let at = 0; at < tokens.length; at += step) {
        const { startOffset, image } = tokens[at]!;
        const text = block.text.slice(0, startOffset) + block.text.slice(startOffset + image.length);
        const { diagnostics } = parseText(text);
        const found = diagnostics.map(({ code, message }) => `${code} ${message}`);
        const place = `without ${image} at ${startOffset}: ${found.join("; ")}`;
        expect(found.length, place).toBeLessThanOrEqual(1);
      }
    });
  }
});
