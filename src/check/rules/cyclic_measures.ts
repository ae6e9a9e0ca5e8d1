/**
 * The law that no measure is defined through itself: its formula is expanded where it is used. Reported once for a
 * circle, at the use that closes it.
 */
import { cyclicDefinition } from "../../diagnostics/codes/resolve.ts";
import type { Resolved } from "../../resolve/scope.ts";
import type { Call, MeasureDeclaration } from "../../syntax/ast.ts";
import { walk } from "../../syntax/traverse.ts";
import type { CheckContext } from "../context.ts";

export function checkCyclicMeasure(declaration: MeasureDeclaration, context: CheckContext): void {
  const start: Resolved<"measure"> = { declaration, scope: context.scope };
  const path: Resolved<"measure">[] = [start];
  const done = new Set<MeasureDeclaration>();
  const visit = (at: Resolved<"measure">): Call | undefined => {
    for (const { call, target } of uses(at)) {
      if (target.declaration === declaration) return call;
      if (done.has(target.declaration)) continue;
      done.add(target.declaration);
      path.push(target);
      if (visit(target) !== undefined) return call;
      path.pop();
    }
    return undefined;
  };
  const closing = visit(start);
  if (closing === undefined) return;
  const names = path.map((each) => each.declaration.name.text);
  context.diagnostics.report(cyclicDefinition, closing.callee.span, {
    name: declaration.name.text,
    kind: declaration.polarity,
    chain: [...names, declaration.name.text],
  });
}

/** The measures that a measure's formula calls. */
function uses({ declaration, scope }: Resolved<"measure">): { call: Call; target: Resolved<"measure"> }[] {
  const found: { call: Call; target: Resolved<"measure"> }[] = [];
  walk(declaration.body, {
    enter: (node) => {
      if (node.kind !== "Call") return;
      const target = scope.lookup("measure", node.callee.text);
      if (target !== undefined) found.push({ call: node, target });
    },
  });
  return found;
}
