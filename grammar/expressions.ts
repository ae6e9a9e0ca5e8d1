/** The rules of what stands in declarations: blocks of settings, expressions, and the calls and stages they consist of. */
import { DeclarationRules } from "./declarations.ts";
import type { Rule } from "./rules.ts";
import * as t from "./tokens.ts";

export abstract class ExpressionRules extends DeclarationRules {
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
        this.CONSUME(t.By);
        this.SUBRULE2(this.expression);
      },
    });
    this.OPTION3({
      GATE: () => this.clauseIsNext(),
      DEF: () => {
        this.CONSUME(t.On);
        this.SUBRULE3(this.expression);
      },
    });
    this.OPTION4({
      GATE: () => this.clauseIsNext(),
      DEF: () => {
        this.CONSUME(t.Against);
        this.SUBRULE4(this.expression);
      },
    });
    this.OPTION5({
      GATE: () => this.clauseIsNext(),
      DEF: () => {
        this.CONSUME(t.With);
        this.SUBRULE5(this.expression);
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
