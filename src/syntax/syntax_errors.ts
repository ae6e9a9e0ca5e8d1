/**
 * From the parser's exceptions to diagnostics: what was expected and found in the language's own words, the typical
 * mistakes by their own codes, and no follow-on noise. Called by `parse.ts`.
 *
 * The laws against noise: every error is found in text that no earlier error has touched (`units.ts`); none is reported
 * inside a bracket that had to be closed; where a closing bracket had to be dropped, one error before it replaces its
 * report.
 */
import { tokenMatcher, type IToken } from "chevrotain";
import * as t from "../../grammar/tokens.ts";
import * as codes from "../diagnostics/codes/syntax.ts";
import * as text from "../diagnostics/codes/text.ts";
import { span, type SourceFile, type Span } from "../source/source.ts";
import type { Dropped } from "./brackets.ts";
import { describeExpected, describeToken, missingBodyForms, ruleNames } from "./describe.ts";
import { missingValue, type FoundError } from "./units.ts";
import type { Zone } from "./lex.ts";
import type { SyntaxReport } from "./report.ts";

export function reportSyntaxErrors(
  file: SourceFile,
  diagnostics: SyntaxReport,
  errors: readonly FoundError[],
  zones: readonly Zone[],
  dropped: readonly Dropped[],
): void {
  const replaced = new Set<Dropped>();
  for (const found of errors) {
    const reporter = new Reporter(file, diagnostics, found.tokens);
    const place = reporter.place(found.error.token);
    if (zones.some((zone) => place.start >= zone.start && place.start <= zone.end)) continue;
    const near = dropped.filter(({ zone }) => place.start >= zone.start && place.start <= zone.end);
    if (near.some((one) => replaced.has(one))) continue;
    for (const one of near) replaced.add(one);
    reporter.report(found, place);
  }
  for (const one of dropped) {
    if (replaced.has(one)) continue;
    const place = span(file, one.token.startOffset, one.token.startOffset + 1);
    diagnostics.report(text.unopenedBracket, place, { close: one.token.image });
  }
}

class Reporter {
  private readonly file: SourceFile;
  private readonly diagnostics: SyntaxReport;
  private readonly tokens: readonly IToken[];

  constructor(file: SourceFile, diagnostics: SyntaxReport, tokens: readonly IToken[]) {
    this.file = file;
    this.diagnostics = diagnostics;
    this.tokens = tokens;
  }

  /** Where a token stands; the end of the last token for the end of the file and for line ends. */
  place(token: IToken): Span {
    if (Number.isFinite(token.startOffset) && token.tokenType.name !== "EOF")
      return span(this.file, token.startOffset, token.startOffset + token.image.length);
    const last = this.tokens.at(-1);
    const end = last === undefined ? 0 : last.startOffset + last.image.length;
    return span(this.file, Math.max(0, end - 1), end);
  }

  report({ error, at }: FoundError, place: Span): void {
    const found = error.token;
    const previous = this.tokens[at - 1];
    const next = this.tokens[at + 1];
    const rules = error.context.ruleStack;
    const expected = error.message.split(" ");
    const word = describeToken(found);
    const { diagnostics } = this;

    if (previous?.tokenType === t.LineEnd && this.continues(found)) {
      const statement = this.statementBefore(at);
      diagnostics.report(text.lineEnded, place, { statement, sign: found.image });
    } else if (this.opensOnNextLine(found, previous)) {
      diagnostics.report(text.bracketOnNextLine, place, { bracket: found.image });
    } else if (expected.includes("LineEnd")) {
      diagnostics.report(text.lineNotEnded, place, { statement: this.statementBefore(at), found: word });
    } else if (found.tokenType === t.Equals && rules.includes("expression") && rules.at(-1) !== "operand") {
      diagnostics.report(codes.equalsForComparison, place, {});
    } else if (this.isReservedName(found, next, rules.at(-1), expected)) {
      diagnostics.report(codes.reservedWord, place, { word: found.image, what: "a name" });
    } else if (this.reductionLacksIndices(found, previous, expected)) {
      const op = isReduction(found) ? found : previous!;
      const call = tokenMatcher(op, t.CallReduction);
      diagnostics.report(codes.reductionWithoutIndices, this.place(op), { op: op.image, call });
    } else if (expected.includes("Then") || expected.includes("Else")) {
      const missing = expected.includes("Then") ? "then" : "else";
      const form = rules.at(-1) === "state" ? "state NAME: TYPE = FIRST then NEXT" : "if … then … else …";
      diagnostics.report(codes.missingWord, place, { word: missing, found: word, form });
    } else if (rules.at(-1) === "operand") {
      this.reportOperand(found, previous, rules, place);
    } else {
      this.reportStructure(found, at, rules, expected, place);
    }
  }

  private reportOperand(
    found: IToken,
    previous: IToken | undefined,
    rules: readonly string[],
    place: Span,
  ): void {
    const owner = rules.at(-3);
    const ends = found.tokenType === t.RightBrace || found.tokenType.name === "EOF";
    const startsBody = previous?.tokenType === t.LineEnd || previous?.tokenType === t.LeftBrace;
    if (found.tokenType === t.If) {
      this.diagnostics.report(codes.conditionInOperator, place, {});
    } else if ((owner === "loss" || owner === "backbone") && ends && startsBody) {
      this.diagnostics.report(codes.missingFormula, place, { what: owner });
    } else {
      const after = previous === undefined ? undefined : describeToken(previous);
      this.diagnostics.report(codes.missingOperand, place, { found: describeToken(found), after });
    }
  }

