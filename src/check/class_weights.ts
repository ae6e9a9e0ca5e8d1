/**
 * `class_weights: KIND { LOSS: KIND }` of a model's `train`: how each loss is weighed by class. Called by `train.ts`. Pure.
 */
import { unknownSetting } from "../diagnostics/codes/check.ts";
import { closest } from "../diagnostics/did_you_mean.ts";
import type { ClassWeights } from "../plan/plan.ts";
import type { Expression } from "../syntax/ast.ts";
import type { CheckContext } from "./context.ts";
import type { CheckedLoss } from "./losses.ts";
import { primitiveUse } from "./primitive_use.ts";
import { uniqueEntries } from "./settings.ts";

/** The weights of each loss that has some, by name; `undefined` after reporting. */
export function checkClassWeights(
  value: Expression | undefined,
  losses: readonly CheckedLoss[],
  context: CheckContext,
): ReadonlyMap<string, ClassWeights> | undefined {
  const weights = new Map<string, ClassWeights>();
  if (value === undefined) return weights;
  const kindOf = (expression: Expression, allowBlock: boolean): ClassWeights | "none" | undefined =>
    primitiveUse(expression, "class_weights", context, { allowBlock })?.name as
      ClassWeights | "none" | undefined;
  const all = kindOf(value, true);
  const names = losses.map(({ name }) => name);
  let sound = all !== undefined;
  for (const name of names) if (all !== undefined && all !== "none") weights.set(name, all);
  const block = value.kind === "Call" ? value.block : undefined;
  for (const { name, value: own } of uniqueEntries(block, "losses", context.diagnostics)) {
    if (!names.includes(name.text)) {
      sound = false;
      const suggestion = closest(name.text, names);
      context.diagnostics.report(unknownSetting, name.span, {
        name: name.text,
        where: "`class_weights`",
        known: names,
        ...(suggestion === undefined ? {} : { suggestion }),
      });
      continue;
    }
    const kind = own === undefined ? undefined : kindOf(own, false);
    if (kind === undefined) sound = false;
    else if (kind === "none") weights.delete(name.text);
    else weights.set(name.text, kind);
  }
  return sound ? weights : undefined;
}
