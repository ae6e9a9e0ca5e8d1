/** The exact rules on lines, words, numbers, precedence and reductions. */
import { describe, expect, it } from "vitest";
import { textOf } from "../../src/source/source.ts";
import { formula, grouped, marks, parseText, setting } from "./helpers.ts";

describe("precedence", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["a + b * c", "(a + (b * c))"],
    ["a - b - c", "((a - b) - c)"],
    ["a / b * c", "((a / b) * c)"],
    ["a ^ b ^ c", "(a ^ (b ^ c))"],
    ["-a ^ 2", "(- (a ^ 2))"],
    ["a ^ -b", "(a ^ (- b))"],
    ["-a * b", "((- a) * b)"],
    ["a * -b", "(a * (- b))"],
    ["a == b and c or d", "(((a == b) and c) or d)"],
    ["not a == b and c", "((not (a == b)) and c)"],
    ["not not a", "(not (not a))"],
    ["a and not b", "(a and (not b))"],
    ["a < b + c", "(a < (b + c))"],
    ["if a then b else c + d", "(if a then b else (c + d))"],
    ["if a then b else if c then d else e", "(if a then b else (if c then d else e))"],
    ["(if a then b else c) + d", "((if a then b else c) + d)"],
    ["a + f(b)[i] ^ 2", "(a + (f(b)[i] ^ 2))"],
    ["b[y[a]]", "b[y[a]]"],
  ];
  for (const [text, tree] of cases) it(text, () => expect(grouped(formula(text))).toBe(tree));

  it("a |> b + c |> d in a setting", () =>
    expect(grouped(setting("a |> b + c |> d"))).toBe("(a |> (b + c) |> d)"));
});

describe("reductions", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["sum[i] a * b + c", "((sum (a * b)) + c)"],
    ["sum[i] -a * b", "(sum ((- a) * b))"],
    ["la * sum[t] a * b", "(la * (sum (a * b)))"],
    ["-sum[t] a * b", "(- (sum (a * b)))"],
    ["sum[i] mean[j] a / b", "(sum (mean (a / b)))"],
    ["mean[i] (a + b)", "(mean (a + b))"],
    ["any[i] y[i] == k and b", "((any (y[i] == k)) and b)"],
    ["all[i] same(i, j)", "(all same(i, j))"],
    ["count[i] a + b > 0", "(count ((a + b) > 0))"],
    ["a > sum[i] b", "(a > (sum b))"],
    ["sum[i] a > 0", "((sum a) > 0)"],
    ["max[i] a", "(max a)"],
    ["max(a, b) * min(c, d)", "(max(a, b) * min(c, d))"],
    ["softmax[k](a) * b", "((softmax a) * b)"],
    ["cross_entropy[k](a, b) + c", "((cross_entropy a, b) + c)"],
    ["variance[t](u[t])[i]", "(variance u[t])[i]"],
  ];
  for (const [text, tree] of cases) it(text, () => expect(grouped(formula(text))).toBe(tree));

  it("bind names, domains and guards", () => {
    expect(formula("sum[k in classes, r in 0..nodes, i | y[i] == k, i < j] a")).toMatchObject({
      indices: [
        { name: { text: "k" }, domain: { kind: "Name", text: "classes" } },
        { name: { text: "r" }, domain: { kind: "Range", from: { value: 0 }, to: { text: "nodes" } } },
        { name: { text: "i" } },
      ],
      guards: [{ op: "==" }, { op: "<" }],
    });
  });
});

