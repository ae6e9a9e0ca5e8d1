/**
 * The law that a loss of several views is given views that differ: they are drawn by the data set's augmentation, and
 * without one, or with one that leaves every image as it is, a warning says so. Held for each loss of a model. Pure.
 */
import { equalViews } from "../../diagnostics/codes/laws.ts";
import type { DataPlan, PrimitiveUse } from "../../plan/plan.ts";
import type { LossInstance } from "../../resolve/values.ts";
import type { CheckContext } from "../context.ts";
import { numberOf } from "../primitive_use.ts";

export function checkViews(instance: LossInstance, data: DataPlan | undefined, context: CheckContext): void {
  const { views, name } = instance.declaration;
  if (views === undefined || views.length < 2 || data === undefined) return;
  if (data.augment.some((transform) => mayChange(transform, data))) return;
  context.diagnostics.report(
    equalViews,
    instance.span,
    { loss: name.text, data: data.name, augmented: data.augment.length > 0 },
    {
      related: data.augment.map(({ span }) => ({ span, label: "leaves every image as it is" })),
    },
  );
}

/** Whether a transform changes some images of the data set. */
function mayChange(transform: PrimitiveUse, { image: [, width] }: DataPlan): boolean {
  if (transform.name === "affine")
    return ["rotate", "scale", "shift"].some((bound) => numberOf(transform, bound) !== 0);
  return transform.name !== "flip" || width > 1;
}
