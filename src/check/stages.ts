/**
 * Laws of single stages: the input a layer takes, sizes that can be computed with, and the projection of a residual's
 * shortcut. Used by `pipeline.ts`.
 */
import { budgetExceeded, layerInput } from "../diagnostics/codes/check.ts";
import type { Diagnostics } from "../diagnostics/diagnostic.ts";
import type { Shape } from "../plan/plan.ts";
import { formatNumber, writeType } from "../resolve/describe.ts";
import { calleeOf, type Use } from "../resolve/use.ts";
import type { Values } from "../resolve/values.ts";
import type { TypeExpression } from "../syntax/ast.ts";
import { layerParameters } from "../types/layer_shapes.ts";
import { describeShape, isImage, isVector, sizeOf } from "../types/shapes.ts";
import { budgets } from "./context.ts";

/** Whether a layer's output and its parameters are of a size that can be computed with. */
export function withinBudget(
  use: Use,
  input: Shape,
  output: Shape,
  values: Values,
  diagnostics: Diagnostics,
): boolean {
  const { text } = calleeOf(use);
  const checks: [string, number, number][] = [
    ["numbers for each sample", sizeOf(output) ?? 0, budgets.features],
    ["parameters", layerParameters(text, input, output, values), budgets.parameters],
  ];
  const broken = checks.find(([, count, limit]) => count > limit);
  if (broken === undefined) return true;
  const [what, count, limit] = broken;
  diagnostics.report(budgetExceeded, use.span, {
    what: `\`${text}\` has ${formatNumber(count)} ${what}`,
    limit: formatNumber(limit),
    help: "Make it smaller, or pool before it.",
  });
  return false;
}

/** Reports a stage whose input is not of the shape it takes. */
export function reportInput(
  use: Use,
  type: TypeExpression | undefined,
  input: Shape,
  diagnostics: Diagnostics,
): void {
  const wantsVector = type?.name.text === "vector";
  const help =
    wantsVector && isImage(input)
      ? "Make it a vector first: `linear(64)`, `global_avg_pool` or `flatten`."
      : !wantsVector && isVector(input)
        ? "Put this stage before the first `linear`, `flatten` or global pooling."
        : undefined;
  diagnostics.report(layerInput, use.span, {
    layer: calleeOf(use).text,
    given: describeShape(input),
    needed: wantsVector ? "a vector" : type === undefined ? "something else" : `\`${writeType(type)}\``,
    ...(help === undefined ? {} : { help }),
  });
}

/** The stride with which `same` padding leads from one image's sides to the other's. */
export function projectionStride(input: Shape, output: Shape): number | undefined {
  if (!isImage(input) || !isImage(output)) return undefined;
  const [h, w] = input;
  const [oh, ow] = output;
  if (h === undefined || w === undefined || oh === undefined || ow === undefined) return undefined;
  for (let stride = Math.max(1, Math.floor(h / oh)); stride <= Math.ceil(h / Math.max(1, oh - 1)); stride++)
    if (Math.ceil(h / stride) === oh && Math.ceil(w / stride) === ow) return stride;
  return undefined;
}