describe("numbers", () => {
  const cases: readonly (readonly [string, object])[] = [
    ["3", { value: 3, integer: true }],
    ["0.5", { value: 0.5, integer: false }],
    ["1e-3", { value: 0.001, integer: false }],
    ["28.6deg", { value: 28.6, unit: "deg", integer: false }],
    ["0.5rad", { value: 0.5, unit: "rad" }],
    ["100x", { value: 100, unit: "x", integer: true }],
    ["224x224", { kind: "Size", width: 224, height: 224 }],
    ["32 classes", { value: 32, unit: "class" }],
    ["1 epoch", { value: 1, unit: "epoch" }],
  ];
  for (const [text, tree] of cases) it(text, () => expect(setting(text)).toMatchObject(tree));

  it("a unit's word before a colon, or on the next line, is a name", () => {
    for (const text of ["model m { a: 3 steps: 4 }", "model m {\n  a: 3\n  steps\n}"]) {
      const [model] = parseText(text).tree.declarations;
      expect(model).toMatchObject({
        settings: { entries: [{ value: { value: 3 } }, { name: { text: "steps" } }] },
      });
    }
  });

  it("2x[i] says what to write", () => {
    const { diagnostics } = parseText("loss l() {\n  sum[i] 2x[i]\n}");
    expect(diagnostics).toMatchObject([{ code: "DML0105", help: "write 2 * x[i]" }]);
    expect(marks("loss l(m: real) {\n  3m + 2e\n}")).toEqual(["DML0105 3m", "DML0105 2e"]);
  });

  it("a decimal point needs digits on both sides", () => {
    const { diagnostics } = parseText("model m {\n  a: .5\n  b: 1.\n}");
    expect(diagnostics.map(({ code, help }) => [code, help])).toEqual([
      ["DML0106", "write 0.5"],
      ["DML0106", "write 1.0"],
    ]);
  });
});

describe("words", () => {
  it("contextual words are names wherever a name is expected", () => {
    const words =
      "import from dataset model loss distance similarity miner backbone primitive param state of assumes";
    for (const word of `${words} for needs shared repeat residual`.split(" ")) {
      expect(grouped(formula(`${word}(x[i]) + ${word}`))).toBe(`(${word}(x[i]) + ${word})`);
      expect(
        parseText(`loss ${word}(${word}: ${word} = 1) {\n let ${word} = 1\n ${word}\n}`).diagnostics,
      ).toEqual([]);
      expect(parseText(`model ${word} { ${word}: ${word}, with: 3 }`).diagnostics).toEqual([]);
    }
  });

  it("reserved words are not", () => {
    expect(marks("loss l(mean: real) {\n  1\n}")).toEqual(["DML0134 mean"]);
    expect(marks("model m { count: 3 }")).toEqual(["DML0134 count"]);
    expect(marks("loss l() {\n  let in = 3\n  1\n}")).toEqual(["DML0134 in"]);
  });

  it("the words of clauses name no loss", () => {
    expect(marks("model m { losses { with: a(), b: c() } }")).toEqual(["DML0134 with"]);
    expect(marks("model m { losses { shared: a() } }")).toEqual(["DML0134 shared"]);
  });

  it("strings resolve their escapes", () => {
    expect(setting('"a\\"b\\\\c\\n\\t\\r\\u00e9"')).toMatchObject({ value: 'a"b\\c\n\t\r\u00e9' });
    expect(marks('model m { a: "x\\qy" }')).toEqual(["DML0103 \\q"]);
  });
});

describe("lines", () => {
  it("a let goes on while a bracket is open", () => {
    expect(parseText("loss l() {\n  let a = (1\n    + 2)\n  a\n}").diagnostics).toEqual([]);
  });

  it("a closing brace ends the line too", () => {
    expect(parseText("loss l() { let a = 1\n  a }\nminer n() for (a, j) { p = 1 }").diagnostics).toEqual([]);
  });

  it("a formula may start with a minus after a let", () => {
    const { tree } = parseText("loss l() {\n  let a = 1\n  - a\n}");
    expect(tree.declarations[0]).toMatchObject({ body: { kind: "Unary", op: "-" } });
  });

  it("a call and an index stand on their callee's line", () => {
    expect(marks("loss l() {\n  f\n  (a)\n}")).toEqual(["DML0122 ("]);
    expect(marks("loss l() {\n  x\n  [i]\n}")).toEqual(["DML0122 ["]);
    expect(marks("model m {\n  a: adamw(lr: 1)\n  { heads: 1x }\n}")).toEqual(["DML0122 {"]);
  });

  it("settings need no commas", () => {
    const { tree } = parseText("model m { a: 1 b c { d, e } f: g(h: 1) { i: 2 } }");
    expect(tree.declarations[0]).toMatchObject({
      settings: {
        entries: [
          { name: { text: "a" } },
          { name: { text: "b" } },
          { name: { text: "c" }, block: { entries: [{}, {}] } },
          { value: { kind: "Call", parenthesised: true, block: { entries: [{ name: { text: "i" } }] } } },
        ],
      },
    });
  });

  it("any line ending will do", () => {
    expect(parseText("loss l() {\r\n  let a = 1\r\n  a\r\n}\r\n").diagnostics).toEqual([]);
    expect(parseText("loss l() {\r  let a = 1\r  a\r}\r").diagnostics).toEqual([]);
  });
});

