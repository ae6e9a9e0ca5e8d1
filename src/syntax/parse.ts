/**
 * Text to syntax tree: lex, balance brackets, mark lines, parse, report, build. The one entry to the surface of the
 * language; it never throws on any text, and reports everything it finds to `diagnostics`.
 */
import { parser } from "../../grammar/parser.ts";
import type { Diagnostics } from "../diagnostics/diagnostic.ts";
import type { SourceFile } from "../source/source.ts";
import type { File } from "./ast.ts";
import { balance } from "./brackets.ts";
import { buildFile } from "./cst_to_ast.ts";
import { lex } from "./lex.ts";
import { markLines } from "./lines.ts";
import { reportSyntaxErrors } from "./syntax_errors.ts";

/** The syntax tree of a file. Where the text is wrong the tree holds `Missing` nodes and `diagnostics` says why. */
export function parse(file: SourceFile, diagnostics: Diagnostics): File {
  const { tokens, comments } = lex(file, diagnostics);
  const balanced = balance(file, diagnostics, tokens);
  const marked = markLines(file, diagnostics, balanced.tokens);
  parser.input = marked;
  const cst = parser.file();
  const recovered = parser.errors.length > 0;
  reportSyntaxErrors(file, diagnostics, marked, parser.errors, balanced.zones);
  parser.input = [];
  return buildFile(file, diagnostics, cst, comments, recovered || diagnostics.hasErrors);
}
