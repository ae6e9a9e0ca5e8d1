/**
 * What the rules of the grammar have in common: how Chevrotain is set up, how errors say what was expected, and the gates
 * on lines and on next words. The classes of rules extend each other in the order of `dml.ebnf`: these, `declarations.ts`,
 * `expressions.ts`, `parser.ts`.
 */
import {
  CstParser,
  tokenMatcher,
  type CstNode,
  type IParserErrorMessageProvider,
  type ParserMethod,
  type TokenType,
} from "chevrotain";
import * as t from "./tokens.ts";

export type Rule = ParserMethod<[], CstNode>;

/**
 * Error texts as data: which tokens could have stood at the place, joined by blanks. `src/syntax/syntax_errors.ts` makes
 * diagnostics of them.
 */
const expectedTokens: IParserErrorMessageProvider = {
  buildMismatchTokenMessage: ({ expected }) => expected.name,
  buildNotAllInputParsedMessage: () => "EOF",
  buildNoViableAltMessage: ({ expectedPathsPerAlt }) => firstTokens(expectedPathsPerAlt.flat()),
  buildEarlyExitMessage: ({ expectedIterationPaths }) => firstTokens(expectedIterationPaths),
};

function firstTokens(paths: TokenType[][]): string {
  return [...new Set(paths.flatMap((path) => (path.length === 0 ? [] : [path[0]!.name])))].join(" ");
}

export interface ParserOptions {
  /** Whether the grammar itself is taken as right; tests check it. */
  readonly skipValidations?: boolean;
  /** Whether parsing goes on after errors. */
  readonly recoveryEnabled?: boolean;
}

export abstract class Rules extends CstParser {
  constructor(options: ParserOptions) {
    super(t.vocabulary, {
      recoveryEnabled: options.recoveryEnabled ?? false,
      maxLookahead: 2,
      nodeLocationTracking: "onlyOffset",
      skipValidations: options.skipValidations ?? true,
      errorMessageProvider: expectedTokens,
    });
  }

  /** Whether the next token stands on the line where the last one ended. */
  protected onSameLine(): boolean {
    return this.LA(1).startLine === this.LA(0).endLine;
  }

  protected nextIs(offset: number, type: TokenType): boolean {
    return tokenMatcher(this.LA(offset), type);
  }
}
