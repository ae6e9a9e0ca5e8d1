/**
 * Independent errors: parses each declaration of a file that has syntax errors by itself, takes its first error, cuts out
 * the smallest unit around it (a statement or a setting) and parses the rest again. So every error but the first is found
 * in text that recovery has not touched, and none is a consequence of another. Called by `parse.ts`.
 */
import { tokenMatcher, type IRecognitionException, type IToken, type TokenType } from "chevrotain";
import * as t from "../../grammar/tokens.ts";
import { startsDeclaration } from "./brackets.ts";

/** What the parser says about a list of tokens; the first error is the one that counts. */
export type FirstError = (tokens: readonly IToken[]) => IRecognitionException | undefined;

export interface FoundError {
  readonly error: IRecognitionException;
  /** The tokens of the declaration as they were parsed, the units of earlier errors left out. */
  readonly tokens: readonly IToken[];
  /** Where `error.token` stands among them; their number for the end of the file. */
  readonly at: number;
}

const openers = new Set<TokenType>([t.LeftParen, t.LeftBracket, t.LeftBrace]);
const closers = new Set<TokenType>([t.RightParen, t.RightBracket, t.RightBrace]);

/** The tokens of each declaration; what precedes the first is a part of its own. */
export function declarations(tokens: readonly IToken[]): IToken[][] {
  const parts: IToken[][] = [[]];
  let depth = 0;
  for (const [at, token] of tokens.entries()) {
    if (depth === 0 && startsDeclaration(tokens, at)) parts.push([]);
    if (openers.has(token.tokenType)) depth++;
    else if (closers.has(token.tokenType)) depth--;
    parts.at(-1)!.push(token);
  }
  return parts.filter((part) => part.length > 0);
}

/** The independent errors of one declaration, in the order they are found, at most `limit` of them. */
export function independentErrors(
  part: readonly IToken[],
  firstError: FirstError,
  limit: number,
): FoundError[] {
  const found: FoundError[] = [];
  let tokens = part;
  while (found.length < limit) {
    const error = firstError(tokens);
    if (error === undefined) break;
    const position = tokens.indexOf(error.token);
    const at = position < 0 ? tokens.length : position;
    found.push({ error, tokens, at });
    const unit = unitAround(tokens, at);
    if (unit === undefined) break;
    tokens = [...tokens.slice(0, unit.from), ...tokens.slice(unit.to)];
  }
  return found;
}

interface Unit {
  readonly from: number;
  readonly to: number;
}

/** The statement or setting around a token; undefined in a header or in a formula, after which nothing is left. */
function unitAround(tokens: readonly IToken[], at: number): Unit | undefined {
  const braces: number[] = [];
  const open: number[] = [];
  for (let position = 0; position < at; position++) {
    const type = tokens[position]!.tokenType;
    if (openers.has(type)) open.push(position);
    else if (closers.has(type)) open.pop();
  }
  for (const position of open) if (tokens[position]!.tokenType === t.LeftBrace) braces.push(position);
  const brace = braces.at(-1);
  if (brace === undefined) return undefined;
  const word = tokens[0]!.tokenType;
  if (brace === open[0] && (word === t.Loss || word === t.Miner)) return statementAround(tokens, brace, at);
  const before = tokens[brace - 1]?.tokenType;
  if (
    word === t.Backbone &&
    (brace === open[0] || before === t.Residual || tokens[brace - 2]?.tokenType === t.Repeat)
  )
    return undefined;
  return settingAround(tokens, brace, at);
}

/** Positions of the tokens directly inside a brace, with its closing one at the end. */
function level(tokens: readonly IToken[], brace: number): number[] {
  const inside: number[] = [];
  let depth = 0;
  for (let position = brace + 1; position < tokens.length; position++) {
    const type = tokens[position]!.tokenType;
    if (closers.has(type)) depth--;
    if (depth < 0) {
      inside.push(position);
      return inside;
    }
    if (depth === 0) inside.push(position);
    if (openers.has(type)) depth++;
  }
  inside.push(tokens.length);
  return inside;
}

function statementAround(tokens: readonly IToken[], brace: number, at: number): Unit | undefined {
  const inside = level(tokens, brace);
  let from = brace + 1;
  for (const position of inside) {
    if (position > at) break;
    if (position < at && tokens[position]!.tokenType === t.LineEnd) from = position + 1;
  }
  for (const position of inside) {
    const type = tokens[position]?.tokenType;
    if (position >= at && type === t.LineEnd) return { from, to: position + 1 };
    if (position > at && type === t.Let) return { from, to: position };
  }
  return undefined;
}

function settingAround(tokens: readonly IToken[], brace: number, at: number): Unit | undefined {
  const inside = level(tokens, brace);
  const end = inside.at(-1)!;
  const starts = inside.filter((position) => position < end && startsSetting(tokens, brace, position));
  const missing = missingValue(tokens, at);
  if (missing !== undefined) at = missing;
  const from =
    starts.filter((position) => position < at || (position === at && position === starts[0])).at(-1) ??
    brace + 1;
  const to = starts.find((position) => position > Math.max(at, from)) ?? end;
  return to > from ? { from, to } : undefined;
}

/**
 * Where an error at a colon really lies: in `a: b: 1` the value of `a` is missing, and was to stand before `b`. Gives the
 * position of the sign after which it is missing.
 */
export function missingValue(tokens: readonly IToken[], at: number): number | undefined {
  const [sign, name, colon] = [tokens[at - 2], tokens[at - 1], tokens[at]];
  if (colon?.tokenType !== t.Colon || sign === undefined || name === undefined) return undefined;
  if (!tokenMatcher(name, t.Identifier) || name.endLine !== colon.startLine) return undefined;
  return sign.tokenType === t.Colon || tokenMatcher(sign, t.BinaryOperator) ? at - 2 : undefined;
}

/** After the brace or a comma, first on its line, or a name before `:`. */
function startsSetting(tokens: readonly IToken[], brace: number, position: number): boolean {
  const token = tokens[position]!;
  const previous = tokens[position - 1]!;
  if (position === brace + 1 || previous.tokenType === t.Comma) return true;
  const onNewLine = previous.endLine !== token.startLine;
  if (token.tokenType === t.Colon) return onNewLine;
  if (!tokenMatcher(token, t.Identifier)) return false;
  const next = tokens[position + 1];
  if (next?.tokenType === t.Colon && next.startLine !== token.startLine) return false;
  return onNewLine || tokens[position + 1]?.tokenType === t.Colon;
}
