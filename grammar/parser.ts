/**
 * The grammar of DML: Chevrotain rules and nothing else. `src/syntax/parse.ts` runs it over the tokens that the lexer
 * and the line and bracket passes give; `src/syntax/cst_to_ast.ts` makes the syntax tree of what it returns.
 *
 * Operators are parsed flat: an expression is operands with operators between them, and precedence is applied when the
 * tree is built (`src/syntax/operators.ts`). That keeps the grammar LL(2), the recursion shallow (three rules for
 * a pair of brackets) and long chains of operators iterative. `dml.ebnf` says the same for readers, and a test compares them.
 *
 * Gates, all on lines and on the next word: the `(` of a call, the `[` of an index and the `{` of a trailing block
 * stand on the line where their callee ends; a contextual word is a keyword only where its follower says so.
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

type Rule = ParserMethod<[], CstNode>;

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

export class DmlParser extends CstParser {
  /**
   * @param options `skipValidations: false` checks the grammar itself (tests do); `recoveryEnabled` goes on after errors
   */
  constructor(options: { readonly skipValidations?: boolean; readonly recoveryEnabled?: boolean } = {}) {
    super(t.vocabulary, {
      recoveryEnabled: options.recoveryEnabled ?? false,
      maxLookahead: 2,
      nodeLocationTracking: "onlyOffset",
      skipValidations: options.skipValidations ?? true,
      errorMessageProvider: expectedTokens,
    });
    this.performSelfAnalysis();
  }

  /** Whether the next token stands on the line where the last one ended. */
  private onSameLine(): boolean {
    return this.LA(1).startLine === this.LA(0).endLine;
  }

  private nextIs(offset: number, type: TokenType): boolean {
    return tokenMatcher(this.LA(offset), type);
  }

  // ── File and declarations ─────────────────────────────────────────────────────────────────────────────────────

  file: Rule = this.RULE("file", () => {
    this.MANY1(() => this.SUBRULE(this.import));
    this.MANY2(() => this.SUBRULE(this.declaration));
  });

  import: Rule = this.RULE("import", () => {
    this.CONSUME(t.Import);
    this.CONSUME(t.LeftBrace);
    this.SUBRULE(this.names);
    this.CONSUME(t.RightBrace);
    this.CONSUME(t.From);
    this.CONSUME(t.Text);
  });

  /** One or more names. */
  names: Rule = this.RULE("names", () => {
    this.AT_LEAST_ONE_SEP({ SEP: t.Comma, DEF: () => this.CONSUME(t.Identifier) });
  });

  declaration: Rule = this.RULE("declaration", () => {
    this.OR([
      { ALT: () => this.SUBRULE(this.dataset) },
      { ALT: () => this.SUBRULE(this.model) },
      { ALT: () => this.SUBRULE(this.loss) },
      { ALT: () => this.SUBRULE(this.measure) },
      { ALT: () => this.SUBRULE(this.miner) },
      { ALT: () => this.SUBRULE(this.backbone) },
      { ALT: () => this.SUBRULE(this.primitive) },
    ]);
  });

  dataset: Rule = this.RULE("dataset", () => {
    this.CONSUME(t.Dataset);
    this.CONSUME(t.Identifier);
    this.CONSUME(t.Equals);
    this.SUBRULE(this.plainCall);
    this.OPTION(() => this.SUBRULE(this.block));
  });

  model: Rule = this.RULE("model", () => {
    this.CONSUME(t.Model);
    this.CONSUME(t.Identifier);
    this.SUBRULE(this.block);
  });

  loss: Rule = this.RULE("loss", () => {
    this.CONSUME(t.Loss);
    this.CONSUME(t.Identifier);
    this.SUBRULE(this.parameters);
    this.OPTION1(() => {
      this.CONSUME(t.Colon);
      this.SUBRULE(this.type);
    });
    this.OPTION2(() => {
      this.CONSUME(t.Of);
      this.CONSUME(t.LeftParen);
      this.SUBRULE(this.names);
      this.CONSUME(t.RightParen);
    });
    this.OPTION3(() => {
      this.CONSUME(t.Assumes);
      this.AT_LEAST_ONE_SEP({ SEP: t.Comma, DEF: () => this.SUBRULE(this.plainCall) });
    });
    this.CONSUME(t.LeftBrace);
    this.MANY({
      GATE: () => this.statementIsNext(),
      DEF: () => this.SUBRULE(this.statement),
    });
    this.SUBRULE(this.expression);
    this.CONSUME(t.RightBrace);
  });

  measure: Rule = this.RULE("measure", () => {
    this.OR([{ ALT: () => this.CONSUME(t.Distance) }, { ALT: () => this.CONSUME(t.Similarity) }]);
    this.CONSUME(t.Identifier);
    this.SUBRULE(this.parameters);
    this.CONSUME(t.Equals);
    this.SUBRULE(this.expression);
  });

  miner: Rule = this.RULE("miner", () => {
    this.CONSUME(t.Miner);
    this.CONSUME(t.Identifier);
    this.SUBRULE(this.parameters);
    this.CONSUME(t.For);
    this.CONSUME(t.LeftParen);
    this.SUBRULE(this.names);
    this.CONSUME(t.RightParen);
    this.CONSUME(t.LeftBrace);
    this.MANY({
      GATE: () => this.statementIsNext(),
      DEF: () => this.SUBRULE(this.statement),
    });
    this.OPTION(() => this.SUBRULE(this.expression));
    this.CONSUME(t.RightBrace);
  });

  backbone: Rule = this.RULE("backbone", () => {
    this.CONSUME(t.Backbone);
    this.CONSUME(t.Identifier);
    this.SUBRULE(this.parameters);
    this.OPTION(() => {
      this.CONSUME(t.Colon);
      this.SUBRULE1(this.type);
      this.CONSUME(t.Arrow);
      this.SUBRULE2(this.type);
    });
    this.CONSUME(t.LeftBrace);
    this.SUBRULE(this.expression);
    this.CONSUME(t.RightBrace);
  });

  /** A signature of the standard library, whose meaning the compiler knows; `max` and `min` are functions too. */
  primitive: Rule = this.RULE("primitive", () => {
    this.CONSUME(t.Primitive);
    this.CONSUME1(t.Identifier);
    this.OR([
      { ALT: () => this.CONSUME2(t.Identifier) },
      { ALT: () => this.CONSUME(t.Max) },
      { ALT: () => this.CONSUME(t.Min) },
    ]);
    this.OPTION1(() => this.SUBRULE(this.parameters));
    this.OPTION2(() => {
      this.CONSUME(t.Colon);
      this.SUBRULE1(this.type);
    });
    this.OPTION3(() => {
      this.CONSUME(t.Arrow);
      this.SUBRULE2(this.type);
    });
    this.OPTION4(() => {
      this.CONSUME(t.Needs);
      this.SUBRULE(this.names);
    });
  });

  // ── Parameters and types ──────────────────────────────────────────────────────────────────────────────────────

  parameters: Rule = this.RULE("parameters", () => {
    this.CONSUME(t.LeftParen);
    this.MANY_SEP({ SEP: t.Comma, DEF: () => this.SUBRULE(this.parameter) });
    this.CONSUME(t.RightParen);
  });

  /** Without a type only as an operand of a distance or similarity. */
  parameter: Rule = this.RULE("parameter", () => {
    this.CONSUME(t.Identifier);
    this.OPTION1(() => {
      this.CONSUME(t.Colon);
      this.SUBRULE(this.type);
    });
    this.OPTION2(() => {
      this.CONSUME(t.Equals);
      this.SUBRULE(this.expression);
    });
  });

  type: Rule = this.RULE("type", () => {
    this.CONSUME(t.Identifier);
    this.OPTION1(() => {
      this.CONSUME(t.LeftParen);
      this.SUBRULE(this.names);
      this.CONSUME(t.RightParen);
    });
    this.OPTION2(() => {
      this.CONSUME(t.LeftBracket);
      this.MANY_SEP({ SEP: t.Comma, DEF: () => this.SUBRULE(this.expression) });
      this.CONSUME(t.RightBracket);
    });
    this.MANY(() => this.SUBRULE(this.refinement));
    this.OPTION3(() => this.CONSUME(t.Ellipsis));
  });

  refinement: Rule = this.RULE("refinement", () => {
    this.OR([
      {
        ALT: () => {
          this.CONSUME(t.OrderOperator);
          this.SUBRULE(this.bound);
        },
      },
      {
        ALT: () => {
          this.CONSUME(t.In);
          this.CONSUME(t.LeftBracket);
          this.SUBRULE1(this.expression);
          this.CONSUME(t.Comma);
          this.SUBRULE2(this.expression);
          this.CONSUME(t.RightBracket);
        },
      },
    ]);
  });

  /** An expression of arithmetic only, so that `real > 0 < 1` is two refinements. */
  bound: Rule = this.RULE("bound", () => {
    this.SUBRULE1(this.operand);
    this.MANY(() => {
      this.CONSUME(t.ArithmeticOperator);
      this.SUBRULE2(this.operand);
    });
  });

  // ── Statements ────────────────────────────────────────────────────────────────────────────────────────────────

  private statementIsNext(): boolean {
    if (this.nextIs(1, t.Let)) return true;
    if (this.nextIs(1, t.Param) || this.nextIs(1, t.State)) {
      if (this.nextIs(2, t.Identifier)) return true;
    }
    return this.nextIs(1, t.Identifier) && this.nextIs(2, t.Equals);
  }

  statement: Rule = this.RULE("statement", () => {
    this.OR({
      // A `param` or `state` before a name is never an assignment, which has `=` there.
      IGNORE_AMBIGUITIES: true,
      DEF: [
        { ALT: () => this.SUBRULE(this.let) },
        { GATE: () => this.nextIs(2, t.Identifier), ALT: () => this.SUBRULE(this.param) },
        { GATE: () => this.nextIs(2, t.Identifier), ALT: () => this.SUBRULE(this.state) },
        { ALT: () => this.SUBRULE(this.assignment) },
      ],
    });
  });

  let: Rule = this.RULE("let", () => {
    this.CONSUME(t.Let);
    this.CONSUME(t.Identifier);
    this.OPTION(() => {
      this.CONSUME(t.LeftParen);
      this.SUBRULE(this.names);
      this.CONSUME(t.RightParen);
    });
    this.CONSUME(t.Equals);
    this.SUBRULE(this.expression);
    this.CONSUME(t.LineEnd);
  });

  param: Rule = this.RULE("param", () => {
    this.CONSUME(t.Param);
    this.CONSUME(t.Identifier);
    this.CONSUME(t.Colon);
    this.SUBRULE(this.type);
    this.CONSUME(t.Equals);
    this.SUBRULE(this.expression);
    this.CONSUME(t.LineEnd);
  });

  state: Rule = this.RULE("state", () => {
    this.CONSUME(t.State);
    this.CONSUME(t.Identifier);
    this.CONSUME(t.Colon);
    this.SUBRULE(this.type);
    this.CONSUME(t.Equals);
    this.SUBRULE1(this.expression);
    this.CONSUME(t.Then);
    this.SUBRULE2(this.expression);
    this.CONSUME(t.LineEnd);
  });

  assignment: Rule = this.RULE("assignment", () => {
    this.CONSUME(t.Identifier);
    this.CONSUME(t.Equals);
    this.SUBRULE(this.expression);
    this.CONSUME(t.LineEnd);
  });

  // ── Settings ──────────────────────────────────────────────────────────────────────────────────────────────────

  block: Rule = this.RULE("block", () => {
    this.CONSUME(t.LeftBrace);
    this.MANY(() => {
      this.SUBRULE(this.entry);
      this.OPTION(() => this.CONSUME(t.Comma));
    });
    this.CONSUME(t.RightBrace);
  });

  /** A clause word followed by `:` is the next entry's name. */
  private clauseIsNext(): boolean {
    return !this.nextIs(2, t.Colon);
  }

  entry: Rule = this.RULE("entry", () => {
    this.CONSUME(t.Identifier);
    this.OPTION1(() => {
      this.OR([
        {
          ALT: () => {
            this.CONSUME(t.Colon);
            this.SUBRULE1(this.expression);
          },
        },
        { ALT: () => this.SUBRULE(this.block) },
      ]);
    });
    this.OPTION2({
      GATE: () => this.clauseIsNext(),
      DEF: () => {
        this.CONSUME(t.On);
        this.SUBRULE2(this.expression);
      },
    });
    this.OPTION3({
      GATE: () => this.clauseIsNext(),
      DEF: () => {
        this.CONSUME(t.Against);
        this.SUBRULE3(this.expression);
      },
    });
    this.OPTION4({
      GATE: () => this.clauseIsNext(),
      DEF: () => {
        this.CONSUME(t.With);
        this.SUBRULE4(this.expression);
      },
    });
  });

  // ── Expressions ───────────────────────────────────────────────────────────────────────────────────────────────

  private sharedIsNext(): boolean {
    return this.nextIs(2, t.Identifier) && this.LA(2).startLine === this.LA(1).endLine;
  }

  expression: Rule = this.RULE("expression", () => {
    this.OPTION({
      GATE: () => this.sharedIsNext(),
      DEF: () => this.CONSUME(t.Shared),
    });
    this.MANY1(() => this.SUBRULE(this.condition));
    this.SUBRULE1(this.operand);
    this.MANY2(() => {
      this.CONSUME(t.BinaryOperator);
      this.SUBRULE2(this.operand);
    });
  });

  /** `if … then … else`, before what follows the `else`: a chain of them is a repetition, not a recursion. */
  condition: Rule = this.RULE("condition", () => {
    this.CONSUME(t.If);
    this.SUBRULE1(this.expression);
    this.CONSUME(t.Then);
    this.SUBRULE2(this.expression);
    this.CONSUME(t.Else);
  });

  operand: Rule = this.RULE("operand", () => {
    this.MANY1(() =>
      this.OR3([
        { ALT: () => this.CONSUME(t.Minus) },
        { ALT: () => this.CONSUME(t.Not) },
        {
          ALT: () => {
            this.CONSUME(t.PrefixReduction);
            this.SUBRULE(this.bindings);
          },
        },
      ]),
    );
    this.OR1({
      // `repeat 4 {` and `residual {` are stages; with any other follower these words are names.
      IGNORE_AMBIGUITIES: true,
      DEF: [
        { ALT: () => this.SUBRULE(this.literal) },
        {
          ALT: () => {
            this.CONSUME(t.LeftParen);
            this.SUBRULE(this.expression);
            this.CONSUME(t.RightParen);
          },
        },
        { ALT: () => this.SUBRULE(this.list) },
        { ALT: () => this.SUBRULE(this.callReduction) },
        { GATE: () => this.repeatIsNext(), ALT: () => this.SUBRULE(this.repeat) },
        { GATE: () => this.nextIs(2, t.LeftBrace), ALT: () => this.SUBRULE(this.residual) },
        {
          ALT: () => {
            this.OR2([
              { ALT: () => this.CONSUME(t.Identifier) },
              { ALT: () => this.CONSUME(t.Max) },
              { ALT: () => this.CONSUME(t.Min) },
            ]);
            this.OPTION1({
              GATE: () => this.onSameLine(),
              DEF: () => this.SUBRULE(this.arguments),
            });
            this.OPTION2({
              GATE: () => this.onSameLine(),
              DEF: () => this.SUBRULE(this.block),
            });
          },
        },
      ],
    });
    this.MANY2({
      GATE: () => this.onSameLine(),
      DEF: () => this.SUBRULE(this.index),
    });
  });

  literal: Rule = this.RULE("literal", () => {
    this.OR([
      {
        ALT: () => {
          this.CONSUME(t.PlainNumber);
          this.OPTION(() => this.CONSUME(t.WordUnit));
        },
      },
      { ALT: () => this.CONSUME(t.ScaledNumber) },
      { ALT: () => this.CONSUME(t.Size) },
      { ALT: () => this.CONSUME(t.Text) },
      { ALT: () => this.CONSUME(t.True) },
      { ALT: () => this.CONSUME(t.False) },
      { ALT: () => this.CONSUME(t.Hole) },
    ]);
  });

  list: Rule = this.RULE("list", () => {
    this.CONSUME(t.LeftBracket);
    this.MANY_SEP({ SEP: t.Comma, DEF: () => this.SUBRULE(this.expression) });
    this.CONSUME(t.RightBracket);
  });

  callReduction: Rule = this.RULE("callReduction", () => {
    this.CONSUME(t.CallReduction);
    this.SUBRULE(this.bindings);
    this.CONSUME(t.LeftParen);
    this.AT_LEAST_ONE_SEP({ SEP: t.Comma, DEF: () => this.SUBRULE(this.expression) });
    this.CONSUME(t.RightParen);
  });

  /** `[indices | guards]` */
  bindings: Rule = this.RULE("bindings", () => {
    this.CONSUME(t.LeftBracket);
    this.AT_LEAST_ONE_SEP1({ SEP: t.Comma, DEF: () => this.SUBRULE(this.binding) });
    this.OPTION(() => {
      this.CONSUME(t.Bar);
      this.AT_LEAST_ONE_SEP2({ SEP: t.Comma, DEF: () => this.SUBRULE(this.expression) });
    });
    this.CONSUME(t.RightBracket);
  });

  binding: Rule = this.RULE("binding", () => {
    this.CONSUME(t.Identifier);
    this.OPTION1(() => {
      this.CONSUME(t.In);
      this.SUBRULE1(this.expression);
      this.OPTION2(() => {
        this.CONSUME(t.DotDot);
        this.SUBRULE2(this.expression);
      });
    });
  });

  private repeatIsNext(): boolean {
    if (this.nextIs(2, t.PlainNumber) || this.nextIs(2, t.Identifier)) return this.nextIs(3, t.LeftBrace);
    return false;
  }

  repeat: Rule = this.RULE("repeat", () => {
    this.CONSUME(t.Repeat);
    this.OR([{ ALT: () => this.CONSUME(t.PlainNumber) }, { ALT: () => this.CONSUME(t.Identifier) }]);
    this.CONSUME(t.LeftBrace);
    this.SUBRULE(this.expression);
    this.CONSUME(t.RightBrace);
  });

  residual: Rule = this.RULE("residual", () => {
    this.CONSUME(t.Residual);
    this.CONSUME(t.LeftBrace);
    this.SUBRULE(this.expression);
    this.CONSUME(t.RightBrace);
  });

  /** A call without a block, where a block that follows belongs to the declaration. */
  plainCall: Rule = this.RULE("plainCall", () => {
    this.CONSUME(t.Identifier);
    this.OPTION(() => this.SUBRULE(this.arguments));
  });

  /** Each with its name or without. */
  arguments: Rule = this.RULE("arguments", () => {
    this.CONSUME(t.LeftParen);
    this.MANY_SEP({
      SEP: t.Comma,
      DEF: () => {
        this.OPTION({
          GATE: () => this.nextIs(2, t.Colon),
          DEF: () => {
            this.CONSUME(t.Identifier);
            this.CONSUME(t.Colon);
          },
        });
        this.SUBRULE(this.expression);
      },
    });
    this.CONSUME(t.RightParen);
  });

  index: Rule = this.RULE("index", () => {
    this.CONSUME(t.LeftBracket);
    this.AT_LEAST_ONE_SEP({ SEP: t.Comma, DEF: () => this.SUBRULE(this.expression) });
    this.CONSUME(t.RightBracket);
  });
}

/** The one parser, which stops at the first error; building it costs tens of milliseconds, using it again nothing. */
export const parser = new DmlParser();

let recovering: DmlParser | undefined;

/** The same with error recovery, for the tree of a text that has errors; made when it is first needed. */
export function recoveringParser(): DmlParser {
  recovering ??= new DmlParser({ recoveryEnabled: true });
  return recovering;
}
