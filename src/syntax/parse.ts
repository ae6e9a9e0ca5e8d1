/**
 * Text to syntax tree: lex, balance brackets, mark lines, parse, report, build. The one entry to the surface of the
 * language; it never throws on any text, and reports everything it finds to `diagnostics`, in the order of the text.
 */
import type { CstNode, IRecognitionException, IToken } from "chevrotain";
import { parser, recoveringParser, type DmlParser } from "../../grammar/parser.ts";
import * as codes from "../diagnostics/codes/text.ts";
import type { Diagnostics } from "../diagnostics/diagnostic.ts";
import { span, type SourceFile } from "../source/source.ts";
import type { File } from "./ast.ts";
import { balance, nestingLimit } from "./brackets.ts";
import { buildFile } from "./cst_to_ast.ts";
import { lex, type Zone } from "./lex.ts";
import { markLines } from "./lines.ts";
import { errorLimit, SyntaxReport } from "./report.ts";
import { reportSyntaxErrors } from "./syntax_errors.ts";
import { declarations, independentErrors, type FoundError } from "./units.ts";

/** The longest declaration, in tokens, whose tree is recovered when it has errors; longer ones are left out. */
const recoveryLimit = 5000;

/** The syntax tree of a file. Where the text is wrong the tree holds `Missing` nodes and `diagnostics` says why. */
export function parse(file: SourceFile, diagnostics: Diagnostics): File {
  const report = new SyntaxReport();
  const { tokens, comments, zones } = lex(file, report);
  const balanced = balance(file, report, tokens);
  const marked = markLines(file, report, balanced.tokens, balanced.zones);
  const { trees, errors, tooDeep } = parseTokens(marked);
  for (const { startOffset, image } of tooDeep) {
    const place = span(file, startOffset, startOffset + image.length);
    report.report(codes.nestingTooDeep, place, { limit: nestingLimit });
  }
  reportSyntaxErrors(file, report, errors, [...zones, ...balanced.zones], balanced.dropped);
  const disturbed = errors.map(({ tokens: part }) => zoneOf(part)).concat(balanced.zones);
  const tree = buildFile(file, report, trees, comments, disturbed);
  report.sendTo(diagnostics);
  return tree;
}

interface Parsed {
  /** What the `file` rule gave: of the whole, or of each declaration when there are errors. */
  readonly trees: readonly CstNode[];
  readonly errors: readonly FoundError[];
  /** Where declarations start whose nesting exceeds the call stack that the caller has left. */
  readonly tooDeep: readonly IToken[];
}

function parseTokens(tokens: readonly IToken[]): Parsed {
  const whole = run(parser, tokens);
  if (whole.cst !== undefined && whole.error === undefined)
    return { trees: [whole.cst], errors: [], tooDeep: [] };
  const trees: CstNode[] = [];
  const errors: FoundError[] = [];
  const tooDeep: IToken[] = [];
  for (const part of declarations(tokens)) {
    if (errors.length > errorLimit) break;
    let { cst, error, overflow } = run(parser, part);
    if (error !== undefined) {
      errors.push(...independentErrors(part, (rest) => run(parser, rest).error, errorLimit + 1));
      ({ cst, overflow } = part.length > recoveryLimit ? nothing : run(recoveringParser(), part));
    }
    if (overflow) tooDeep.push(part[0]!);
    if (cst !== undefined) trees.push(cst);
  }
  return { trees, errors, tooDeep };
}

interface Run {
  readonly cst: CstNode | undefined;
  readonly error: IRecognitionException | undefined;
  readonly overflow: boolean;
}

const nothing: Run = { cst: undefined, error: undefined, overflow: false };

/**
 * Runs a parser over tokens. How deep it can go depends on the stack its caller has left, so an overflow within the bound
 * on nesting is told apart from errors and not thrown on.
 */
function run(engine: DmlParser, tokens: readonly IToken[]): Run {
  try {
    engine.input = [...tokens];
    const cst = engine.file() as CstNode | undefined;
    return { cst, error: engine.errors[0], overflow: false };
  } catch (thrown) {
    if (thrown instanceof RangeError) return { ...nothing, overflow: true };
    throw thrown;
  } finally {
    engine.input = [];
  }
}

/** The characters of a declaration whose concrete tree is the work of recovery. */
function zoneOf(part: readonly IToken[]): Zone {
  return { start: part[0]?.startOffset ?? 0, end: (part.at(-1)?.endOffset ?? 0) + 1 };
}
