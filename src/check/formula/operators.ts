/**
 * Arithmetic, comparisons, logic and `if` in formulas: numbers with numbers, vectors added and scaled, indices and labels
 * compared over one axis. Used by `infer.ts`.
 */
import { orderedIndices } from "../../diagnostics/codes/formula.ts";
import type { Binary, Expression, If } from "../../syntax/ast.ts";
import { classesAxis, describeAxis, namesJoined, startsWith } from "../../types/axis.ts";
import { bool, describe, isNumeric, number, unknown, type FormulaType } from "../../types/formula_type.ts";
import type { Environment, FormulaContext } from "./environment.ts";
import { expectBool, expectIndexOver, expectNumber, misfit, unifyAxes } from "./expectations.ts";

/** A long chain `a + b + …` is a deep tree to the left: it is walked, not recursed into. */
export function inferBinary(
  context: FormulaContext,
  expression: Binary,
  environment: Environment,
): FormulaType {
  const chain: Binary[] = [];
  let first: Expression = expression;
  while (first.kind === "Binary") {
    chain.push(first);
    first = first.left;
  }
  let type = context.infer(context, first, environment);
  for (const each of chain.reverse())
    type = combine(context, each, type, context.infer(context, each.right, environment), environment);
  return type;
}

function combine(
  context: FormulaContext,
  expression: Binary,
  left: FormulaType,
  right: FormulaType,
  environment: Environment,
): FormulaType {
  const { op } = expression;
  const where = `\`${op}\``;
  switch (op) {
    case "and":
    case "or":
      expectBool(context, expression.left, left, where);
      expectBool(context, expression.right, right, where);
      return bool;
    case "+":
    case "-":
    case "*":
    case "/":
    case "^":
      return behind(context, expression, right, environment) ?? arithmetic(context, expression, left, right);
    default:
      compare(context, expression, left, right);
      return bool;
  }
}

/**
 * `n + p` with a size n of this loss and an index p over numbers: a number, and an index of n rows with those of p behind
 * them.
 */
function behind(
  { axes }: FormulaContext,
  { op, left }: Binary,
  right: FormulaType,
  environment: Environment,
): FormulaType | undefined {
  if (op !== "+" || left.kind !== "Name" || right.kind !== "index" || !right.axis.resolved.numeric)
    return undefined;
  const binding = environment.lookup(left.text);
  if (binding?.kind !== "value" || binding.domain === undefined) return undefined;
  const name = namesJoined(binding.domain, right.axis);
  return name === undefined ? undefined : { kind: "number", index: axes.of(name, true) };
}

function arithmetic(
  context: FormulaContext,
  expression: Binary,
  left: FormulaType,
  right: FormulaType,
): FormulaType {
  const { op } = expression;
  const where = `\`${op}\``;
  if (left.kind === "unknown" || right.kind === "unknown") {
    const known = left.kind === "unknown" ? right : left;
    return known.kind === "tensor" && (op === "+" || op === "-") ? known : unknown;
  }
  const tensors = [left, right].filter((type) => type.kind === "tensor" && type.of === "number");
  if (tensors.length > 0 && op !== "^") {
    if (left.kind === "tensor" && right.kind === "tensor" && (op === "+" || op === "-")) {
      if (left.axes.length === right.axes.length)
        return left.axes.every((axis, place) =>
          unifyAxes(context, expression.right.span, axis, right.axes[place]!, `${where} of two vectors`),
        )
          ? left
          : unknown;
      misfit(context, expression.right.span, where, right, describe(left));
      return unknown;
    }
    // A vector may be scaled by a number.
    if (left.kind === "tensor" && right.kind !== "tensor" && (op === "*" || op === "/"))
      return expectNumber(context, expression.right, right, where) ? left : unknown;
    if (right.kind === "tensor" && left.kind !== "tensor" && op === "*")
      return expectNumber(context, expression.left, left, where) ? right : unknown;
    if (left.kind === "tensor" && right.kind === "tensor" && op === "*") {
      misfit(
        context,
        expression.span,
        where,
        left,
        "numbers",
        "The inner product is `sum[t] u[t] * v[t]`, also called `dot(u, v)`.",
      );
      return unknown;
    }
    const [wrong, type] = left.kind === "tensor" ? [expression.left, left] : [expression.right, right];
    misfit(context, wrong.span, where, type, "a number");
    return unknown;
  }
  const sound = [
    expectNumber(context, expression.left, left, where),
    expectNumber(context, expression.right, right, where),
  ];
  return sound.every(Boolean) ? number : unknown;
}

