/**
 * The editor grammar (TextMate) of DML, generated from the token vocabulary, so that a word or sign has one place where
 * it is defined and coloured. `generate.ts` writes it; a test checks that the written file is current. Pure.
 *
 * Every pattern matches within one line and nests nothing, so no scope can leak into the rest of a file.
 */
import type { TokenType } from "chevrotain";
import * as t from "./tokens.ts";

interface Pattern {
  readonly name?: string;
  readonly match: string;
  readonly captures?: Readonly<Record<string, { readonly name: string }>>;
}

export interface TextmateGrammar {
  readonly $schema: string;
  readonly name: string;
  readonly scopeName: string;
  readonly fileTypes: readonly string[];
  readonly patterns: readonly { readonly include: string }[];
  readonly repository: Readonly<Record<string, { readonly patterns: readonly Pattern[] }>>;
}

function source(type: TokenType): string {
  const { PATTERN } = type;
  if (PATTERN instanceof RegExp) return PATTERN.source;
  return String(PATTERN).replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

function named(type: TokenType, match: string = source(type)): Pattern {
  const name = t.scopeOf(type);
  return { ...(name === undefined ? {} : { name }), match };
}

/** One pattern for all words of a scope, in the order in which the scopes first occur. */
function words(types: readonly TokenType[], follower: (type: TokenType) => string): Pattern[] {
  const groups = new Map<string, TokenType[]>();
  for (const type of types) {
    const key = `${t.scopeOf(type) ?? ""} ${follower(type)}`;
    groups.set(key, [...(groups.get(key) ?? []), type]);
  }
  return [...groups.values()].map((group) => {
    const choice = group.map(source).join("|");
    return named(group[0]!, `\\b(?:${choice})\\b${follower(group[0]!)}`);
  });
}

function numberWithUnit(): Pattern {
  const units = Object.keys(t.wordUnits).sort((a, b) => b.length - a.length);
  return {
    match: `(${source(t.PlainNumber)})[ \\t]+(${units.join("|")})\\b(?![ \\t]*:)`,
    captures: { "1": { name: t.scopeOf(t.PlainNumber)! }, "2": { name: t.scopeOf(t.WordUnit)! } },
  };
}

/** The grammar as an object; the order of the groups is the order in which the lexer tries them. */
export function textmateGrammar(): TextmateGrammar {
  const repository = {
    comments: { patterns: [named(t.DocComment, "///.*$"), named(t.Comment, "//.*$")] },
    strings: { patterns: [named(t.Text), named(t.OpenText)] },
    reserved: { patterns: words(t.reservedWords, () => "") },
    contextual: { patterns: words(t.contextualWords, (type) => `(?=${t.followerOf(type) ?? ""})`) },
    names: { patterns: [named(t.Hole, "\\b_\\b"), named(t.Identifier)] },
    numbers: {
      patterns: [
        named(t.Size),
        named(t.ScaledNumber),
        numberWithUnit(),
        named(t.PlainNumber, `${source(t.PlainNumber)}(?!\\w)`),
        named(t.GluedNumber),
      ],
    },
    signs: { patterns: t.signs.map((sign) => named(sign)) },
  };
  return {
    $schema: "https://raw.githubusercontent.com/martinring/tmlanguage/master/tmlanguage.json",
    name: "DML",
    scopeName: "source.dml",
    fileTypes: ["dml"],
    patterns: Object.keys(repository).map((group) => ({ include: `#${group}` })),
    repository,
  };
}

/** The text of `dml.tmLanguage.json`. */
export function textmateText(): string {
  return `${JSON.stringify(textmateGrammar(), null, 2)}\n`;
}
