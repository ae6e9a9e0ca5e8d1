/** No text makes the parser throw or take long. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as t from "../../grammar/tokens.ts";
import type { Span } from "../../src/source/source.ts";
import { errorLimit } from "../../src/syntax/report.ts";
import { children, walk } from "../../src/syntax/traverse.ts";
import { conformanceBlocks } from "../conformance/harness.ts";
import { bare, parseText, type Parsed } from "../grammar/helpers.ts";

/** Parses, and checks what holds for any text. */
function checked(text: string): Parsed {
  const parsed = parseText(text);
  const { length } = text;
  expect(parsed.diagnostics.length).toBeLessThanOrEqual(errorLimit + 1);
  const inside = ({ start, end }: Span): boolean => 0 <= start && start <= end && end <= length;
  for (const { span, message, reason, related } of parsed.diagnostics) {
    expect(`${message} ${reason}`).not.toMatch(/undefined|NaN|\[object/);
    expect([span, ...related.map((one) => one.span)].filter((place) => !inside(place))).toEqual([]);
  }
  let missing = false;
  const astray: string[] = [];
  walk(parsed.tree, {
    enter: (node) => {
      missing ||= node.kind === "Missing";
      if (!inside(node.span)) astray.push(`${node.kind} ${node.span.start} ${node.span.end}`);
    },
  });
  expect(astray).toEqual([]);
  if (missing) expect(parsed.diagnostics.length).toBeGreaterThan(0);
  return parsed;
}

const blocks = conformanceBlocks(new URL("../conformance/language.md", import.meta.url))
  .filter(({ language }) => language === "dml")
  .map(({ text }) => text);

const words = t.vocabulary.flatMap(({ PATTERN }) =>
  PATTERN instanceof RegExp && /^\w+$/.test(PATTERN.source)
    ? [PATTERN.source]
    : typeof PATTERN === "string"
      ? [PATTERN]
      : [],
);
const scraps = [
  ...words,
  "x",
  "i",
  "0.5",
  "12",
  "3deg",
  "2x",
  "8x8",
  '"s"',
  '"',
  "\n",
  "\n",
  "\n",
  " ",
  "// c\n",
  "/// d\n",
  "\u202e",
  "@",
  ".",
  "classes",
];

describe("any text", () => {
  it("made of the language's words and signs", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...scraps), { maxLength: 120 }), (parts) => {
        checked(parts.join(" "));
      }),
      { numRuns: 300 },
    );
  });

  it("of any characters", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 300 }), (text) => {
        checked(text);
      }),
      { numRuns: 200 },
    );
  });

  it("that a program becomes by cutting, doubling and putting in", () => {
    const edit = fc.tuple(fc.nat(), fc.nat({ max: 40 }), fc.constantFrom("", ...scraps));
    fc.assert(
      fc.property(
        fc.constantFrom(...blocks),
        fc.array(edit, { minLength: 1, maxLength: 4 }),
        (program, edits) => {
          let text = program;
          for (const [where, length, put] of edits) {
            const at = where % (text.length + 1);
            text = text.slice(0, at) + put + text.slice(at + length);
          }
          checked(text);
        },
      ),
      { numRuns: 150 },
    );
  });

  it("that is the beginning of a program, as while it is typed", () => {
    for (const program of blocks.slice(1, 2))
      for (let end = 0; end < program.length; end += 9) checked(program.slice(0, end));
  });
});