function compare(context: FormulaContext, expression: Binary, left: FormulaType, right: FormulaType): void {
  const { op } = expression;
  const where = `\`${op}\``;
  if (left.kind === "unknown" || right.kind === "unknown") return;
  const equality = op === "==" || op === "!=";
  if (left.kind === "bool" && right.kind === "bool" && equality) return;
  if (left.kind === "number" && right.kind === "number") return;
  if (left.kind === "index" && right.kind === "index") {
    const a = left.axis.resolved;
    const b = right.axis.resolved;
    if ((a.numeric && b.numeric) || startsWith(a, b) || startsWith(b, a)) return;
    if (left.axis.unify(right.axis, expression.span)) return;
    context.diagnostics.report(orderedIndices, expression.span, {
      op,
      left: `an index over ${describeAxis(a)}`,
      right: `an index over ${describeAxis(b)}`,
    });
    return;
  }
  if (equality) {
    if (left.kind === "label" && right.kind === "label" && left.on === right.on) return;
    if (left.kind === "label" && right.kind === "number") return;
    if (right.kind === "label" && left.kind === "number") return;
    if (left.kind === "label" && right.kind === "index") {
      expectIndexOver(context, expression.right, right, context.axes.of(classesAxis(left.on), false), where);
      return;
    }
    if (right.kind === "label" && left.kind === "index") {
      expectIndexOver(context, expression.left, left, context.axes.of(classesAxis(right.on), false), where);
      return;
    }
  }
  if (left.kind === "index" && right.kind === "number") {
    expectNumber(context, expression.left, left, where);
    return;
  }
  if (right.kind === "index" && left.kind === "number") {
    expectNumber(context, expression.right, right, where);
    return;
  }
  // Two unlike things: the one that does not compare with the other is marked.
  const wrongLeft = !isNumeric(left) && isNumeric(right);
  const [wrong, type, other] = wrongLeft ? [expression.left, left, right] : [expression.right, right, left];
  if (describe(type) === describe(other))
    misfit(context, expression.span, where, type, "numbers", tensorComparison(type));
  else
    misfit(
      context,
      wrong.span,
      where,
      type,
      `${describe(other)}, as on its other side`,
      tensorComparison(type),
    );
}

const tensorComparison = (type: FormulaType): string | undefined =>
  type.kind === "tensor" ? "Compare numbers: a component `u[t]`, a `norm`, a distance." : undefined;

/** `if c then a else b`: a condition, and two values of one kind. */
export function inferIf(context: FormulaContext, expression: If, environment: Environment): FormulaType {
  const condition = context.infer(context, expression.condition, environment);
  expectBool(context, expression.condition, condition, "The condition of `if`");
  const yes = context.infer(context, expression.then, environment);
  const no = context.infer(context, expression.else, environment);
  if (yes.kind === "unknown" || no.kind === "unknown") return yes.kind === "unknown" ? no : yes;
  if (yes.kind === "bool" && no.kind === "bool") return bool;
  if (isNumeric(yes) && isNumeric(no)) return number;
  if (yes.kind === no.kind && yes.kind !== "function") {
    if (yes.kind === "index" && no.kind === "index")
      unifyAxes(context, expression.else.span, yes.axis, no.axis, "This choice between two indices");
    if (yes.kind === "tensor" && no.kind === "tensor" && yes.axes.length !== no.axes.length)
      misfit(context, expression.else.span, "`else`", no, `${describe(yes)}, as after \`then\``);
    return yes;
  }
  if ((yes.kind === "index" && isNumeric(no)) || (no.kind === "index" && isNumeric(yes))) {
    expectNumber(context, expression.then, yes, "`then`");
    expectNumber(context, expression.else, no, "`else`");
    return number;
  }
  misfit(context, expression.else.span, "`else`", no, `${describe(yes)}, as after \`then\``);
  return unknown;
}
