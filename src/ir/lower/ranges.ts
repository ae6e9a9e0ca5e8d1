/** What an index is said to range over by `in`: `n`, `a..b`, or a list. Called by `reduction.ts` and `forms.ts`. */
import type { Expression } from "../../syntax/ast.ts";
import type { Dim, Node } from "../graph.ts";
import { constantOf, joinedDim } from "../graph.ts";
import type { Context, Environment } from "./environment.ts";
import { LoweringError } from "./environment.ts";

export type StatedDomain =
  | { readonly kind: "range"; readonly from: number; readonly size: Dim }
  | { readonly kind: "list"; readonly values: readonly number[] };

export function statedDomain(context: Context, domain: Expression, environment: Environment): StatedDomain {
  const items = listOf(domain, environment);
  if (items !== undefined)
    return {
      kind: "list",
      values: items.values.map((item) =>
        typeof item === "number" ? item : constantNumber(context, item, items.environment),
      ),
    };
  if (domain.kind !== "Range")
    return { kind: "range", from: 0, size: wholeNumber(context, domain, environment) };
  const from = wholeNumber(context, domain.from, environment);
  const to = wholeNumber(context, domain.to, environment);
  if (typeof from !== "number")
    throw new LoweringError(domain.span, "a range that starts at a size of the data");
  if (from === 0) return { kind: "range", from: 0, size: to };
  if (typeof to !== "number")
    throw new LoweringError(domain.span, "a range from there to a size of the data");
  return { kind: "range", from, size: Math.max(0, to - from) };
}

/** The items of `[1, 2, 4]`, or of a parameter or `let` that is a list. */
function listOf(
  domain: Expression,
  environment: Environment,
): { values: readonly (Expression | number)[]; environment: Environment } | undefined {
  if (domain.kind === "List") return { values: domain.items, environment };
  if (domain.kind !== "Name") return undefined;
  const binding = environment.lookup(domain.text);
  if (binding?.kind === "constant" && binding.value.kind === "numbers")
    return { values: binding.value.values, environment };
  if (binding?.kind === "let" && !binding.declaration.callable && binding.declaration.value.kind === "List")
    return { values: binding.declaration.value.items, environment: binding.environment };
  return undefined;
}

function constantNumber(context: Context, expression: Expression, environment: Environment): number {
  const value = constantOf(context.lower(context, expression, environment).node);
  if (value === undefined)
    throw new LoweringError(expression.span, "a list of numbers not known before training");
  return value;
}

/** A number of elements: a constant, or `batch` or `classes`. */
export function wholeNumber(context: Context, expression: Expression, environment: Environment): Dim {
  const { node } = context.lower(context, expression, environment);
  if (node.operation.kind === "size") return node.operation.dim;
  const both = sumOfSizes(node);
  if (both !== undefined) return both;
  const value = constantOf(node);
  if (value === undefined || !Number.isInteger(value) || value < 0)
    throw new LoweringError(
      expression.span,
      "a range whose length is not a whole number known before training",
    );
  return value;
}

/** `batch + n`: as many as there are samples and n more. */
function sumOfSizes({ operation, inputs }: Node): Dim | undefined {
  const [first, second] = inputs as [Node, Node];
  if (operation.kind !== "add" || first.operation.kind !== "size") return undefined;
  const more = constantOf(second);
  if (more === undefined || !Number.isInteger(more) || more < 0) return undefined;
  return joinedDim(first.operation.dim, more);
}
