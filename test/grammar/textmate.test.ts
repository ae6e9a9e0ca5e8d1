/**
 * The editor grammar: current, and in agreement with the parser on every token of every program at hand. A word counts
 * as what the parser took it for: a keyword, or a name.
 */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { CstElement, CstNode, IToken } from "chevrotain";
import textmate from "vscode-textmate";
import { beforeAll, describe, expect, it } from "vitest";
import { textmateGrammar } from "../../docs/site/textmate_grammar.ts";
import { parser } from "../../grammar/parser.ts";
import { textmateText } from "../../grammar/textmate.ts";
import * as t from "../../grammar/tokens.ts";
import { balance } from "../../src/syntax/brackets.ts";
import { lex } from "../../src/syntax/lex.ts";
import { markLines } from "../../src/syntax/lines.ts";
import { SyntaxReport } from "../../src/syntax/report.ts";
import { conformanceBlocks } from "../conformance/harness.ts";
import { parseText } from "./helpers.ts";

const root = new URL("../../", import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), "utf8");

let grammar: textmate.IGrammar;

beforeAll(async () => {
  grammar = await textmateGrammar(textmateText());
});

/** The innermost scope at each offset, and whether any rule is still open at the end of a line. */
function scopesOf(text: string): { readonly at: Map<number, string>; readonly leaks: number[] } {
  const at = new Map<number, string>();
  const leaks: number[] = [];
  let state = textmate.INITIAL;
  let offset = 0;
  for (const [number, line] of text.split("\n").entries()) {
    const { tokens, ruleStack } = grammar.tokenizeLine(line, state);
    for (const { startIndex, endIndex, scopes } of tokens)
      for (let column = startIndex; column < endIndex; column++) at.set(offset + column, scopes.at(-1)!);
    if (ruleStack.depth > 1) leaks.push(number + 1);
    state = ruleStack;
    offset += line.length + 1;
  }
  return { at, leaks };
}

/** Each token with the type the parser took it for. */
function consumed(text: string): (readonly [IToken, string | undefined])[] {
  const report = new SyntaxReport();
  const file = { path: "test.dml", text, standard: true };
  const { tokens, comments } = lex(file, report);
  const balanced = balance(file, report, tokens);
  parser.input = markLines(file, report, balanced.tokens, balanced.zones);
  const found: (readonly [IToken, string | undefined])[] = comments.map((one) => [
    one,
    t.scopeOf(one.tokenType),
  ]);
  const pending: CstElement[] = [parser.file() as CstNode];
  expect(parser.errors).toEqual([]);
  for (let element = pending.pop(); element !== undefined; element = pending.pop()) {
    if (!("children" in element)) continue;
    for (const [key, elements] of Object.entries(element.children)) {
      for (const child of elements) {
        if ("children" in child) pending.push(child);
        else if (child.tokenType !== t.LineEnd)
          found.push([child, t.scopeOf(key === "Identifier" ? t.Identifier : child.tokenType)]);
      }
    }
  }
  return found;
}

function disagreements(text: string): string[] {
  const { at, leaks } = scopesOf(text);
  const wrong = leaks.map((line) => `a scope leaks from line ${line}`);
  for (const [token, scope] of consumed(text)) {
    for (let offset = token.startOffset; offset < token.startOffset + token.image.length; offset++) {
      if (at.get(offset) === (scope ?? "source.dml")) continue;
      wrong.push(`"${token.image}" on line ${token.startLine}: ${at.get(offset)} instead of ${scope}`);
      break;
    }
  }
  return wrong;
}

