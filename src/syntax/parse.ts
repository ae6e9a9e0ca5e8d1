/**
 * Text to syntax tree: lex, balance brackets, mark lines, parse, report, build. The one entry to the surface of the
 * language; it never throws on any text, and reports everything it finds to `diagnostics`.
 */
import type { CstNode, IRecognitionException, IToken } from "chevrotain";
import { parser } from "../../grammar/parser.ts";
import type { Diagnostics } from "../diagnostics/diagnostic.ts";
import type { SourceFile } from "../source/source.ts";
import type { File } from "./ast.ts";
import { balance, type Zone } from "./brackets.ts";
import { buildFile } from "./cst_to_ast.ts";
import { lex } from "./lex.ts";
import { markLines } from "./lines.ts";
import { errorLimit, reportSyntaxErrors } from "./syntax_errors.ts";
import { independentErrors } from "./units.ts";

/** The syntax tree of a file. Where the text is wrong the tree holds `Missing` nodes and `diagnostics` says why. */
export function parse(file: SourceFile, diagnostics: Diagnostics): File {
  const { tokens, comments } = lex(file, diagnostics);
  const balanced = balance(file, diagnostics, tokens);
  const marked = markLines(file, diagnostics, balanced.tokens, balanced.zones);
  const { cst, error } = run(marked);
  const errors =
    error === undefined ? [] : independentErrors(marked, (part) => run(part).error, errorLimit + 1);
  reportSyntaxErrors(file, diagnostics, errors, balanced.zones, balanced.dropped);
  const disturbed = errors.map(({ tokens: part }) => zoneOf(part)).concat(balanced.zones);
  return buildFile(file, diagnostics, cst, comments, disturbed);
}

function run(tokens: readonly IToken[]): { cst: CstNode; error: IRecognitionException | undefined } {
  parser.input = [...tokens];
  const cst = parser.file();
  const [error] = parser.errors;
  parser.input = [];
  return { cst, error };
}

/** The characters of a declaration whose concrete tree is the work of recovery. */
function zoneOf(part: readonly IToken[]): Zone {
  return { start: part[0]?.startOffset ?? 0, end: (part.at(-1)?.endOffset ?? 0) + 1 };
}
