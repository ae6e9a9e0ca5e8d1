/**
 * What an index ranges over: stated by `in`, else found from its first use. `x[i]` says batch, `u[t]` the width of u,
 * `w[k, c]` the axes of w, `same(i, j)` batch; a use inside a `let` function counts for the argument given to it.
 */
import type { Expression, IndexBinding } from "../../syntax/ast.ts";
import { isSlot } from "../axes.ts";
import type { Dim } from "../graph.ts";
import { joinedDim } from "../graph.ts";
import type { Context } from "./environment.ts";
import { Environment, LoweringError, NESTING } from "./environment.ts";
import { identityOf } from "./identity.ts";
import { domainOf, samplesOf } from "./memory.ts";

/** Sizes of the sides of a tensor-valued expression that no index has been written for yet; undefined when unknown. */
function sidesOf(
  context: Context,
  expression: Expression,
  environment: Environment,
): readonly Dim[] | undefined {
  switch (expression.kind) {
    case "Name": {
      const binding = environment.lookup(expression.text);
      if (binding?.kind === "value") return binding.value.axes.filter(isSlot).map((axis) => axis.size);
      if (binding?.kind === "let" && !binding.declaration.callable)
        return context
          .lower(context, expression, environment)
          .axes.filter(isSlot)
          .map((axis) => axis.size);
      return undefined;
    }
    case "Index":
      return sidesOf(context, expression.target, environment)?.slice(expression.indices.length);
    case "Call": {
      const [first] = expression.arguments;
      if (first === undefined) return undefined;
      const sides = sidesOf(context, first.value, environment);
      if (expression.callee.text === "concat") return sidesOfBoth(context, expression, environment);
      if (expression.callee.text === "prefix" && sides !== undefined)
        return [...sides.slice(0, -1), constantOf(expression.arguments[1]?.value, environment) ?? Number.NaN];
      return expression.callee.text === "normalize" || expression.callee.text === "stop_gradient"
        ? sides
        : undefined;
    }
    case "Binary":
      return (
        sidesOf(context, expression.left, environment) ?? sidesOf(context, expression.right, environment)
      );
    case "Unary":
      return sidesOf(context, expression.operand, environment);
    default:
      return undefined;
  }
}

/** Sides of two tables, one behind the other. */
function sidesOfBoth(
  context: Context,
  { arguments: [first, second] }: Extract<Expression, { kind: "Call" }>,
  environment: Environment,
): readonly Dim[] | undefined {
  const [above, below] = [first, second].map((each) => each && sidesOf(context, each.value, environment));
  const side =
    above?.[0] === undefined || below?.[0] === undefined ? undefined : joinedDim(above[0], below[0]);
  return side === undefined ? undefined : [side, ...above!.slice(1)];
}

function constantOf(expression: Expression | undefined, environment: Environment): number | undefined {
  if (expression?.kind === "Number") return expression.value;
  const binding = expression?.kind === "Name" ? environment.lookup(expression.text) : undefined;
  return binding?.kind === "constant" && binding.value.kind === "number" ? binding.value.value : undefined;
}

/** Functions of indices of samples. */
const OF_SAMPLES: ReadonlySet<string> = new Set(["same", "differs", "label"]);

const isName = (expression: Expression, name: string): boolean =>
  expression.kind === "Name" && expression.text === name;

/** What the index `name` ranges over, from its uses in `expression`. */
export function domainFromUse(
  context: Context,
  name: string,
  expression: Expression,
  environment: Environment,
): Dim | undefined {
  const within = (inner: Expression): Dim | undefined => domainFromUse(context, name, inner, environment);
  switch (expression.kind) {
    case "Index": {
      const at = expression.indices.findIndex((index) => isName(index, name));
      if (at >= 0) {
        const side = sidesOf(context, expression.target, environment)?.[at];
        if (side !== undefined) return side;
      }
      return first([expression.target, ...expression.indices], within);
    }
    case "Call":
      return fromCall(context, name, expression, environment) ?? first(argumentsOf(expression), within);
    case "Unary":
      return within(expression.operand);
    case "Binary":
      return fromChain(context, name, expression, environment, within);
    case "If":
      return first([expression.condition, expression.then, expression.else], within);
    case "Reduction": {
      const parts = [...expression.guards, ...expression.bodies];
      const again = expression.indices.find((index) => index.name.text === name);
      // `softmax[c]` speaks of the enclosing c; a reduction that binds the name anew hides it.
      if (again !== undefined && !isKeeping(expression.op)) return undefined;
      const inner = new Environment(environment.scope, environment);
      for (const index of expression.indices) hide(inner, index, name);
      return first(parts, (part) => domainFromUse(context, name, part, inner));
    }
    default:
      return undefined;
  }
}

