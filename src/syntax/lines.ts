/**
 * What depends on lines and on the kind of declaration: puts a `LineEnd` where a statement ends with its line, tells a
 * word unit from a name, and repairs three frequent slips (an unknown declaration, `=` for `:`, a product without `*`) so
 * that each is reported once. Works on balanced tokens; called by `parse.ts`.
 */
import { createTokenInstance, tokenMatcher, type IToken, type TokenType } from "chevrotain";
import * as t from "../../grammar/tokens.ts";
import * as codes from "../diagnostics/codes/syntax.ts";
import * as text from "../diagnostics/codes/text.ts";
import { closest } from "../diagnostics/did_you_mean.ts";
import { span, type SourceFile, type Span } from "../source/source.ts";
import { startsDeclaration } from "./brackets.ts";
import { virtualToken, type Zone } from "./lex.ts";
import type { SyntaxReport } from "./report.ts";

const openers = new Set([t.LeftParen, t.LeftBracket, t.LeftBrace]);
const closers = new Set([t.RightParen, t.RightBracket, t.RightBrace]);
const formulas = new Set([t.Loss, t.Miner, t.Distance, t.Similarity]);
/** Words that go on with a declaration on a new line. */
const inDeclaration = new Set([t.Of, t.Assumes, t.For, t.Needs, t.From, t.Param, t.State]);

const isWord = (token: IToken | undefined): token is IToken =>
  token !== undefined && tokenMatcher(token, t.Identifier);
const retyped = (token: IToken, type: TokenType): IToken =>
  createTokenInstance(
    type,
    token.image,
    token.startOffset,
    token.endOffset ?? token.startOffset,
    token.startLine ?? 1,
    token.endLine ?? 1,
    token.startColumn ?? 1,
    token.endColumn ?? 1,
  );

/**
 * The tokens the parser takes.
 * @param zones where brackets were repaired: slips there are repaired without a report
 */
export function markLines(
  file: SourceFile,
  diagnostics: SyntaxReport,
  tokens: readonly IToken[],
  zones: readonly Zone[],
): IToken[] {
  return new LinePass(file, diagnostics, tokens, zones).run();
}

class LinePass {
  private readonly file: SourceFile;
  private readonly diagnostics: SyntaxReport;
  private readonly tokens: readonly IToken[];
  private readonly zones: readonly Zone[];
  private readonly out: IToken[] = [];
  private readonly stack: TokenType[] = [];
  /** The word of the declaration at hand. */
  private declaration: TokenType | undefined;
  /** Whether a statement has begun that its line has not ended. */
  private inStatement = false;

  constructor(
    file: SourceFile,
    diagnostics: SyntaxReport,
    tokens: readonly IToken[],
    zones: readonly Zone[],
  ) {
    this.file = file;
    this.diagnostics = diagnostics;
    this.tokens = tokens;
    this.zones = zones;
  }

  run(): IToken[] {
    for (let at = 0; at < this.tokens.length; at++) {
      if (this.stack.length === 0) {
        const after = this.skipUnknownDeclaration(at);
        if (after > at) {
          at = after - 1;
          continue;
        }
        if (startsDeclaration(this.tokens, at)) this.declaration = this.tokens[at]!.tokenType;
      }
      this.take(at);
    }
    if (this.inStatement) this.endLine();
    return this.out;
  }

  private take(at: number): void {
    const token = this.tokens[at]!;
    const type = token.tokenType;
    const previous = this.out.at(-1);
    const inBody = this.isInBody();
    if (this.inStatement && inBody) {
      const onNewLine = previous !== undefined && previous.endLine !== token.startLine;
      if (onNewLine || closers.has(type)) this.endLine();
    }
    if (!this.inStatement && inBody && this.startsStatement(at)) this.inStatement = true;
    if (openers.has(type)) this.stack.push(type);
    else if (closers.has(type)) this.stack.pop();
    if (type === t.Equals && this.isSlipForColon(at)) {
      this.reportEquals(at);
      this.out.push(retyped(token, t.Colon));
    } else if ((isWord(token) || type === t.Sample) && this.followsNumber(at)) {
      this.takeAfterNumber(at);
    } else {
      this.out.push(token);
    }
  }

  // ── Statements ────────────────────────────────────────────────────────────────────────────────────────────────

  /** Directly inside the braces of a loss or miner. */
  private isInBody(): boolean {
    const formula = this.declaration === t.Loss || this.declaration === t.Miner;
    return formula && this.stack.length === 1 && this.stack[0] === t.LeftBrace;
  }

  private startsStatement(at: number): boolean {
    const [token, next] = [this.tokens[at]!, this.tokens[at + 1]];
    if (token.tokenType === t.Let) return true;
    if ((token.tokenType === t.Param || token.tokenType === t.State) && isWord(next)) return true;
    return isWord(token) && next?.tokenType === t.Equals;
  }

