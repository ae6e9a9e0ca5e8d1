/**
 * The grammar of DML: Chevrotain rules and nothing else, those of `declarations.ts` and `expressions.ts`.
 * `src/syntax/parse.ts` runs it over the tokens that the lexer and the line and bracket passes give;
 * `src/syntax/cst_to_ast.ts` makes the syntax tree of what it returns.
 *
 * Operators are parsed flat: an expression is operands with operators between them, and precedence is applied when the
 * tree is built (`src/syntax/operators.ts`). That keeps the grammar LL(2), the recursion shallow (three rules for
 * a pair of brackets) and long chains of operators iterative. `dml.ebnf` says the same for readers, and a test compares them.
 *
 * Gates, all on lines and on the next word: the `(` of a call, the `[` of an index and the `{` of a trailing block
 * stand on the line where their callee ends; a contextual word is a keyword only where its follower says so.
 */
import { ExpressionRules } from "./expressions.ts";
import type { ParserOptions } from "./rules.ts";

export class DmlParser extends ExpressionRules {
  constructor(options: ParserOptions = {}) {
    super(options);
    this.performSelfAnalysis();
  }
}

/** The one parser, which stops at the first error; building it costs tens of milliseconds, using it again nothing. */
export const parser = new DmlParser();

let recovering: DmlParser | undefined;

/** The same with error recovery, for the tree of a text that has errors; made when it is first needed. */
export function recoveringParser(): DmlParser {
  recovering ??= new DmlParser({ recoveryEnabled: true });
  return recovering;
}
