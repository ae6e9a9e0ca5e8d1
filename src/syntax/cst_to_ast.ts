/**
 * Concrete tree to syntax tree, whole files: imports, declarations and the doc comments above them. Called by `parse.ts`.
 */
import type { CstNode, IToken } from "chevrotain";
import { span, type SourceFile } from "../source/source.ts";
import type { File, Import } from "./ast.ts";
import type { Zone } from "./lex.ts";
import { declaration } from "./build_declarations.ts";
import { stringValue } from "./build_literals.ts";
import { missing, names, node, nodes, nodeSpan, token, tokenSpan, type Building } from "./cst.ts";
import type { SyntaxReport } from "./report.ts";

/**
 * The syntax tree of a parsed file.
 * @param trees what the parser's `file` rule returned, in order
 * @param comments the lexer's comments in order
 * @param disturbed where the concrete tree is the work of recovery; what is odd there is not reported again
 */
export function buildFile(
  file: SourceFile,
  diagnostics: SyntaxReport,
  trees: readonly CstNode[],
  comments: readonly IToken[],
  disturbed: readonly Zone[],
): File {
  const building: Building = {
    file,
    diagnostics,
    docAbove: docComments(comments),
    depths: new WeakMap(),
    reportUndisturbed: (definition, place, args) => {
      if (disturbed.some(({ start, end }) => place.start >= start && place.start <= end)) return;
      diagnostics.report(definition, place, args);
    },
  };
  const place = span(file, 0, file.text.length);
  return {
    kind: "File",
    span: place,
    imports: trees.flatMap((tree) => nodes(tree, "import")).map((one) => importOf(building, one)),
    declarations: trees
      .flatMap((tree) => nodes(tree, "declaration"))
      .map((one) => declaration(building, one))
      .filter((one) => one !== undefined),
  };
}

function importOf(building: Building, cst: CstNode): Import {
  const place = nodeSpan(building, cst, 0);
  const text = token(cst, "Text");
  return {
    kind: "Import",
    span: place,
    names: names(building, node(cst, "names")),
    from:
      text === undefined
        ? missing(building, place.end)
        : { kind: "String", span: tokenSpan(building, text), value: stringValue(building, text) },
  };
}

/** Finds the `///` lines that end directly above a line. */
function docComments(comments: readonly IToken[]): (line: number) => string | undefined {
  const byLine = new Map<number, string>();
  for (const comment of comments) {
    if (comment.tokenType.name !== "DocComment" || comment.startLine === undefined) continue;
    byLine.set(comment.startLine, comment.image.replace(/^\/\/\/ ?/, ""));
  }
  return (line) => {
    const lines: string[] = [];
    for (let above = line - 1; byLine.has(above); above--) lines.unshift(byLine.get(above)!);
    return lines.length === 0 ? undefined : lines.join("\n");
  };
}
