/**
 * The law that what is trained is reached: from the value of a loss a gradient must flow to each of its trained
 * parameters, and to the embeddings of its head. Pure.
 */
import { unreachedByGradient } from "../../diagnostics/codes/laws.ts";
import type { Node } from "../../ir/graph.ts";
import type { Subject } from "../subject.ts";

export function checkReached({ losses, diagnostics }: Subject): void {
  for (const { plan, head, lowered } of losses) {
    const reached = leavesReached(lowered.value);
    const { name: loss } = plan.instance.declaration;
    const report = (what: string): void =>
      diagnostics.report(unreachedByGradient, plan.instance.span, { loss: loss.text, what });
    for (const { name, train } of lowered.parameters)
      if (train && !reached.has(name)) report(`its parameter \`${name.split("/").at(-1)}\``);
    if (!reached.has(head.name)) report(`the head \`${head.name}\``);
  }
}

/** Names of the inputs and parameters that a gradient of the value reaches. */
function leavesReached(value: Node): ReadonlySet<string> {
  const names = new Set<string>();
  const seen = new Set<Node>();
  const open = [value];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (seen.has(node) || !node.differentiable) continue;
    seen.add(node);
    open.push(...node.inputs);
    const { operation } = node;
    if (operation.kind === "input" || operation.kind === "param") names.add(operation.name);
  }
  return names;
}