describe("bounds", () => {
  const loss = (body: string): string => `loss l() {\n  ${body}\n}\n`;
  const nest = (open: string, close: string, depth: number): string =>
    loss(open.repeat(depth) + "a" + close.repeat(depth));

  const nests: readonly (readonly [string, string])[] = [
    ["(", ")"],
    ["f(", ")"],
    ["f(a: ", ")"],
    ["f[", "]"],
    ["[", "]"],
    ["sum[i | ", "] a"],
    ["softmax[i](", ")"],
    ["if a then ", " else b"],
    ["if ", " then a else b"],
  ];
  for (const [open, close] of nests) {
    it(`${open}…${close}: 250 deep parse, 300 deep are refused`, () => {
      expect(checked(nest(open, close, 250)).diagnostics).toEqual([]);
      expect(checked(nest(open, close, 300)).diagnostics.map(({ code }) => code)).toEqual(["DML0112"]);
    });
  }

  it("blocks too", () => {
    expect(checked(`model m ${"{ a: f ".repeat(250)}${"}".repeat(250)}`).diagnostics).toEqual([]);
    expect(checked(`model m ${"{ a: f ".repeat(300)}${"}".repeat(300)}`).diagnostics).toMatchObject([
      { code: "DML0112" },
    ]);
  });

  const chains: readonly (readonly [string, string])[] = [
    ["a", " + a"],
    ["a", "^a"],
    ["", "- "],
    ["", "not "],
    ["", "sum[i] "],
    ["", "if a then b else "],
    ["a", " |> a"],
  ];
  for (const [start, link] of chains) {
    it(`a chain of 20,000 of ${link.trim()} gives the diagnostic of the budget`, () => {
      const text = start + link.repeat(20_000) + (start === "" ? "a" : "");
      expect(checked(loss(text)).diagnostics.map(({ code }) => code)).toEqual(["DML0113"]);
    });
  }

  it("a chain of 900 is walked", () => {
    const { tree, diagnostics } = checked(loss(`a${" + a".repeat(900)}`));
    expect(diagnostics).toEqual([]);
    let names = 0;
    walk(tree, { enter: (node) => void (names += node.kind === "Name" ? 1 : 0) });
    expect(names).toBe(901);
  });

  const noise: Readonly<Record<string, string>> = {
    "opening brackets": "(".repeat(1e6),
    "closing brackets": ")".repeat(2e5),
    "crossed brackets": "({[)]} ".repeat(30_000),
    words: "a ".repeat(100_000),
    "lines of words": "a b\n".repeat(50_000),
    "control characters": "\u0001 ".repeat(100_000),
    operators: "+ ".repeat(100_000),
    quotes: '"\n'.repeat(100_000),
    digits: "1.".repeat(100_000),
    lets: `loss l() {\n${"let a = \n".repeat(20_000)}}`,
    headers: "loss l(\n".repeat(30_000),
    settings: `model m {\n${"a: 1 2\n".repeat(140_000)}}`,
  };
  // A fifth of a megabyte each; a whole one of brackets and of settings.
  for (const [what, text] of Object.entries(noise)) {
    it(`much noise: ${what}`, () => {
      const start = performance.now();
      const { diagnostics } = parseText(text);
      expect(diagnostics.length).toBeGreaterThan(0);
      expect(diagnostics.length).toBeLessThanOrEqual(errorLimit + 1);
      expect(performance.now() - start).toBeLessThan(30_000);
    });
  }
});

describe("traversal", () => {
  it("reaches every node that a tree holds, parents first, in the order of the text", () => {
    for (const program of blocks) {
      const { tree } = parseText(program);
      const seen = new Set<object>();
      let before = 0;
      walk(tree, {
        enter: (node, parent) => {
          expect(parent === undefined || seen.has(parent)).toBe(true);
          expect(node.span.start).toBeGreaterThanOrEqual(before);
          before = node.span.start;
          seen.add(node);
        },
      });
      const held = (JSON.stringify(bare(tree)).match(/"kind":/g) ?? []).length;
      expect(seen.size).toBe(held);
    }
  });

  it("leaves after its children, and skips what enter refuses", () => {
    const { tree } = parseText("loss l() {\n  a + f(b)\n}\n");
    const left: string[] = [];
    walk(tree, { enter: (node) => node.kind !== "Call", leave: (node) => void left.push(node.kind) });
    expect(left).toEqual(["Identifier", "Name", "Call", "Binary", "Loss", "File"]);
    expect(children(tree)).toEqual(tree.declarations);
  });
});
