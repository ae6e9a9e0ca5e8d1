/**
 * Lowering of expressions: index notation to tensors. Each form gives its value, the axes it varies over, and where it
 * is present; see language.md, "Exact rules", of which the interpreter is the scalar reading.
 */
import type { Binary, Expression, If, Index, Name, Unary } from "../../syntax/ast.ts";
import type { Value } from "../../resolve/values.ts";
import { numberValue } from "../../resolve/evaluate.ts";
import type { Axis, Lowered } from "../axes.ts";
import { aligned, isSlot, labelled, scalar, union } from "../axes.ts";
import type { BinaryOperator } from "../graph.ts";
import { constantOf } from "../graph.ts";
import { lowerCall, lowerLet } from "./call.ts";
import { combine, presenceOf } from "./combine.ts";
import type { Context, Environment } from "./environment.ts";
import { LoweringError } from "./environment.ts";
import { lowerReduction } from "./reduction.ts";

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

export function lower(context: Context, expression: Expression, environment: Environment): Lowered {
  if (context.budget-- <= 0) throw new LoweringError(expression.span, "a formula of this size");
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
      return lowerReduction(context, expression, environment);
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
      return lowerLet(context, binding, []);
    case "constant":
      return constantValue(context, binding.value, name);
    case undefined:
      throw new LoweringError(name.span, `the name \`${name.text}\` here`);
  }
}

function lowerIndex(context: Context, expression: Index, environment: Environment): Lowered {
  let value = lower(context, expression.target, environment);
  for (const index of expression.indices) value = indexFirstSide(context, value, index, environment);
  return value;
}

/** Writes an index for the first side that has none: a label for a plain index, a gather for anything computed. */
function indexFirstSide(
  context: Context,
  value: Lowered,
  index: Expression,
  environment: Environment,
): Lowered {
  const at = value.axes.findIndex(isSlot);
  if (at < 0) throw new LoweringError(index.span, "an index too many");
  const binding = index.kind === "Name" ? environment.lookup(index.text) : undefined;
  const axis = binding?.kind === "index" ? binding.axis : undefined;
  if (axis !== undefined && axis.from === 0 && axis.size === value.axes[at]!.size) {
    if (value.axes.some((own) => own.order === axis.order))
      throw new LoweringError(index.span, "the same index twice on one tensor");
    const axes = value.axes.map((own, k): Axis => (k === at ? axis : own));
    return { ...labelled(context.build, value.node, axes), ...presenceOf(value) };
  }
  const chosen = lower(context, index, environment);
  if (chosen.node.type !== "int" || at !== 0) throw new LoweringError(index.span, "an index of this form");
  const axes = [...chosen.axes, ...value.axes.slice(1)];
  const node = context.build.gather(value.node, chosen.node);
  return { ...labelled(context.build, node, axes), ...presenceOf(chosen) };
}

function lowerUnary(context: Context, expression: Unary, environment: Environment): Lowered {
  const operand = lower(context, expression.operand, environment);
  if (expression.op === "not") return { node: context.build.unary("not", operand.node), axes: operand.axes };
  const node = context.build.unary("neg", context.build.asReal(operand.node));
  return { node, axes: operand.axes, ...presenceOf(operand) };
}

function lowerBinary(context: Context, expression: Binary, environment: Environment): Lowered {
  const left = lower(context, expression.left, environment);
  const right = lower(context, expression.right, environment);
  const op = OPERATORS[expression.op];
  return combine(context, op, left, right);
}

/** Both sides are computed and one is taken, whose gradient alone flows; a condition known now leaves just its side. */
function lowerIf(context: Context, expression: If, environment: Environment): Lowered {
  const { build } = context;
  const condition = lower(context, expression.condition, environment);
  const known = constantOf(condition.node);
  if (known !== undefined)
    return lower(context, known !== 0 ? expression.then : expression.else, environment);
  const yes = lower(context, expression.then, environment);
  const no = lower(context, expression.else, environment);
  const axes = union([condition, yes, no]);
  const pick = (a: Lowered, b: Lowered): Lowered =>
    a.node === b.node
      ? a
      : {
          node: build.select(
            aligned(build, condition, axes),
            aligned(build, a, axes),
            aligned(build, b, axes),
          ),
          axes,
        };
  const picked = pick(yes, no);
  if (yes.present === undefined && no.present === undefined) return picked;
  const everywhere = scalar(build.graph.constant(1, "bool"));
  return { ...picked, present: pick(yes.present ?? everywhere, no.present ?? everywhere) };
}
