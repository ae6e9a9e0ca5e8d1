/**
 * The law of `assumes unit(x)` and `assumes free(x)`: a loss on a head of another geometry than it was made for gets a
 * warning with the fix. Held for each loss of a model, and for losses that a loss applies to its own embeddings. Pure.
 */
import { headGeometry } from "../../diagnostics/codes/laws.ts";
import type { HeadPlan } from "../../plan/plan.ts";
import type { LossInstance } from "../../resolve/values.ts";
import type { Call } from "../../syntax/ast.ts";
import { walk } from "../../syntax/traverse.ts";
import type { CheckContext } from "../context.ts";

export function checkAssumptions(
  instance: LossInstance,
  head: HeadPlan,
  context: CheckContext,
  use = instance.span,
): void {
  for (const assumption of instance.declaration.assumes) {
    if (assumption.kind !== "Call") continue;
    const assumed = assumption.callee.text;
    if (assumed !== (head.unit ? "free" : "unit")) continue;
    context.diagnostics.report(
      headGeometry,
      use,
      { loss: instance.declaration.name.text, head: head.name, assumed },
      { related: [{ span: assumption.span, label: "what it was made for" }] },
    );
    return;
  }
  for (const inner of innerOnOwn(instance)) checkAssumptions(inner, head, context, use);
}

/** The losses among the arguments that the formula applies to the embeddings as they are, `inner(x: x)`. */
function innerOnOwn(instance: LossInstance): LossInstance[] {
  const { declaration, parameters } = instance;
  const views = declaration.views?.map((view) => view.text) ?? ["x"];
  const calls: Call[] = [];
  walk(declaration.body, {
    enter: (node) => {
      if (node.kind === "Call") calls.push(node);
    },
  });
  return calls.flatMap(({ callee, arguments: given }) => {
    const inner = parameters.get(callee.text);
    const own = given.every(({ value }) => value.kind === "Name" && views.includes(value.text));
    return inner?.kind === "loss" && own ? [inner] : [];
  });
}
