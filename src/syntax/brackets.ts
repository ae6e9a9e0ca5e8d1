/**
 * Balances brackets before parsing: what is never closed or never opened is reported once, at the bracket itself, and
 * repaired, so that the parser sees balanced tokens and one missing brace does not swallow the rest of the file.
 * Also the bound on nesting. Called by `parse.ts`.
 */
import { tokenMatcher, type IToken, type TokenType } from "chevrotain";
import * as t from "../../grammar/tokens.ts";
import * as codes from "../diagnostics/codes/text.ts";
import { span, type SourceFile } from "../source/source.ts";
import { virtualToken, type Zone } from "./lex.ts";
import type { SyntaxReport } from "./report.ts";

/** How deep brackets, and conditions inside conditions, may be nested. */
export const nestingLimit = 256;

/** A closing bracket that closes nothing, left out of the tokens and still to be reported. */
export interface Dropped {
  readonly token: IToken;
  /** From where its opening bracket may be missing to what follows it: errors there have the same cause. */
  readonly zone: Zone;
}

export interface Balanced {
  readonly tokens: readonly IToken[];
  /** Where brackets were repaired: further syntax errors there are consequences. */
  readonly zones: readonly Zone[];
  readonly dropped: readonly Dropped[];
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
    return [t.Identifier, t.PrefixReduction, t.CallReduction].some((type) => tokenMatcher(third, type));
  return [t.LeftParen, t.LeftBrace, t.Equals].includes(third.tokenType);
}

export function balance(file: SourceFile, diagnostics: SyntaxReport, tokens: readonly IToken[]): Balanced {
  return new Balancer(file, diagnostics, tokens).run();
}

class Balancer {
  private readonly file: SourceFile;
  private readonly diagnostics: SyntaxReport;
  private readonly tokens: readonly IToken[];
  private readonly out: IToken[] = [];
  private readonly zones: Zone[] = [];
  private readonly dropped: Dropped[] = [];
  private readonly stack: Open[] = [];
  /** Open brackets and conditions. */
  private depth = 0;
  /** Conditions open outside every bracket. */
  private outerConditions = 0;
  private declarationColumn = 1;
  private declarationStart = 0;
  /** Where the statement or setting at hand starts, roughly: for the extent of what a lost bracket can cause. */
  private statementStart = 0;
  private trials = 0;

  constructor(file: SourceFile, diagnostics: SyntaxReport, tokens: readonly IToken[]) {
    this.file = file;
    this.diagnostics = diagnostics;
    this.tokens = tokens;
  }

  run(): Balanced {
    for (const [at, token] of this.tokens.entries()) {
      if (startsDeclaration(this.tokens, at)) this.enterDeclaration(token);
      this.noteStatement(at);
      if (token.tokenType === t.If || token.tokenType === t.Else) this.countCondition(token);
      if (closerOf.has(token.tokenType)) {
        this.stack.push({ token, conditions: 0 });
        this.depth++;
      }
      if (this.depth > nestingLimit) {
        const place = span(this.file, token.startOffset, token.startOffset + token.image.length);
        this.diagnostics.report(codes.nestingTooDeep, place, { limit: nestingLimit });
        return { tokens: [], zones: this.zones, dropped: [] };
      }
      if (!closers.has(token.tokenType) || this.close(at)) this.out.push(token);
    }
    this.closeAll();
    return { tokens: this.out, zones: this.zones, dropped: this.dropped };
  }

  /** A declaration at the margin of the last one closes whatever is still open. */
  private enterDeclaration(token: IToken): void {
    const column = token.startColumn ?? 1;
    if (this.stack.length > 0 && column <= this.declarationColumn) this.closeAll();
    if (this.stack.length > 0) return;
    this.declarationColumn = column;
    this.declarationStart = token.startOffset;
    this.depth -= this.outerConditions;
    this.outerConditions = 0;
  }