describe("dml.tmLanguage.json", () => {
  it("is current: npm run generate", () => {
    expect(read("grammar/dml.tmLanguage.json")).toBe(textmateText());
  });

  it("is the grammar of the VS Code extension", () => {
    expect(read("grammar/vscode/syntaxes/dml.tmLanguage.json")).toBe(textmateText());
  });

  it("names a scope for every token but blank space, and the language's suffix on each", () => {
    for (const type of t.vocabulary) {
      const abstract = t.vocabulary.some(
        (other) => other !== t.Identifier && other.CATEGORIES?.includes(type),
      );
      if (type === t.Blank || type === t.LineEnd || (abstract && type !== t.Identifier && type !== t.Text))
        continue;
      expect(t.scopeOf(type), type.name).toMatch(/\.dml$/);
    }
  });
});

describe("every token has the scope that its type names", () => {
  const folder = fileURLToPath(root);
  for (const pattern of ["examples", "stdlib"]) {
    const files = readdirSync(`${folder}${pattern}`, { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".dml"))
      .map((name) => `${pattern}/${name.replaceAll("\\", "/")}`)
      .sort();
    it(`${pattern} is not empty`, () => expect(files.length).toBeGreaterThan(0));
    for (const file of files) it(file, () => expect(disagreements(read(file))).toEqual([]));
  }
  for (const block of conformanceBlocks(new URL("../conformance/language.md", import.meta.url)))
    if (block.language === "dml")
      it(`language: ${block.heading}`, () => expect(disagreements(block.text)).toEqual([]));

  it("numbers, units and odd words", () => {
    const text = [
      "model with_ { a: 3 steps, b: 3 steps: 4, c: 224x224, d: 1e-3 epochs, e: 0.5rad }",
      "loss against(on: loss = 1, shared: int = 0) : real in [0, 1] of (u, v) assumes unit(u) {",
      "  let with(i) = if true then x[i]^2 else -1e9 // x",
      "  state m: real = 0 then 1",
      "  any[i] on(i) and not (distance(x[i], u) <= 2)",
      "}",
      "",
    ].join("\n");
    expect(disagreements(text)).toEqual([]);
  });

  it("an open string ends with its line", () => {
    const { at, leaks } = scopesOf('model m { a: "open\n  b: 3 }\n');
    expect(leaks).toEqual([]);
    expect(at.get(13)).toBe("invalid.illegal.dml");
    expect(at.get(24)).toBe("constant.numeric.dml");
  });
});

describe("the VS Code extension", () => {
  const manifest = JSON.parse(read("grammar/vscode/package.json")) as {
    contributes: {
      languages: { configuration: string; extensions: string[] }[];
      grammars: { path: string; scopeName: string }[];
      snippets: { path: string }[];
    };
  };
  const { languages, grammars, snippets } = manifest.contributes;

  it("contributes files that exist", () => {
    for (const path of [languages[0]!.configuration, grammars[0]!.path, snippets[0]!.path])
      expect(read(`grammar/vscode/${path}`).length).toBeGreaterThan(0);
    expect(languages[0]!.extensions).toEqual([".dml"]);
    expect(grammars[0]!.scopeName).toBe("source.dml");
  });

  it("toggles comments and matches brackets", () => {
    const configuration = JSON.parse(read("grammar/vscode/language-configuration.json")) as {
      comments: { lineComment: string };
      brackets: string[][];
    };
    expect(configuration.comments.lineComment).toBe("//");
    expect(configuration.brackets).toEqual([
      ["{", "}"],
      ["[", "]"],
      ["(", ")"],
    ]);
  });

  it("has snippets that parse", () => {
    const all = JSON.parse(read("grammar/vscode/snippets/dml.json")) as Record<string, { body: string[] }>;
    for (const [name, { body }] of Object.entries(all)) {
      const defaults = new Map<string, string>();
      const text = body
        .join("\n")
        .replace(/\$\{(\d+):([^}]*)\}/g, (_, number: string, value: string) => {
          defaults.set(number, value);
          return value;
        })
        .replace(/\$(\d+)/g, (_, number: string) => defaults.get(number)!);
      expect(parseText(text).diagnostics, name).toEqual([]);
    }
  });
});
