/**
 * Lowering of expressions: index notation to tensors. Each form gives its value, the axes it varies over, and where it
 * is present; see language.md, "Exact rules", of which the interpreter is the scalar reading.
 */
import type { Binary, Expression, If, Name, Unary } from "../../syntax/ast.ts";
import type { Value } from "../../resolve/values.ts";
import { numberValue } from "../../resolve/evaluate.ts";
import type { Lowered } from "../axes.ts";
import { aligned, conjunction, isSlot, scalar, union } from "../axes.ts";
import type { BinaryOperator, Node } from "../graph.ts";
import { constantOf } from "../graph.ts";
import { lowerCall, lowerLet } from "./call.ts";
import { combine, presenceOf } from "./combine.ts";
import type { Context, Environment } from "./environment.ts";
import { LoweringError, NESTING } from "./environment.ts";
import { lowerIndex } from "./indexing.ts";
import { asSamples, noteOrder } from "./memory.ts";
import { lowerReduction } from "./reduction.ts";
import { isSystem, lowerSystem } from "./systems.ts";
import { isShared, sharesOfBinary, withShares } from "./shares.ts";

const OPERATORS: Record<Binary["op"], BinaryOperator> = {
  "+": "add",
  "-": "sub",
  "*": "mul",
  "/": "div",
  "^": "pow",
  "==": "eq",
  "!=": "ne",
  "<": "lt",
  "<=": "le",
  ">": "gt",
  ">=": "ge",
  and: "and",
  or: "or",
};

const ORDERS: ReadonlySet<BinaryOperator> = new Set(["lt", "le", "gt", "ge"]);

export function lower(context: Context, expression: Expression, environment: Environment): Lowered {
  if (context.budget-- <= 0) throw new LoweringError(expression.span, "a formula of this size");
  if (context.nesting >= NESTING) throw new LoweringError(expression.span, "a formula nested this deeply");
  context.nesting++;
  try {
    const lowered = lowerForm(context, expression, environment);
    const origins = context.origins.get(lowered.node);
    if (origins === undefined) context.origins.set(lowered.node, [expression.span]);
    else origins.push(expression.span);
    return lowered;
  } finally {
    context.nesting--;
  }
}

function lowerForm(context: Context, expression: Expression, environment: Environment): Lowered {
  switch (expression.kind) {
    case "Number":
      return scalar(context.build.constant(numberValue(expression).value));
    case "Bool":
      return scalar(context.build.graph.constant(expression.value ? 1 : 0, "bool"));
    case "Name":
      return lowerName(context, expression, environment);
    case "Index":
      return lowerIndex(context, expression, environment);
    case "Unary":
      return lowerUnary(context, expression, environment);
    case "Binary":
      return lowerBinary(context, expression, environment);
    case "If":
      return lowerIf(context, expression, environment);
    case "Call":
      return lowerCall(context, expression, environment);
    case "Reduction":
      return isSystem(expression)
        ? lowerSystem(context, expression, environment)
        : lowerReduction(context, expression, environment);
    default:
      throw new LoweringError(expression.span, "this form in a formula");
  }
}

/** A constant where a formula reads it. */
function constantValue(context: Context, value: Value, place: Name): Lowered {
  if (value.kind === "number") return scalar(context.build.constant(value.value));
  if (value.kind === "bool") return scalar(context.build.graph.constant(value.value ? 1 : 0, "bool"));
  throw new LoweringError(place.span, `a ${value.kind} as a number`);
}

function lowerName(context: Context, name: Name, environment: Environment): Lowered {
  const binding = environment.lookup(name.text);
  switch (binding?.kind) {
    case "value":
      return binding.value;
    case "index": {
      const { axis } = binding;
      return { node: context.build.iota(axis.from, axis.size), axes: [axis] };
    }
    case "let":
      return lowerLet(context, binding, [], environment, name.span);
    case "constant":
      return constantValue(context, binding.value, name);
    case undefined:
      throw new LoweringError(name.span, `the name \`${name.text}\` here`);
  }
}

function lowerUnary(context: Context, expression: Unary, environment: Environment): Lowered {
  const operand = lower(context, expression.operand, environment);
  if (expression.op === "not") return { node: context.build.unary("not", operand.node), axes: operand.axes };
  const node = context.build.unary("neg", context.build.asReal(operand.node));
  const negative: Lowered = { node, axes: operand.axes, ...presenceOf(operand) };
  if (!isShared(context)) return negative;
  const zero = scalar(context.build.constant(0));
  return withShares(negative, sharesOfBinary(context, "sub", zero, operand));
}

/** Goes down a chain such as a + b + c + … iteratively. */
function lowerBinary(context: Context, expression: Binary, environment: Environment): Lowered {
  const chain: Binary[] = [];
  let first: Expression = expression;
  while (first.kind === "Binary") {
    chain.push(first);
    first = first.left;
  }
  let left = context.lower(context, first, environment);
  for (const link of chain.reverse()) {
    const right = context.lower(context, link.right, environment);
    requireEqualSides(left, right, link);
    const op = OPERATORS[link.op];
    if (ORDERS.has(op)) noteOrder(context, left, right);
    const [a, b] = op === "eq" || op === "ne" ? asSamples(context, left, right) : [left, right];
    const both = combine(context, op, a, b);
    left = isShared(context) ? withShares(both, sharesOfBinary(context, op, a, b)) : both;
  }
  return left;
}

/** Vectors are added, compared and so on with vectors of their shape, or with numbers. */
function requireEqualSides(left: Lowered, right: Lowered, place: Binary): void {
  const [a, b] = [left, right].map((side) => side.axes.filter(isSlot).map((axis) => axis.size));
  if (a!.length > 0 && b!.length > 0 && a!.join() !== b!.join())
    throw new LoweringError(place.span, `\`${place.op}\` of [${a!.join(", ")}] and [${b!.join(", ")}]`);
}

/**
 * Both sides are computed and one is taken, whose gradient alone flows; a condition known now leaves just its side. At
 * the outermost a side's reductions count for validity only where it is taken.
 */
function lowerIf(context: Context, expression: If, environment: Environment): Lowered {
  const { build } = context;
  const condition = context.lower(context, expression.condition, environment);
  const known = constantOf(condition.node);
  if (known !== undefined)
    return context.lower(context, known !== 0 ? expression.then : expression.else, environment);
  const no = { node: build.unary("not", condition.node), axes: condition.axes };
  const then = whereTaken(context, condition, () => context.lower(context, expression.then, environment));
  const otherwise = whereTaken(context, no, () => context.lower(context, expression.else, environment));
  const pick = (a: Lowered, b: Lowered): Lowered => {
    if (a.node === b.node && a.axes.every((axis, k) => axis.order === b.axes[k]!.order)) return a;
    const axes = union([condition, a, b]);
    const all = [condition, a, b].map((side) => aligned(build, side, axes)) as [Node, Node, Node];
    return { node: build.select(...all), axes };
  };
  const picked = pick(then, otherwise);
  if (then.present === undefined && otherwise.present === undefined) return picked;
  const everywhere = scalar(build.graph.constant(1, "bool"));
  return { ...picked, present: pick(then.present ?? everywhere, otherwise.present ?? everywhere) };
}

function whereTaken(context: Context, condition: Lowered, lowerSide: () => Lowered): Lowered {
  const before = context.outermost.length;
  const side = lowerSide();
  const added = context.outermost.splice(before);
  const taken = added.map((tuples) => conjunction(context.build, [condition, tuples]));
  context.outermost.push(...taken);
  return side;
}
