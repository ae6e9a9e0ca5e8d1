/**
 * The type of an expression in a formula: names, arithmetic, comparisons, `if`, indexing; calls and reductions have
 * files of their own. Every problem is reported once, and what is wrong is of unknown type, which fits everywhere.
 */
import { budgetExceeded } from "../../diagnostics/codes/check.ts";
import { orderedIndices, unknownReduction, wrongArity } from "../../diagnostics/codes/formula.ts";
import { unknownName } from "../../diagnostics/codes/resolve.ts";
import { closest } from "../../diagnostics/did_you_mean.ts";
import { oneLine } from "../../resolve/describe.ts";
import { textOf } from "../../source/source.ts";
import type { Binary, Expression, If, Index, Name } from "../../syntax/ast.ts";
import { describeAxis } from "../../types/axis.ts";
import {
  bool,
  describe,
  isNumeric,
  number,
  tensor,
  unknown,
  type FormulaType,
} from "../../types/formula_type.ts";
import { budgets } from "../context.ts";
import { expandLet, inferCall } from "./calls.ts";
import type { Environment, FormulaContext } from "./environment.ts";
import { expectBool, expectIndexOver, expectNumber, misfit, unifyAxes } from "./expectations.ts";
import { inferReduction } from "./reductions.ts";

/** Deepest nesting of expressions, `if … else if …` chains included. */
const deepest = 1000;

export function infer(
  context: FormulaContext,
  expression: Expression,
  environment: Environment,
): FormulaType {
  if (context.exhausted) return unknown;
  if (++context.steps > budgets.formulaSteps || context.depth > deepest) {
    context.exhausted = true;
    context.diagnostics.report(budgetExceeded, expression.span, {
      what: "This formula is too large once its `let` functions are expanded",
      limit: context.depth > deepest ? `${deepest} levels deep` : `${budgets.formulaSteps} steps of checking`,
      help: "Split it into several losses, or nest fewer `let` functions.",
    });
    return unknown;
  }
  context.depth++;
  const type = inferOne(context, expression, environment);
  context.depth--;
  return type;
}

function inferOne(context: FormulaContext, expression: Expression, environment: Environment): FormulaType {
  switch (expression.kind) {
    case "Missing":
      return unknown;
    case "Number":
      if (expression.unit === undefined || expression.unit === "deg" || expression.unit === "rad")
        return number;
      misfit(
        context,
        expression.span,
        "A formula",
        { kind: "word" },
        "a number without a unit",
        "Units other than `deg` and `rad` belong to settings.",
      );
      return unknown;
    case "Bool":
      return bool;
    case "List":
      for (const item of expression.items)
        expectNumber(context, item, infer(context, item, environment), "A list");
      return { kind: "list" };
    case "Name":
      return nameType(context, expression, environment);
    case "Unary": {
      const type = infer(context, expression.operand, environment);
      if (expression.op === "not") {
        expectBool(context, expression.operand, type, "`not`");
        return bool;
      }
      if (type.kind === "tensor" && type.of === "number") return type;
      return expectNumber(context, expression.operand, type, "`-`") ? number : unknown;
    }
    case "Binary":
      return binary(context, expression, environment);
    case "If":
      return conditional(context, expression, environment);
    case "Call":
      return inferCall(context, expression, environment);
    case "Index":
      return indexed(context, expression, environment);
    case "Reduction":
      return inferReduction(context, expression, environment);
    default:
      misfit(
        context,
        expression.span,
        "A formula",
        { kind: "word" },
        "numbers, vectors and conditions",
        undefined,
      );
      return unknown;
  }
}

function nameType(context: FormulaContext, name: Name, environment: Environment): FormulaType {
  const binding = environment.lookup(name.text);
  if (binding !== undefined) {
    context.used.add(binding);
    if (binding.kind === "value") return binding.type;
    if (binding.declaration.callable) return { kind: "function", name: name.text };
    return expandLet(context, binding, []);
  }
  const names = environment.names;
  const suggestion = closest(name.text, names);
  const isFunction =
    context.scope.lookup("function", name.text) ?? context.scope.lookup("measure", name.text);
  if (isFunction !== undefined && suggestion === undefined) return { kind: "function", name: name.text };
  if (context.unknownNames.has(name.text)) return unknown;
  context.unknownNames.add(name.text);
  const inLet = context.calls.length > 0 || context.generic;
  const ended = inLet ? undefined : context.endedIndices.get(name.text);
  context.diagnostics.report(
    unknownName,
    name.span,
    {
      name: name.text,
      expected: "name",
      because: inLet
        ? "A `let` sees only its own parameters, the loss's parameters, `param`s, earlier `let`s and the globals; indices of the place that calls it are given to it as arguments."
        : ended !== undefined
          ? `\`${name.text}\` is an index of the \`${ended}\` before, which has ended here: a reduction takes only the product to its right, as Σ does on paper.`
          : `The names in scope here are ${names
              .map((each) => `\`${each}\``)
              .sort()
              .join(", ")}.`,
      ...(suggestion === undefined ? {} : { suggestion }),
      ...(ended === undefined ? {} : { help: `Put all that \`${ended}\` is over in parentheses.` }),
    },
    context.calls.length > 0 ? { related: context.calls.slice(-1) } : {},
  );
  return unknown;
}

