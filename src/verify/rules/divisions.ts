/**
 * The law that no formula divides by zero once its arguments are in place: a divisor that folds to 0, wherever the
 * value or a state may come from it. What a mask or a condition that never holds takes out is not divided. Pure.
 */
import { divisionByZero } from "../../diagnostics/codes/formula.ts";
import { constantOf, type Node } from "../../ir/graph.ts";
import { rootsOf } from "../../ir/lower/loss.ts";
import { oneLine } from "../../resolve/describe.ts";
import { textOf, type Span } from "../../source/source.ts";
import type { LossSubject, Subject } from "../subject.ts";

export function checkDivisions({ losses, diagnostics }: Subject): void {
  for (const loss of losses) {
    const { instance, span: entry } = loss.plan;
    for (const place of divisionsByZero(loss)) {
      const inSpec = place.file === entry.file;
      diagnostics.report(
        divisionByZero,
        inSpec ? place : instance.span,
        { formula: oneLine(textOf(place)), loss: instance.declaration.name.text },
        {
          related: [
            inSpec
              ? { span: instance.span, label: "used here" }
              : { span: place, label: "this part of its formula" },
          ],
        },
      );
    }
  }
}

/** Where the innermost expressions stand that hold a division by 0. */
function divisionsByZero({ plan, lowered }: LossSubject): Span[] {
  const places: Span[] = [];
  const seen = new Set<Node>();
  const body = plan.instance.declaration.body.span;
  const open = rootsOf(lowered).map((node) => ({ node, around: body }));
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { node } = next;
    if (seen.has(node)) continue;
    seen.add(node);
    const around = lowered.origins.get(node)?.[0] ?? next.around;
    if (dividesByZero(node)) places.push(around);
    for (const input of taken(node)) open.push({ node: input, around });
  }
  return places;
}

function dividesByZero({ operation, inputs }: Node): boolean {
  const [first, second] = inputs.map(constant);
  if (operation.kind === "div") return second === 0;
  return operation.kind === "pow" && first === 0 && second !== undefined && second < 0;
}

/** The inputs whose values a node can take. */
function taken({ operation, inputs }: Node): readonly Node[] {
  const [first, second, third] = inputs;
  if (operation.kind === "select" && neverHolds(first!)) return [third!];
  if (operation.kind === "reduce" && second !== undefined && neverHolds(second)) return [second];
  return inputs;
}

function neverHolds(condition: Node): boolean {
  if (condition.type !== "bool") return false;
  const { operation, inputs } = condition;
  if (operation.kind === "and") return inputs.some(neverHolds);
  if (operation.kind === "or") return inputs.every(neverHolds);
  return constant(condition) === 0;
}

function constant(node: Node): number | undefined {
  return node.operation.kind === "view" ? constant(node.inputs[0]!) : constantOf(node);
}