/** Goes down a chain such as a + b + c + … iteratively, the first operand first. */
function fromChain(
  context: Context,
  name: string,
  expression: Extract<Expression, { kind: "Binary" }>,
  environment: Environment,
  within: (inner: Expression) => Dim | undefined,
): Dim | undefined {
  const links = [expression];
  let { left } = expression;
  while (left.kind === "Binary") {
    links.push(left);
    left = left.left;
  }
  let found = within(left);
  for (const link of links.reverse())
    found ??= within(link.right) ?? fromOrder(context, name, link, environment);
  return found;
}

/** Forms that have their value at an enclosing index of the same name. */
const isKeeping = (op: string): boolean => ["softmax", "log_softmax", "solve", "kmeans"].includes(op);

/** An index bound further in is not the tensor of that name outside. */
function hide(environment: Environment, index: IndexBinding, name: string): void {
  if (index.name.text === name) return;
  environment.bind(index.name.text, {
    kind: "index",
    axis: { order: -1, size: Number.NaN, from: 0, name: index.name.text },
  });
}

function first(parts: readonly Expression[], find: (part: Expression) => Dim | undefined): Dim | undefined {
  for (const part of parts) {
    const found = find(part);
    if (found !== undefined) return found;
  }
  return undefined;
}

const argumentsOf = (call: Extract<Expression, { kind: "Call" }>): Expression[] =>
  call.arguments.map((argument) => argument.value);

function fromCall(
  context: Context,
  name: string,
  call: Extract<Expression, { kind: "Call" }>,
  environment: Environment,
): Dim | undefined {
  const at = call.arguments.findIndex((argument) => isName(argument.value, name));
  if (at < 0) return undefined;
  const callee = call.callee.text;
  const binding = environment.lookup(callee);
  if (binding === undefined && OF_SAMPLES.has(callee)) return samplesOf(context);
  if (binding?.kind !== "let") return undefined;
  const { declaration } = binding;
  const inner = new Environment(binding.environment.scope, binding.environment);
  let key = `${at}`;
  declaration.parameters.forEach((parameter, k) => {
    const argument = call.arguments[k]?.value;
    if (k === at || argument?.kind !== "Name") return;
    const bound = environment.lookup(argument.text);
    if (bound === undefined) return;
    inner.bind(parameter.text, bound);
    key += ` ${k}:${identityOf(bound) ?? "?"}`;
  });
  const parameter = declaration.parameters[at]?.text;
  if (parameter === undefined) return undefined;
  const known = context.domains.get(binding) ?? new Map<string, Dim | undefined>();
  context.domains.set(binding, known);
  if (!known.has(key)) {
    if (context.nesting >= NESTING) throw new LoweringError(call.span, "a formula nested this deeply");
    context.nesting++;
    known.set(key, domainFromUse(context, parameter, declaration.value, inner));
    context.nesting--;
  }
  return known.get(key);
}

/** `i < j` and `i == j` put both on one axis. */
function fromOrder(
  context: Context,
  name: string,
  expression: Extract<Expression, { kind: "Binary" }>,
  environment: Environment,
): Dim | undefined {
  if (!["<", "<=", ">", ">=", "==", "!="].includes(expression.op)) return undefined;
  const other = isName(expression.left, name)
    ? expression.right
    : isName(expression.right, name)
      ? expression.left
      : undefined;
  if (other?.kind !== "Name") return undefined;
  const binding = environment.lookup(other.text);
  return binding?.kind === "index" && !Number.isNaN(binding.axis.size)
    ? domainOf(context, binding.axis)
    : undefined;
}
