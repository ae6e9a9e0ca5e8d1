import type { IRecognitionException, IToken } from "chevrotain";
import * as codes from "../diagnostics/codes/syntax.ts";
import type { Diagnostics } from "../diagnostics/diagnostic.ts";
import { span, type SourceFile } from "../source/source.ts";
import type { Zone } from "./brackets.ts";

export function reportSyntaxErrors(
  file: SourceFile,
  diagnostics: Diagnostics,
  _tokens: readonly IToken[],
  errors: readonly IRecognitionException[],
  _zones: readonly Zone[],
): void {
  for (const error of errors) {
    const start = Number.isFinite(error.token.startOffset) ? error.token.startOffset : file.text.length;
    diagnostics.report(codes.unexpectedToken, span(file, start, start + error.token.image.length), {
      expected: error.message,
      found: error.token.image,
      where: error.context.ruleStack.join(" "),
    });
  }
}
