/**
 * From text to tokens: runs the lexer, reports characters, strings and glued numbers that are no tokens, and repairs what
 * it can so that the parser does not report the same place again. Called by `parse.ts`.
 */
import { createTokenInstance, type IToken, type TokenType } from "chevrotain";
import * as t from "../../grammar/tokens.ts";
import * as codes from "../diagnostics/codes/text.ts";
import { lineStarts, position, span, type SourceFile } from "../source/source.ts";
import type { SyntaxReport } from "./report.ts";

/** A half-open range of offsets. */
export interface Zone {
  readonly start: number;
  readonly end: number;
}

export interface Lexed {
  readonly tokens: readonly IToken[];
  /** The text before and after characters that were left out, as far as they can cause syntax errors. */
  readonly zones: readonly Zone[];
  /** `//` and `///` comments in order. */
  readonly comments: readonly IToken[];
}

const directions: Readonly<Record<string, string>> = {
  "\u061c": "U+061C",
  "\u200e": "U+200E",
  "\u200f": "U+200F",
  "\u202a": "U+202A",
  "\u202b": "U+202B",
  "\u202c": "U+202C",
  "\u202d": "U+202D",
  "\u202e": "U+202E",
  "\u2066": "U+2066",
  "\u2067": "U+2067",
  "\u2068": "U+2068",
  "\u2069": "U+2069",
};

/** How many zones are kept; beyond, there are more errors than are reported. */
const zoneLimit = 1000;

/** Signs people type or paste in place of the language's own. */
const meant: Readonly<Record<string, string>> = {
  "'": 'write strings in double quotes: "…"',
  "\u2018": 'write strings in double quotes: "…"',
  "\u2019": 'write strings in double quotes: "…"',
  "\u201c": 'write strings in straight double quotes: "…"',
  "\u201d": 'write strings in straight double quotes: "…"',
  ";": "remove it; lines and commas separate",
  "&": "write and",
  "!": "write not",
  "%": "write a share as a number: 0.1",
  "#": "a comment starts with //",
  "\u00d7": "write *",
  "\u2212": "write -",
  "\u2264": "write <=",
  "\u2265": "write >=",
  "\u2260": "write !=",
  "\u2211": "write sum[i]",
  "\u00b0": "write deg, as in 10deg",
};

/** A token that is not in the text: zero wide, at `offset`, on the line of `neighbour`. */
export function virtualToken(type: TokenType, offset: number, neighbour: IToken): IToken {
  const line = neighbour.endLine ?? 1;
  const column = neighbour.endColumn ?? 1;
  return createTokenInstance(type, "", offset, offset - 1, line, line, column, column);
}

/** Part of a token's text as a token of its own. */
function part(token: IToken, type: TokenType, from: number, to: number): IToken {
  const column = token.startColumn ?? 1;
  const line = token.startLine ?? 1;
  return createTokenInstance(
    type,
    token.image.slice(from, to),
    token.startOffset + from,
    token.startOffset + to - 1,
    line,
    line,
    column + from,
    column + to - 1,
  );
}

export function lex(file: SourceFile, diagnostics: SyntaxReport): Lexed {
  for (const match of file.text.matchAll(/[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g)) {
    const place = span(file, match.index, match.index + 1);
    diagnostics.report(codes.hiddenDirection, place, { name: directions[match[0]] ?? "" });
  }
  const result = t.lexer.tokenize(file.text);
  for (const error of result.errors) reportCharacters(file, diagnostics, error.offset, error.length);
  return {
    tokens: repaired(file, diagnostics, result.tokens),
    zones: zonesAround(file, result.errors, result.tokens),
    comments: result.groups.comments ?? [],
  };
}

/** From the start of the line to the next token, around each run of characters that no token has. */
function zonesAround(
  file: SourceFile,
  errors: readonly { readonly offset: number; readonly length: number }[],
  tokens: readonly IToken[],
): Zone[] {
  const zones: Zone[] = [];
  const starts = lineStarts(file);
  let next = 0;
  for (const { offset, length } of errors.slice(0, zoneLimit)) {
    while (next < tokens.length && tokens[next]!.startOffset < offset) next++;
    const start = starts[position(file, offset).line - 1]!;
    zones.push({ start, end: tokens[next]?.startOffset ?? offset + length });
  }
  return zones;
}

/** One report for each run of characters that no token has. */
function reportCharacters(file: SourceFile, diagnostics: SyntaxReport, offset: number, length: number): void {
  const text = file.text.slice(offset, offset + length);
  const first = String.fromCodePoint(text.codePointAt(0) ?? 0xfffd);
  if (first in directions) return;
  const place = span(file, offset, offset + length);
  if (text === ".") {
    const before = /\d+$/.exec(file.text.slice(Math.max(0, offset - 40), offset))?.[0];
    const after = /^\d+/.exec(file.text.slice(offset + 1, offset + 41))?.[0];
    if (before !== undefined || after !== undefined) {
      diagnostics.report(codes.dotWithoutDigit, place, { text: `${before ?? "0"}.${after ?? "0"}` });
      return;
    }
  }
  const printable = /^[\x21-\x7e\u00a1-\uffff]/.test(first) || first.length === 2;
  const character = printable
    ? `"${first}"`
    : `U+${(first.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;
  diagnostics.report(codes.unexpectedCharacter, place, { character, help: meant[first] });
}

/** Reports open strings and glued numbers; `2x[i]` and `3alpha` go on as the products they were meant to be. */
function repaired(file: SourceFile, diagnostics: SyntaxReport, tokens: readonly IToken[]): IToken[] {
  const out: IToken[] = [];
  for (const [position, token] of tokens.entries()) {
    const place = span(file, token.startOffset, token.startOffset + token.image.length);
    if (token.tokenType === t.OpenText) diagnostics.report(codes.unterminatedString, place, {});
    const glued = token.tokenType === t.GluedNumber || isScaledTarget(token, tokens[position + 1]);
    if (!glued) {
      out.push(token);
      continue;
    }
    const digits = /^\d+(?:\.\d+)?(?:[eE][+-]?\d+(?=[A-Za-z_]))?/.exec(token.image)?.[0].length ?? 1;
    const word = token.image.slice(digits);
    const subject =
      token.tokenType === t.GluedNumber ? word : `${word}${indexText(file, token, tokens[position + 1])}`;
    diagnostics.report(codes.numberThenWord, place, { number: token.image.slice(0, digits), word: subject });
    const number = part(token, t.PlainNumber, 0, digits);
    out.push(number, virtualToken(t.Star, token.startOffset + digits, number));
    out.push(part(token, t.Identifier, digits, token.image.length));
  }
  return out;
}

/** `2x[` and `2x(`: a product with something named x, not the multiplier 2x. */
function isScaledTarget(token: IToken, next: IToken | undefined): boolean {
  if (token.tokenType !== t.ScaledNumber || !token.image.endsWith("x") || next === undefined) return false;
  const opens = next.tokenType === t.LeftBracket || next.tokenType === t.LeftParen;
  return opens && next.startOffset === token.startOffset + token.image.length;
}

/** The short bracket after `2x`, for the message; an ellipsis where it is long. */
function indexText(file: SourceFile, token: IToken, next: IToken | undefined): string {
  if (next === undefined) return "";
  const rest = file.text.slice(token.startOffset + token.image.length).slice(0, 24);
  return /^(?:\[[\w, ]*\]|\([\w, ]*\))/.exec(rest)?.[0] ?? `${next.image}…${next.image === "[" ? "]" : ")"}`;
}
