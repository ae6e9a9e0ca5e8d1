/** Places in texts, and the nearest spelling. */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { closest } from "../../src/diagnostics/did_you_mean.ts";
import { join, lineStarts, position, span, textOf, type SourceFile } from "../../src/source/source.ts";
import { parseText } from "./helpers.ts";

const file = (text: string): SourceFile => ({ path: "test.dml", text, standard: false });

describe("positions", () => {
  it("count lines from 1 after LF, CR LF and CR", () => {
    const source = file("a\nbc\r\nd\re");
    expect(lineStarts(source)).toEqual([0, 2, 6, 8]);
    expect([0, 1, 2, 3, 6, 8].map((offset) => position(source, offset))).toEqual([
      { line: 1, column: 1 },
      { line: 1, column: 2 },
      { line: 2, column: 1 },
      { line: 2, column: 2 },
      { line: 3, column: 1 },
      { line: 4, column: 1 },
    ]);
  });

  it("are clamped to the text", () => {
    expect(position(file("ab"), 9)).toEqual({ line: 1, column: 3 });
    expect(position(file("ab"), -1)).toEqual({ line: 1, column: 1 });
    expect(position(file(""), 0)).toEqual({ line: 1, column: 1 });
  });

  it("spans join and give their text", () => {
    const source = file("one two three");
    expect(textOf(join(span(source, 4, 7), span(source, 0, 3)))).toBe("one two");
  });
});

describe("the nearest spelling", () => {
  const names = ["contrastive", "triplet", "multi_similarity", "proxy_anchor", "margin", "cosine", "steps"];
  const cases: readonly (readonly [string, string | undefined])[] = [
    ["contrasitve", "contrastive"],
    ["tripet", "triplet"],
    ["Margin", "margin"],
    ["MARGIN", "margin"],
    ["proxyanchor", "proxy_anchor"],
    ["stpes", "steps"],
    ["margin", undefined],
    ["zebra", undefined],
    ["x", undefined],
    ["", undefined],
  ];
  for (const [word, found] of cases) it(`${word} → ${found}`, () => expect(closest(word, names)).toBe(found));

  it("prefers the nearer, then the earlier", () => {
    expect(closest("abcd", ["abxy", "abcx"])).toBe("abcx");
    expect(closest("abcd", ["abcx", "abcy"])).toBe("abcx");
  });
});

describe("the programs that are shipped", () => {
  for (const folder of ["stdlib", "examples"]) {
    const root = new URL(`../../${folder}/`, import.meta.url);
    for (const name of readdirSync(root, { recursive: true, encoding: "utf8" }).filter((one) =>
      one.endsWith(".dml"),
    ))
      it(`${folder}/${name} parses`, () => {
        const { diagnostics } = parseText(readFileSync(new URL(name, root), "utf8"));
        expect(diagnostics.map(({ code, message }) => `${code} ${message}`)).toEqual([]);
      });
  }
});