  private reportStructure(
    found: IToken,
    at: number,
    rules: readonly string[],
    expected: readonly string[],
    place: Span,
  ): void {
    const previous = this.tokens[at - 1];
    const rule = rules.at(-1) ?? "file";
    const owner = rule === "block" ? (rules.at(-2) ?? "file") : rule;
    const form = missingBodyForms[owner];
    const valueAfter = rule === "block" ? missingValue(this.tokens, at) : undefined;
    const clause = rule === "block" ? this.clauseBehind(found, at) : undefined;
    if (expected.includes("LeftBrace") && form !== undefined) {
      const what = owner;
      this.diagnostics.report(codes.missingBody, place, { what, form });
    } else if (
      expected.includes("RightBrace") &&
      (rule === "loss" || rule === "miner" || rule === "backbone")
    ) {
      this.diagnostics.report(codes.secondFormula, place, { found: describeToken(found), what: rule });
    } else if (rule === "file" && (expected.includes("EOF") || expected.includes("Dataset"))) {
      this.diagnostics.report(codes.outsideDeclaration, place, { found: describeToken(found) });
    } else if (clause !== undefined) {
      this.diagnostics.report(codes.clauseOrder, this.place(clause), { clause: clause.image });
    } else if (valueAfter !== undefined) {
      const [sign, word] = [this.tokens[valueAfter]!, this.tokens[valueAfter + 1]!];
      const texts = { found: describeToken(word), after: describeToken(sign) };
      this.diagnostics.report(codes.missingOperand, this.place(word), texts);
    } else if (this.lacksColon(rule, found, previous)) {
      this.diagnostics.report(codes.missingColon, place, { name: previous!.image, value: found.image });
    } else {
      const phrase = describeExpected(rule, expected, previous);
      const word = describeToken(found);
      const after = previous === undefined ? undefined : describeToken(previous);
      if (phrase === undefined) this.diagnostics.report(codes.missingOperand, place, { found: word, after });
      else {
        const where = ruleNames[rule];
        this.diagnostics.report(codes.unexpectedToken, place, { found: word, expected: phrase, where });
      }
    }
  }

  // ── Telling the typical mistakes ──────────────────────────────────────────────────────────────────────────────

  /** A sign that only goes on with an expression. */
  private continues(found: IToken): boolean {
    if (found.tokenType === t.Minus || found.image === "") return false;
    return (
      tokenMatcher(found, t.BinaryOperator) || [t.Then, t.Else, t.DotDot, t.Bar].includes(found.tokenType)
    );
  }

  /** An opening bracket that would go on with the name or bracket that ends the line above. */
  private opensOnNextLine(found: IToken, previous: IToken | undefined): boolean {
    if (![t.LeftParen, t.LeftBracket, t.LeftBrace].includes(found.tokenType) || previous === undefined)
      return false;
    const ended =
      tokenMatcher(previous, t.Identifier) || [t.RightParen, t.RightBracket].includes(previous.tokenType);
    return ended && previous.endLine !== found.startLine;
  }

  /** A name and, on its line, what can only be its value or type. */
  private lacksColon(rule: string, found: IToken, previous: IToken | undefined): boolean {
    if (previous === undefined || !tokenMatcher(previous, t.Identifier)) return false;
    if (previous.endLine !== found.startLine) return false;
    if (rule === "parameters" || rule === "param" || rule === "state")
      return tokenMatcher(found, t.Identifier);
    const values = [t.PlainNumber, t.ScaledNumber, t.Size, t.Text, t.True, t.False];
    return (rule === "block" || rule === "arguments") && values.includes(found.tokenType);
  }

  /** The word of `on MINER(` behind an entry that has had its later clauses: the parser took both for entries. */
  private clauseBehind(found: IToken, at: number): IToken | undefined {
    const [before, word, callee] = [this.tokens[at - 3], this.tokens[at - 2], this.tokens[at - 1]];
    if (before === undefined || word === undefined || callee === undefined) return undefined;
    if (found.tokenType !== t.LeftParen || !tokenMatcher(callee, t.Identifier)) return undefined;
    if (before.tokenType === t.LeftBrace || before.tokenType === t.Comma) return undefined;
    return [t.By, t.On, t.Against, t.With].includes(word.tokenType) ? word : undefined;
  }

  private isReservedName(
    found: IToken,
    next: IToken | undefined,
    rule: string | undefined,
    expected: readonly string[],
  ): boolean {
    if (!t.reservedWords.includes(found.tokenType)) return false;
    return (rule !== "operand" && expected.includes("Identifier")) || next?.tokenType === t.Colon;
  }

  private reductionLacksIndices(
    found: IToken,
    previous: IToken | undefined,
    expected: readonly string[],
  ): boolean {
    if (isReduction(found)) return expected.includes("LeftParen");
    return previous !== undefined && isReduction(previous) && expected.includes("LeftBracket");
  }

  /** The word of the statement that the token at `at` follows. */
  private statementBefore(at: number): string {
    let start = at - 1;
    if (this.tokens[start]?.tokenType === t.LineEnd) start--;
    while (start >= 0 && this.tokens[start]!.tokenType !== t.LineEnd) {
      const { tokenType } = this.tokens[start]!;
      if (tokenType === t.Let || tokenType === t.Param || tokenType === t.State)
        return this.tokens[start]!.image;
      start--;
    }
    return "assignment";
  }
}

function isReduction(token: IToken): boolean {
  return tokenMatcher(token, t.PrefixReduction) || tokenMatcher(token, t.CallReduction);
}
