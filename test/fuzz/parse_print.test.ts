/** Printing an expression and parsing it again gives the same tree. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { span } from "../../src/source/source.ts";
import type * as ast from "../../src/syntax/ast.ts";
import { printExpression } from "../../src/syntax/print.ts";
import { bare, formula, setting } from "../grammar/helpers.ts";

const nowhere = span({ path: "generated.dml", text: "", standard: false }, 0, 0);
const word = fc.constantFrom(
  "a",
  "b",
  "margin",
  "x",
  "loss",
  "distance",
  "with",
  "repeat",
  "shared",
  "param",
  "step",
);
const identifier = word.map((text): ast.Identifier => ({ kind: "Identifier", text, span: nowhere }));

const name = word.map((text): ast.Expression => ({ kind: "Name", text, span: nowhere }));
const whole = fc
  .tuple(fc.nat(), fc.option(fc.constantFrom<ast.Unit>("deg", "rad", "x"), { nil: undefined }))
  .map(([value, unit]): ast.Expression => ({
    kind: "Number",
    span: nowhere,
    value,
    integer: true,
    ...(unit === undefined ? {} : { unit }),
  }));
const real = fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }).map((value): ast.Expression => ({
  kind: "Number",
  span: nowhere,
  value: Math.abs(value),
  integer: false,
}));
const leaf: fc.Arbitrary<ast.Expression> = fc.oneof(
  name,
  whole,
  real,
  fc.boolean().map((value): ast.Expression => ({ kind: "Bool", span: nowhere, value })),
  fc.string({ unit: "binary" }).map((value): ast.Expression => ({ kind: "String", span: nowhere, value })),
  fc.constant<ast.Expression>({ kind: "Hole", span: nowhere }),
);

const operators: readonly ast.BinaryOperator[] = [
  "+",
  "-",
  "*",
  "/",
  "^",
  "==",
  "!=",
  "<",
  "<=",
  ">",
  ">=",
  "and",
  "or",
];
const prefixes: readonly ast.PrefixReductionOperator[] = [
  "sum",
  "mean",
  "mean_active",
  "max",
  "min",
  "logsumexp",
  "argmax",
  "argmin",
  "sample",
  "any",
  "all",
  "count",
];
const calls: readonly ast.CallReductionOperator[] = [
  "softmax",
  "log_softmax",
  "variance",
  "sample_variance",
  "cross_entropy",
];

const { expression } = fc.letrec<{ expression: ast.Expression; binding: ast.IndexBinding }>((tie) => ({
  binding: fc
    .tuple(identifier, fc.option(fc.oneof(tie("expression"), range(tie("expression"))), { nil: undefined }))
    .map(([bound, domain]) => ({
      kind: "IndexBinding",
      span: nowhere,
      name: bound,
      ...(domain === undefined ? {} : { domain }),
    })),
  expression: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    leaf,
    fc
      .tuple(fc.constantFrom("-" as const, "not" as const), tie("expression"))
      .map(([op, operand]): ast.Expression => ({ kind: "Unary", span: nowhere, op, operand })),
    fc
      .tuple(fc.constantFrom(...operators), tie("expression"), tie("expression"))
      .map(([op, left, right]): ast.Expression => ({ kind: "Binary", span: nowhere, op, left, right })),
    fc
      .tuple(tie("expression"), tie("expression"), tie("expression"))
      .map(([condition, then, otherwise]): ast.Expression => ({
        kind: "If",
        span: nowhere,
        condition,
        then,
        else: otherwise,
      })),
    fc
      .tuple(
        identifier,
        fc.array(fc.tuple(fc.option(identifier, { nil: undefined }), tie("expression")), { maxLength: 3 }),
      )
      .map(([callee, given]): ast.Expression => ({
        kind: "Call",
        span: nowhere,
        callee,
        parenthesised: true,
        arguments: given.map(([label, value]) => ({
          kind: "Argument",
          span: nowhere,
          ...(label === undefined ? {} : { name: label }),
          value,
        })),
      })),
    fc
      .tuple(tie("expression"), fc.array(tie("expression"), { minLength: 1, maxLength: 2 }))
      .map(([target, indices]): ast.Expression => ({ kind: "Index", span: nowhere, target, indices })),
    fc
      .array(tie("expression"), { maxLength: 3 })
      .map((items): ast.Expression => ({ kind: "List", span: nowhere, items })),
    fc
      .tuple(
        fc.constantFrom<ast.ReductionOperator>(...prefixes, ...calls),
        fc.array(tie("binding"), { minLength: 1, maxLength: 2 }),
        fc.array(tie("expression"), { maxLength: 2 }),
        tie("expression"),
      )
      .map(([op, indices, guards, body]): ast.Expression => ({
        kind: "Reduction",
        span: nowhere,
        opSpan: nowhere,
        op,
        indices,
        guards,
        bodies: [body],
      })),
  ),
}));

function range(inner: fc.Arbitrary<ast.Expression>): fc.Arbitrary<ast.Range> {
  return fc.tuple(inner, inner).map(([from, to]) => ({ kind: "Range", span: nowhere, from, to }));
}

const stage = fc.oneof(
  expression,
  fc
    .tuple(name, expression)
    .map(([count, body]): ast.Expression => ({ kind: "Repeat", span: nowhere, count, body })),
  expression.map((body): ast.Expression => ({ kind: "Residual", span: nowhere, body })),
);
const pipeline = fc
  .array(stage, { minLength: 2, maxLength: 4 })
  .map((stages): ast.Expression => ({ kind: "Pipeline", span: nowhere, stages }));

describe("parse(print(e)) is e", () => {
  it("for formulas", () => {
    fc.assert(
      fc.property(expression, (tree) => {
        expect(bare(formula(printExpression(tree)))).toEqual(bare(tree));
      }),
      { numRuns: 1500 },
    );
  });

  it("for pipelines in settings, and what is made of them", () => {
    fc.assert(
      fc.property(pipeline, fc.boolean(), (stages, shared) => {
        const tree: ast.Expression = shared ? { kind: "Shared", span: nowhere, pipeline: stages } : stages;
        // A shared head starts with a layer's name.
        fc.pre(!shared || /^(?:a|b|repeat|residual)\b/.test(printExpression(stages)));
        expect(bare(setting(printExpression(tree)))).toEqual(bare(tree));
      }),
      { numRuns: 500 },
    );
  });

  it("for settings with units and blocks", () => {
    for (const text of [
      "32 classes * 4 samples",
      "1 epoch + 1 step",
      "adamw(lr: 0.001, clip: 10) { backbone: 1x, heads: 1x }",
      "hierarchical { pairs: learned(a, b) with conv(64, kernel: 3) |> relu, rest: c() on d() against memory(9) }",
      "rgb(224x224)",
      'folder("a\\"b\\\\c\\n")',
      "f {}",
      "max(a, min(b, c))",
    ])
      expect(printExpression(setting(text))).toBe(text);
  });
});
