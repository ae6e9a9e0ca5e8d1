/** A loss on the class vectors of another that asks for samples there: found by lowering. */
import { samplesNeeded } from "../../diagnostics/codes/laws.ts";
import type { Diagnostics } from "../../diagnostics/diagnostic.ts";
import type { SamplesError } from "../../ir/lower/environment.ts";
import type { LossPlan } from "../../plan/plan.ts";

export function reportSamplesNeeded(loss: LossPlan, error: SamplesError, diagnostics: Diagnostics): void {
  diagnostics.report(
    samplesNeeded,
    loss.instance.span,
    { what: `${error.what} of a loss within \`${loss.instance.declaration.name.text}\`` },
    { related: [{ span: error.span, label: "this index is of no samples" }] },
  );
}
