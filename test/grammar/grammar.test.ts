/** The grammar itself: free of ambiguities, every token used, and the same as the EBNF that readers see. */
import { readFileSync } from "node:fs";
import { Lexer } from "chevrotain";
import { describe, expect, it } from "vitest";
import { DmlParser, parser } from "../../grammar/parser.ts";
import * as t from "../../grammar/tokens.ts";
import { classNames, ruleText } from "./ebnf_text.ts";

describe("the grammar", () => {
  it("has no ambiguity, left recursion or unreachable alternative", () => {
    expect(() => new DmlParser({ skipValidations: false })).not.toThrow();
  });

  it("has a lexer without errors, and fast for every first character", () => {
    const lexer = new Lexer(t.vocabulary, { positionTracking: "full", ensureOptimizations: true });
    expect(lexer.lexerDefinitionErrors).toEqual([]);
  });

  it("uses every token", () => {
    const rules = JSON.stringify(parser.getSerializedGastProductions());
    const unused = t.vocabulary
      .filter((type) => !rules.includes(`"name":"${type.name}"`))
      .filter((type) => !(type.CATEGORIES ?? []).some((one) => one !== t.Identifier))
      .map(({ name }) => name);
    // Blank space, comments, and what the passes before the parser repair.
    expect(unused.sort()).toEqual(["Blank", "Comment", "DocComment", "GluedNumber"]);
  });

  it("lets every contextual word be a name", () => {
    for (const type of t.contextualWords) expect(type.CATEGORIES).toContain(t.Identifier);
    for (const type of t.reservedWords) expect(type.CATEGORIES).not.toContain(t.Identifier);
  });
});

describe("dml.ebnf", () => {
  const text = readFileSync(new URL("../../grammar/dml.ebnf", import.meta.url), "utf8");
  const written = new Map<string, string>();
  for (const [, name, body] of text.replace(/\(\*[^]*?\*\)/g, "").matchAll(/^(\w+) = ([^]*?) ;$/gm))
    written.set(name!, body!.replace(/\s+/g, " "));
  const rules = Object.entries(parser.getGAstProductions());

  it("has the parser's rules in the parser's order, and no other", () => {
    expect([...written.keys()]).toEqual(rules.map(([name]) => name));
  });

  for (const [name, rule] of rules) {
    it(name, () => expect(written.get(name)).toBe(ruleText(rule)));
  }

  it("explains every token class", () => {
    for (const name of Object.values(classNames)) expect(text).toMatch(new RegExp(`^ {3}${name} `, "m"));
  });

  it("lists the operators and reductions of the vocabulary", () => {
    const listed = (name: string) => new RegExp(`^ {3}${name} +(.*)$`, "m").exec(text)![1]!.split(" ").sort();
    const images = (types: readonly { PATTERN?: unknown }[]) =>
      types.map(({ PATTERN }) => (PATTERN instanceof RegExp ? PATTERN.source : String(PATTERN))).sort();
    const operators = t.vocabulary.filter((type) => type.CATEGORIES?.includes(t.BinaryOperator));
    expect(listed("OPERATOR")).toEqual(images(operators));
    expect(listed("REDUCTION")).toEqual(images(t.prefixReductions));
    expect(listed("CALL_REDUCTION")).toEqual(images(t.callReductions));
  });
});
