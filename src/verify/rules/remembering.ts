/**
 * The law of memories: a loss against one must have an index that runs over it. What keeps its indices in the batch by
 * an order is warned of; a loss that has none to begin with is an error. Pure.
 */
import { memoryOutOfPlace, memoryWithheld } from "../../diagnostics/codes/laws.ts";
import type { Subject } from "../subject.ts";

export function checkRemembering({ losses, diagnostics }: Subject): void {
  for (const { plan, lowered } of losses) {
    if (plan.memory === undefined || lowered.memory === undefined || lowered.memory.reached) continue;
    const loss = plan.instance.declaration.name.text;
    if (lowered.memory.withheld) diagnostics.report(memoryWithheld, plan.memory.span, { loss });
    else diagnostics.report(memoryOutOfPlace, plan.memory.span, { loss, views: false });
  }
}
