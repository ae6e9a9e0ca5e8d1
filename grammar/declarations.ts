/**
 * The rules of declarations: their headers, parameters, types and statements. What stands in them, blocks of settings and
 * expressions, are the rules of `expressions.ts`.
 */
import { Rules, type Rule } from "./rules.ts";
import * as t from "./tokens.ts";

export abstract class DeclarationRules extends Rules {
  abstract readonly block: Rule;
  abstract readonly expression: Rule;
  abstract readonly operand: Rule;
  abstract readonly plainCall: Rule;
  abstract readonly binding: Rule;

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

  /** A signature of the standard library, whose meaning the compiler knows; the words of reductions are names here. */
  primitive: Rule = this.RULE("primitive", () => {
    this.CONSUME(t.Primitive);
    this.CONSUME1(t.Identifier);
    this.OR([
      { ALT: () => this.CONSUME2(t.Identifier) },
      { ALT: () => this.CONSUME(t.PrefixReduction) },
      { ALT: () => this.CONSUME(t.CallReduction) },
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

  /** With indices between brackets a table, written entry by entry. */
  state: Rule = this.RULE("state", () => {
    this.CONSUME(t.State);
    this.CONSUME(t.Identifier);
    this.OPTION(() => {
      this.CONSUME(t.LeftBracket);
      this.AT_LEAST_ONE_SEP({ SEP: t.Comma, DEF: () => this.SUBRULE(this.binding) });
      this.CONSUME(t.RightBracket);
    });
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
}