  private endLine(): void {
    const last = this.out.at(-1)!;
    this.out.push(virtualToken(t.LineEnd, last.startOffset + last.image.length, last));
    this.inStatement = false;
  }

  // ── Words after numbers ───────────────────────────────────────────────────────────────────────────────────────

  private followsNumber(at: number): boolean {
    const [token, previous, next] = [this.tokens[at]!, this.out.at(-1), this.tokens[at + 1]];
    if (previous?.tokenType !== t.PlainNumber || previous.endLine !== token.startLine) return false;
    if (token.tokenType === t.Sample && next?.tokenType === t.LeftBracket) return false;
    return next?.tokenType !== t.Colon;
  }

  private takeAfterNumber(at: number): void {
    const token = this.tokens[at]!;
    const word = token.image;
    const inner = this.stack.at(-1);
    const inFormula = this.declaration !== undefined && formulas.has(this.declaration);
    if (Object.hasOwn(t.wordUnits, word)) {
      if (inFormula) this.diagnostics.report(text.unitOutOfPlace, this.span(token), { unit: word });
      else this.out.push(retyped(token, t.WordUnit));
    } else if (inFormula && this.stack[0] === t.LeftBrace && !this.isInCondition()) {
      const number = this.out.at(-1)!;
      const place = span(this.file, number.startOffset, token.startOffset + word.length);
      this.diagnostics.report(text.numberThenWord, place, { number: number.image, word });
      this.out.push(virtualToken(t.Star, token.startOffset, number), token);
    } else if (!inFormula && (inner === t.LeftParen || inner === t.LeftBracket)) {
      const nearest = closest(word, Object.keys(t.wordUnits));
      if (!this.isRepaired(token))
        this.diagnostics.report(text.unknownUnit, this.span(token), { word, nearest });
    } else {
      this.out.push(token);
    }
  }

  /** Whether an `if` waits for its `then`: that is what is missing before the word. */
  private isInCondition(): boolean {
    for (const { tokenType } of this.out.slice(-32).reverse()) {
      if (tokenType === t.If) return true;
      if (tokenType === t.Then || tokenType === t.Else || tokenType === t.LineEnd) return false;
    }
    return false;
  }

  // ── Slips ─────────────────────────────────────────────────────────────────────────────────────────────────────

  /** A name before `=` where only a setting or a named argument can stand. */
  private isSlipForColon(at: number): boolean {
    const before = this.tokens[at - 1];
    const opener = this.tokens[at - 2]?.tokenType;
    const starts = opener === t.LeftParen || opener === t.LeftBrace || opener === t.Comma;
    const inner = this.stack.at(-1);
    if (!isWord(before) || inner === undefined || inner === t.LeftBracket) return false;
    const inFormula = this.declaration !== undefined && formulas.has(this.declaration);
    if (inner === t.LeftBrace) {
      const onNewLine = this.tokens[at - 2]?.endLine !== before.startLine;
      return !this.isInBody() && this.declaration !== t.Backbone && (starts || onNewLine);
    }
    // Parentheses: the parameters of a header have `=` for defaults, calls never.
    return starts && (this.stack[0] === t.LeftBrace || (!inFormula && this.declaration === t.Dataset));
  }

  private reportEquals(at: number): void {
    const [name, value] = [this.tokens[at - 1]!, this.tokens[at + 1]];
    if (this.isRepaired(name)) return;
    const simple = value !== undefined && /^[\w."]/.test(value.image) ? value.image : "…";
    this.diagnostics.report(codes.equalsForColon, this.span(this.tokens[at]!), {
      name: name.image,
      value: simple,
    });
  }

  /** Reports a word that opens no declaration and gives the place of the next declaration; else `at`. */
  private skipUnknownDeclaration(at: number): number {
    const [token, next, previous] = [this.tokens[at]!, this.tokens[at + 1], this.tokens[at - 1]];
    const known = t.declarationWords.includes(token.tokenType) || token.tokenType === t.Import;
    if (known || inDeclaration.has(token.tokenType) || !isWord(token) || !isWord(next)) return at;
    if (previous !== undefined && previous.endLine === token.startLine) return at;
    if (next.startLine !== token.startLine) return at;
    const words = [...t.declarationWords, t.Import].map((type) => (type.PATTERN as RegExp).source);
    const nearest = closest(token.image, words);
    this.diagnostics.report(codes.unknownDeclaration, this.span(token), { word: token.image, nearest });
    let end = at + 1;
    let depth = 0;
    while (end < this.tokens.length && !(depth === 0 && startsDeclaration(this.tokens, end))) {
      const type = this.tokens[end]!.tokenType;
      if (openers.has(type)) depth++;
      else if (closers.has(type)) depth--;
      end++;
    }
    return end;
  }

  private isRepaired({ startOffset }: IToken): boolean {
    return this.zones.some((zone) => startOffset >= zone.start && startOffset <= zone.end);
  }

  private span(token: IToken): Span {
    return span(this.file, token.startOffset, token.startOffset + token.image.length);
  }
}
