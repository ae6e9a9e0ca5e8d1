/**
 * Shapes against declared types: `image[h, w, c] -> image[_, _, channels]`, `features -> vector[units]`. The input type
 * names sides; the output type may mention them and the parameters, and leaves sides to inference with `_`. Read by
 * the expansion of pipelines, for layers and backbones alike. Pure.
 */
import { Diagnostics } from "../diagnostics/diagnostic.ts";
import type { Shape } from "../plan/plan.ts";
import { evaluateConstant } from "../resolve/evaluate.ts";
import type { Value, Values } from "../resolve/values.ts";
import type { Expression, TypeExpression } from "../syntax/ast.ts";
import { isImage, isVector } from "./shapes.ts";

/**
 * The environment with the sides that the input type names, or `undefined` if the shape is not of this type.
 * `features` is any shape; `image` and `vector` without sides are any of that rank.
 */
export function bindInput(
  type: TypeExpression | undefined,
  input: Shape,
  environment: Values,
): Values | undefined {
  if (type === undefined || type.name.text === "features") return environment;
  if (type.name.text === "image" ? !isImage(input) : !isVector(input)) return undefined;
  const bound = new Map<string, Value>(environment);
  for (const [axis, declared] of (type.axes ?? []).entries()) {
    const side = input[axis];
    if (declared.kind === "Hole" || side === undefined) continue;
    if (declared.kind === "Name" && !bound.has(declared.text))
      bound.set(declared.text, { kind: "number", value: side });
    else if (sideOf(declared, bound) !== side) return undefined;
  }
  return (type.axes ?? []).length > input.length ? undefined : bound;
}

/**
 * The shape an output type declares: `_` taken from what was inferred, `features` wholly so. A side that is neither
 * a constant nor inferred is unknown.
 */
export function outputShape(type: TypeExpression | undefined, inferred: Shape, environment: Values): Shape {
  if (type?.axes === undefined) return inferred;
  return type.axes.map((axis, place) => (axis.kind === "Hole" ? inferred[place] : sideOf(axis, environment)));
}

function sideOf(expression: Expression, environment: Values): number | undefined {
  const value = evaluateConstant(expression, environment, new Diagnostics());
  return value?.kind === "number" ? value.value : undefined;
}
