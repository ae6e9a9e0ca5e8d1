/** The law of `class_weights`: a loss that is weighed by class must be a mean over samples. Pure. */
import { notWeighedByClass } from "../../diagnostics/codes/laws.ts";
import { granularityOf } from "../granularity.ts";
import type { Subject } from "../subject.ts";
import { reasonAgainstShares } from "./gates.ts";

export function checkClassWeights({ plan, losses, diagnostics }: Subject): void {
  for (const { plan: loss, head } of losses) {
    if (!plan.train.classWeights.has(loss.name)) continue;
    const found = granularityOf(loss.instance, head.dim);
    if (found.kind === "sample") continue;
    const { kind, reduction } = found;
    diagnostics.report(
      notWeighedByClass,
      loss.span,
      { loss: loss.name, kind, why: reasonAgainstShares(found) },
      reduction === undefined ? {} : { related: [{ span: reduction.opSpan, label: "this reduction" }] },
    );
  }
}