// ── Operators ───────────────────────────────────────────────────────────────────────────────────────────────────

/** A long chain `a + b + …` is a deep tree to the left: it is walked, not recursed into. */
function binary(context: FormulaContext, expression: Binary, environment: Environment): FormulaType {
  const chain: Binary[] = [];
  let first: Expression = expression;
  while (first.kind === "Binary") {
    chain.push(first);
    first = first.left;
  }
  let type = infer(context, first, environment);
  for (const each of chain.reverse())
    type = combine(context, each, type, infer(context, each.right, environment));
  return type;
}

function combine(
  context: FormulaContext,
  expression: Binary,
  left: FormulaType,
  right: FormulaType,
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
      return arithmetic(context, expression, left, right);
    default:
      compare(context, expression, left, right);
      return bool;
  }
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
  const classes = context.axes.of("classes", false);
  if (left.kind === "index" && right.kind === "index") {
    const a = left.axis.resolved;
    const b = right.axis.resolved;
    if (a.numeric && b.numeric) return;
    if (left.axis.unify(right.axis, expression.span)) return;
    context.diagnostics.report(orderedIndices, expression.span, {
      op,
      left: `an index over ${describeAxis(a)}`,
      right: `an index over ${describeAxis(b)}`,
    });
    return;
  }
  if (equality) {
    if (left.kind === "label" && (right.kind === "label" || right.kind === "number")) return;
    if (right.kind === "label" && left.kind === "number") return;
    if (left.kind === "label" && right.kind === "index") {
      expectIndexOver(context, expression.right, right, classes, where);
      return;
    }
    if (right.kind === "label" && left.kind === "index") {
      expectIndexOver(context, expression.left, left, classes, where);
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

function conditional(context: FormulaContext, expression: If, environment: Environment): FormulaType {
  const condition = infer(context, expression.condition, environment);
  expectBool(context, expression.condition, condition, "The condition of `if`");
  const yes = infer(context, expression.then, environment);
  const no = infer(context, expression.else, environment);
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

// ── Indexing ────────────────────────────────────────────────────────────────────────────────────────────────────

function indexed(context: FormulaContext, expression: Index, environment: Environment): FormulaType {
  if (isMisspeltReduction(context, expression.target, environment)) return unknown;
  const target = infer(context, expression.target, environment);
  const types = expression.indices.map((index) => infer(context, index, environment));
  if (target.kind === "unknown") {
    for (const type of types) if (type.kind === "index") context.excused.push(type.axis);
    return unknown;
  }
  const written = oneLine(textOf(expression.target.span));
  if (target.kind !== "tensor") {
    const help =
      target.kind === "function" || target.kind === "measure"
        ? `Write \`${written}(${expression.indices.map((index) => oneLine(textOf(index.span))).join(", ")})\`.`
        : undefined;
    misfit(context, expression.target.span, "An index in brackets", target, "something with elements", help);
    return unknown;
  }
  if (types.length > target.axes.length) {
    context.diagnostics.report(wrongArity, expression.span, {
      what: `\`${written}\``,
      needed: target.axes.length === 1 ? "one index" : `at most ${target.axes.length} indices`,
      given: types.length,
    });
    return unknown;
  }
  let sound = true;
  for (const [place, type] of types.entries()) {
    const fits = expectIndexOver(
      context,
      expression.indices[place]!,
      type,
      target.axes[place]!,
      `\`${written}[…]\``,
    );
    sound = sound && fits;
  }
  return sound ? tensor(target.axes.slice(types.length), target.of) : unknown;
}

/** Reports `sm[j] …` as the reduction it was probably meant to be; what stands in its brackets binds names then. */
function isMisspeltReduction(context: FormulaContext, target: Expression, environment: Environment): boolean {
  if (target.kind !== "Name" || environment.lookup(target.text) !== undefined) return false;
  const suggestion = closest(target.text, environment.names) ?? closest(target.text, reductions);
  if (suggestion === undefined || !reductions.includes(suggestion)) return false;
  context.diagnostics.report(unknownReduction, target.span, { name: target.text, suggestion });
  return true;
}

/** The words that make a bracket bind indices. */
const reductions: readonly string[] = [
  "sum",
  "mean",
  "mean_active",
  "max",
  "min",
  "logsumexp",
  "argmax",
  "argmin",
  "any",
  "all",
  "count",
  "softmax",
  "log_softmax",
  "variance",
  "sample_variance",
  "cross_entropy",
];