  private noteStatement(at: number): void {
    const token = this.tokens[at]!;
    const inner = this.stack.at(-1)?.token.tokenType;
    if (inner !== undefined && inner !== t.LeftBrace) return;
    const previous = this.tokens[at - 1];
    if (previous?.endLine === token.startLine || closers.has(token.tokenType)) return;
    const continues = (sign: IToken | undefined): boolean =>
      sign !== undefined && (tokenMatcher(sign, t.BinaryOperator) || sign.tokenType === t.Comma);
    const named = this.tokens[at + 1]?.tokenType === t.Colon;
    if (named || token.tokenType === t.Let || (!continues(token) && !continues(previous)))
      this.statementStart = token.startOffset;
  }

  private countCondition(token: IToken): void {
    const owner = this.stack.at(-1);
    const before = owner?.conditions ?? this.outerConditions;
    const after = Math.max(0, before + (token.tokenType === t.If ? 1 : -1));
    if (owner === undefined) this.outerConditions = after;
    else owner.conditions = after;
    this.depth += after - before;
  }

  /** Closes what the closing bracket at `at` closes, and tells whether it closes anything. */
  private close(at: number): boolean {
    const token = this.tokens[at]!;
    const matches = (open: Open): boolean => closerOf.get(open.token.tokenType) === token.tokenType;
    const top = this.stack.at(-1);
    if (!this.stack.some(matches) || (!matches(top!) && this.betterDropped(at))) {
      const start = token.tokenType === t.RightBrace ? this.declarationStart : this.statementStart;
      const after = this.tokens[at + 1] ?? token;
      this.dropped.push({ token, zone: { start, end: after.startOffset } });
      return false;
    }
    while (!matches(this.stack.at(-1)!)) this.closeTop(token.startOffset, this.out.at(-1)!);
    this.depth -= 1 + this.stack.pop()!.conditions;
    return true;
  }

  /**
   * Whether leaving out the closing bracket at `at` makes more sense of the next few dozen tokens than closing all that
   * is open inside its opening one. Tried a bounded number of times a file, so that noise costs linear time.
   */
  private betterDropped(at: number): boolean {
    if (this.trials >= 200) return false;
    this.trials++;
    const open = this.stack.map(({ token }) => token.tokenType);
    const closed = open.slice(
      0,
      open.findLastIndex((type) => closerOf.get(type) === this.tokens[at]!.tokenType),
    );
    return this.repairs(open, at + 1) < this.repairs(closed, at + 1);
  }

  /** How many repairs the tokens from `at` on need after these open brackets. */
  private repairs(open: readonly TokenType[], at: number): number {
    const stack = [...open];
    let count = 0;
    for (const { tokenType } of this.tokens.slice(at, at + 64)) {
      if (tokenType === t.Let) break;
      if (closerOf.has(tokenType)) stack.push(tokenType);
      if (!closers.has(tokenType)) continue;
      const opener = stack.findLastIndex((type) => closerOf.get(type) === tokenType);
      count += opener < 0 ? 1 : stack.length - 1 - opener;
      if (opener >= 0) stack.length = opener;
      if (tokenType === t.RightBrace) break;
    }
    return count;
  }

  private closeAll(): void {
    const last = this.out.at(-1);
    if (last === undefined) return;
    const end = last.startOffset + last.image.length;
    while (this.stack.length > 0) this.closeTop(end, last);
  }

  private closeTop(offset: number, neighbour: IToken): void {
    const open = this.stack.pop()!;
    this.depth -= 1 + open.conditions;
    const closer = closerOf.get(open.token.tokenType)!;
    const place = span(this.file, open.token.startOffset, open.token.startOffset + 1);
    const related = [{ span: span(this.file, offset, offset), label: "nothing has closed it up to here" }];
    const signs = { open: open.token.image, close: imageOf.get(closer)! };
    this.diagnostics.report(codes.unclosedBracket, place, signs, { related });
    this.zones.push({ start: open.token.startOffset, end: offset + 1 });
    this.out.push(virtualToken(closer, offset, neighbour));
  }
}