describe("spans and docs", () => {
  it("cover the text of what they name, comments excluded", () => {
    const text =
      "/// One.\n/// Two.\nloss l(m: real > 0 = 1) { // why\n  (m + 1) * f(m)[i] // end\n}\n// after\n";
    const { tree } = parseText(text);
    const [loss] = tree.declarations;
    if (loss?.kind !== "Loss" || loss.body.kind !== "Binary") throw new Error("no loss");
    expect(loss.doc).toBe("One.\nTwo.");
    expect(textOf(loss.span)).toBe(text.slice(18, text.indexOf("// after") - 1));
    expect(textOf(loss.body.span)).toBe("(m + 1) * f(m)[i]");
    expect(textOf(loss.body.left.span)).toBe("m + 1");
    expect(textOf(loss.body.right.span)).toBe("f(m)[i]");
    expect(textOf(loss.parameters[0]!.span)).toBe("m: real > 0 = 1");
    expect(textOf(loss.parameters[0]!.type.span)).toBe("real > 0");
  });

  it("a doc comment not directly above documents nothing", () => {
    expect(parseText("/// Far.\n\nloss l() {\n  1\n}").tree.declarations[0]).not.toHaveProperty("doc");
  });
});

describe("declarations", () => {
  it("imports", () => {
    expect(parseText('import { a, b } from "./c.dml"').tree.imports).toMatchObject([
      { names: [{ text: "a" }, { text: "b" }], from: { kind: "String", value: "./c.dml" } },
    ]);
  });

  it("primitives", () => {
    const text =
      "primitive strategy learned(terms: loss..., scale: word(a, b) = a): loss needs non_negative, bounded";
    expect(parseText(text).tree.declarations).toMatchObject([
      {
        role: "strategy",
        name: { text: "learned" },
        parameters: [
          { type: { name: { text: "loss" }, rest: true } },
          { type: { words: [{ text: "a" }, { text: "b" }] }, default: { text: "a" } },
        ],
        result: { name: { text: "loss" } },
        needs: [{ text: "non_negative" }, { text: "bounded" }],
      },
    ]);
    const layer = "primitive layer conv(channels: int >= 1): image[h, w, c] -> image[_, _, channels]";
    expect(parseText(layer).tree.declarations).toMatchObject([
      {
        result: { axes: [{}, {}, {}] },
        output: { axes: [{ kind: "Hole" }, { kind: "Hole" }, { kind: "Name" }] },
      },
    ]);
    expect(parseText("primitive function max(a: real, b: real): real").tree.declarations).toMatchObject([
      { name: { text: "max" } },
    ]);
  });

  it("a state", () => {
    const [loss] = parseText("loss l() {\n  state m: real = 0 then 0.9 * m\n  m\n}").tree.declarations;
    expect(loss).toMatchObject({ statements: [{ kind: "State", initial: { value: 0 }, next: { op: "*" } }] });
  });

  it("a type's bounds are arithmetic", () => {
    const [loss] = parseText("loss l(a: real > 0 < 2 * n = 1, b: int[] = [1]) {\n  1\n}").tree.declarations;
    expect(loss).toMatchObject({
      parameters: [
        { type: { refinements: [{ op: ">" }, { op: "<", value: { op: "*" } }] }, default: { value: 1 } },
        { type: { axes: [] } },
      ],
    });
  });

  it("shared heads, and the clauses of an entry", () => {
    expect(setting("shared linear(64) |> normalize")).toMatchObject({
      kind: "Shared",
      pipeline: { kind: "Pipeline" },
    });
    const [model] = parseText("model m { losses { a: b() on c() against memory(9) with shared d } }").tree
      .declarations;
    expect(model).toMatchObject({
      settings: {
        entries: [
          { block: { entries: [{ miner: {}, memory: { kind: "Call" }, head: { kind: "Shared" } }] } },
        ],
      },
    });
  });
});
