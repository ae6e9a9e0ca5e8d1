/**
 * Balances brackets before parsing: what is never closed or never opened is reported once, at the bracket itself, and
 * repaired, so that the parser sees balanced tokens and one missing brace does not swallow the rest of the file.
 * Also the bound on nesting. Called by `parse.ts`.
 */
import { tokenMatcher, type IToken, type TokenType } from "chevrotain";
import * as t from "../../grammar/tokens.ts";
import * as codes from "../diagnostics/codes/syntax.ts";
import type { Diagnostics } from "../diagnostics/diagnostic.ts";
import { span, type SourceFile } from "../source/source.ts";
import { virtualToken } from "./lex.ts";

/** How deep brackets, and conditions inside conditions, may be nested. */
export const nestingLimit = 256;

/** A half-open range of offsets. */
export interface Zone {
  readonly start: number;
  readonly end: number;
}

export interface Balanced {
  readonly tokens: readonly IToken[];
  /** Where brackets were repaired: further syntax errors there are consequences. */
  readonly zones: readonly Zone[];
}

interface Open {
  readonly token: IToken;
  /** Conditions begun and not yet at their `else` directly inside this bracket. */
  conditions: number;
}

const closerOf = new Map<TokenType, TokenType>([
  [t.LeftParen, t.RightParen],
  [t.LeftBracket, t.RightBracket],
  [t.LeftBrace, t.RightBrace],
]);
const closers = new Set(closerOf.values());
const imageOf = new Map<TokenType, string>([
  [t.RightParen, ")"],
  [t.RightBracket, "]"],
  [t.RightBrace, "}"],
]);

/** Whether `tokens[at]` starts a declaration, as far as the next two tokens tell. */
export function startsDeclaration(tokens: readonly IToken[], at: number): boolean {
  const [token, second, third] = [tokens[at], tokens[at + 1], tokens[at + 2]];
  if (token === undefined || second === undefined) return false;
  const previous = tokens[at - 1];
  if (previous !== undefined && previous.endLine === token.startLine && previous.tokenType !== t.RightBrace)
    return false;
  if (token.tokenType === t.Import) return second.tokenType === t.LeftBrace;
  if (!t.declarationWords.includes(token.tokenType)) return false;
  if (!tokenMatcher(second, t.Identifier) || third === undefined) return false;
  if (token.tokenType === t.Primitive)
    return tokenMatcher(third, t.Identifier) || third.tokenType === t.Max || third.tokenType === t.Min;
  return [t.LeftParen, t.LeftBrace, t.Equals].includes(third.tokenType);
}

export function balance(file: SourceFile, diagnostics: Diagnostics, tokens: readonly IToken[]): Balanced {
  const out: IToken[] = [];
  const zones: Zone[] = [];
  const stack: Open[] = [];
  let depth = 0;
  let declarationColumn = 1;
  let outerConditions = 0;

  const closeTop = (offset: number, neighbour: IToken): void => {
    const open = stack.pop()!;
    depth -= 1 + open.conditions;
    const closer = closerOf.get(open.token.tokenType)!;
    const place = span(file, open.token.startOffset, open.token.startOffset + 1);
    const related = [{ span: span(file, offset, offset), label: "nothing has closed it up to here" }];
    diagnostics.report(
      codes.unclosedBracket,
      place,
      { open: open.token.image, close: imageOf.get(closer)! },
      { related },
    );
    zones.push({ start: open.token.startOffset, end: offset + 1 });
    out.push(virtualToken(closer, offset, neighbour));
  };

  for (const [at, token] of tokens.entries()) {
    if (startsDeclaration(tokens, at)) {
      const column = token.startColumn ?? 1;
      if (stack.length === 0) declarationColumn = column;
      const neighbour = out.at(-1);
      if (stack.length > 0 && column <= declarationColumn && neighbour !== undefined)
        while (stack.length > 0) closeTop(neighbour.startOffset + neighbour.image.length, neighbour);
      if (stack.length === 0) {
        depth -= outerConditions;
        outerConditions = 0;
      }
    }
    if (token.tokenType === t.If || token.tokenType === t.Else) {
      const step = token.tokenType === t.If ? 1 : -1;
      const owner = stack.at(-1);
      const before = owner?.conditions ?? outerConditions;
      const after = Math.max(0, before + step);
      if (owner === undefined) outerConditions = after;
      else owner.conditions = after;
      depth += after - before;
    }
    if (closerOf.has(token.tokenType)) {
      stack.push({ token, conditions: 0 });
      depth++;
    }
    if (depth > nestingLimit) {
      const place = span(file, token.startOffset, token.startOffset + token.image.length);
      diagnostics.report(codes.nestingTooDeep, place, { limit: nestingLimit });
      return { tokens: [], zones };
    }
    if (closers.has(token.tokenType)) {
      const matches = (open: Open): boolean => closerOf.get(open.token.tokenType) === token.tokenType;
      if (!stack.some(matches)) {
        const place = span(file, token.startOffset, token.startOffset + 1);
        diagnostics.report(codes.unopenedBracket, place, { close: token.image });
        continue;
      }
      while (!matches(stack.at(-1)!)) closeTop(token.startOffset, out.at(-1)!);
      depth -= 1 + stack.pop()!.conditions;
    }
    out.push(token);
  }
  while (stack.length > 0) {
    const last = out.at(-1)!;
    closeTop(last.startOffset + last.image.length, last);
  }
  return { tokens: out, zones };
}
