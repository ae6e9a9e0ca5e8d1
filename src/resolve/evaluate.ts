/**
 * Constant evaluation: what an argument, a setting or a default is worth at compile time. Numbers keep their unit
 * (angles become radians), names are the parameters in scope, arithmetic is that of real numbers. Names of measures,
 * losses and words are not constants of this kind: `bind.ts` resolves them by the type their place expects. Pure.
 */
import { mixedUnits, notConstant, unknownName, wrongArgumentType } from "../diagnostics/codes/resolve.ts";
import type { Diagnostics } from "../diagnostics/diagnostic.ts";
import { closest } from "../diagnostics/did_you_mean.ts";
import { textOf } from "../source/source.ts";
import type { Binary, Expression, If, List, NumberLiteral, Unary } from "../syntax/ast.ts";
import { describeValue, oneLine } from "./describe.ts";
import type { NumberValue, Value, Values } from "./values.ts";

/**
 * The value of a constant expression, or `undefined` after reporting why it has none. Angles are radians. A `Missing`
 * node is silent: the parser has spoken already.
 */
export function evaluateConstant(
  expression: Expression,
  environment: Values,
  diagnostics: Diagnostics,
): Value | undefined {
  switch (expression.kind) {
    case "Missing":
      return undefined;
    case "Number":
      return numberValue(expression);
    case "Bool":
      return { kind: "bool", value: expression.value };
    case "String":
      return { kind: "text", value: expression.value };
    case "Size":
      return { kind: "size", width: expression.width, height: expression.height };
    case "List":
      return list(expression, environment, diagnostics);
    case "Name": {
      const value = environment.get(expression.text);
      if (value !== undefined) return value;
      const suggestion = closest(expression.text, [...environment.keys()]);
      diagnostics.report(unknownName, expression.span, {
        name: expression.text,
        expected: "constant",
        because:
          environment.size === 0
            ? "A value is needed here that is known when the spec is compiled: a number, a string, a list, or arithmetic on these."
            : `A value is needed here that is known when the spec is compiled; the names in scope are ${[...environment.keys()].map((name) => `\`${name}\``).join(", ")}.`,
        ...(suggestion === undefined ? {} : { suggestion }),
      });
      return undefined;
    }
    case "Unary":
      return unary(expression, environment, diagnostics);
    case "Binary":
      return binary(expression, environment, diagnostics);
    case "If":
      return conditional(expression, environment, diagnostics);
    default:
      diagnostics.report(notConstant, expression.span, { what: `\`${oneLine(textOf(expression.span))}\`` });
      return undefined;
  }
}

/** A literal with its unit applied: degrees become radians, counts and multipliers keep their unit. */
export function numberValue(literal: NumberLiteral): NumberValue {
  switch (literal.unit) {
    case undefined:
      return { kind: "number", value: literal.value };
    case "deg":
      return { kind: "number", value: (literal.value * Math.PI) / 180, unit: "angle" };
    case "rad":
      return { kind: "number", value: literal.value, unit: "angle" };
    default:
      return { kind: "number", value: literal.value, unit: literal.unit };
  }
}

function list(expression: List, environment: Values, diagnostics: Diagnostics): Value | undefined {
  const values: number[] = [];
  let whole = true;
  for (const item of expression.items) {
    const value = evaluateConstant(item, environment, diagnostics);
    if (value?.kind === "number" && value.unit === undefined) values.push(value.value);
    else {
      whole = false;
      if (value !== undefined)
        diagnostics.report(wrongArgumentType, item.span, {
          target: "A list",
          given: describeValue(value),
          needed: "plain numbers",
        });
    }
  }
  return whole ? { kind: "numbers", values } : undefined;
}

function unary(expression: Unary, environment: Values, diagnostics: Diagnostics): Value | undefined {
  const value = evaluateConstant(expression.operand, environment, diagnostics);
  if (value === undefined) return undefined;
  if (expression.op === "-" && value.kind === "number") return { ...value, value: -value.value };
  if (expression.op === "not" && value.kind === "bool") return { kind: "bool", value: !value.value };
  diagnostics.report(wrongArgumentType, expression.operand.span, {
    target: `\`${expression.op}\``,
    given: describeValue(value),
    needed: expression.op === "-" ? "a number" : "`true` or `false`",
  });
  return undefined;
}

function conditional(expression: If, environment: Values, diagnostics: Diagnostics): Value | undefined {
  const condition = evaluateConstant(expression.condition, environment, diagnostics);
  if (condition === undefined) return undefined;
  if (condition.kind !== "bool") {
    diagnostics.report(wrongArgumentType, expression.condition.span, {
      target: "`if`",
      given: describeValue(condition),
      needed: "`true` or `false`",
    });
    return undefined;
  }
  return evaluateConstant(condition.value ? expression.then : expression.else, environment, diagnostics);
}

function binary(expression: Binary, environment: Values, diagnostics: Diagnostics): Value | undefined {
  const left = evaluateConstant(expression.left, environment, diagnostics);
  const right = evaluateConstant(expression.right, environment, diagnostics);
  if (left === undefined || right === undefined) return undefined;
  const { op } = expression;
  if (left.kind === "bool" && right.kind === "bool") {
    if (op === "and") return { kind: "bool", value: left.value && right.value };
    if (op === "or") return { kind: "bool", value: left.value || right.value };
    if (op === "==") return { kind: "bool", value: left.value === right.value };
    if (op === "!=") return { kind: "bool", value: left.value !== right.value };
  }
  if (left.kind === "number" && right.kind === "number") {
    const value = numbers(op, left, right);
    if (value !== undefined) return value;
  }
  diagnostics.report(mixedUnits, expression.span, {
    op,
    left: describeValue(left),
    right: describeValue(right),
  });
  return undefined;
}

/** Arithmetic and comparison; `undefined` where the units do not go together. */
function numbers(op: Binary["op"], left: NumberValue, right: NumberValue): Value | undefined {
  const alike = left.unit === right.unit;
  const of = (value: number, unit: NumberValue["unit"]): NumberValue => ({
    kind: "number",
    value,
    ...(unit === undefined ? {} : { unit }),
  });
  const a = left.value;
  const b = right.value;
  switch (op) {
    case "+":
      return alike ? of(a + b, left.unit) : undefined;
    case "-":
      return alike ? of(a - b, left.unit) : undefined;
    case "*":
      if (left.unit !== undefined && right.unit !== undefined) return undefined;
      return of(a * b, left.unit ?? right.unit);
    case "/":
      if (alike) return of(a / b, undefined);
      return right.unit === undefined ? of(a / b, left.unit) : undefined;
    case "^":
      return left.unit === undefined && right.unit === undefined ? of(a ** b, undefined) : undefined;
    case "==":
      return alike ? { kind: "bool", value: a === b } : undefined;
    case "!=":
      return alike ? { kind: "bool", value: a !== b } : undefined;
    case "<":
      return alike ? { kind: "bool", value: a < b } : undefined;
    case "<=":
      return alike ? { kind: "bool", value: a <= b } : undefined;
    case ">":
      return alike ? { kind: "bool", value: a > b } : undefined;
    case ">=":
      return alike ? { kind: "bool", value: a >= b } : undefined;
    default:
      return undefined;
  }
}
