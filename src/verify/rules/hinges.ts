/**
 * The law that a margin can be met and can be missed: on the head of its loss, the argument of a hinge must be able to
 * be positive, and able not to be. Weights that carry no gradient are no hinges. Pure.
 */
import { hingeAlwaysActive, hingeNeverActive } from "../../diagnostics/codes/laws.ts";
import type { Interval } from "../../ir/analysis/intervals.ts";
import { constantOf, type Node } from "../../ir/graph.ts";
import { formatNumber, oneLine } from "../../resolve/describe.ts";
import { textOf, type Span } from "../../source/source.ts";
import type { LossSubject, Subject } from "../subject.ts";
import { argumentOf } from "./arguments.ts";
import { usableRange } from "./usable_range.ts";

/** relu, max(·, 0) or mean_active: what must exceed the threshold, and where it stands. */
interface Hinge {
  readonly node: Node;
  readonly argument: Node;
  readonly threshold: number;
  /** Whether it does more than relu: a mean over all that is active, which may well be always all. */
  readonly counts: boolean;
}

type Fault = "never" | "always";

export function checkHinges(subject: Subject): void {
  for (const loss of subject.losses) for (const hinge of hingesOf(loss)) checkHinge(hinge, loss, subject);
}

function checkHinge(hinge: Hinge, loss: LossSubject, { plan, diagnostics }: Subject): void {
  const fault = faultOf(hinge, loss);
  const place = loss.lowered.origins.get(hinge.node)?.[0];
  if (fault === undefined || place === undefined) return;
  const sound = (other: LossSubject): boolean =>
    hingesOf(other).every((each) => !isAt(other, each.node, place) || faultOf(each, other) === undefined);
  const range = usableRange(plan, loss.plan, sound);
  const instance = range?.instance ?? loss.plan.instance;
  const written = range === undefined ? undefined : argumentOf(plan.declaration, instance, range.parameter);
  const args = {
    loss: instance.declaration.name.text,
    head: loss.head.name,
    ...(range === undefined ? {} : { parameter: range.parameter, given: range.given, usable: range.usable }),
    bounds: describeBounds(hinge, loss, place),
  };
  diagnostics.report(
    fault === "never" ? hingeNeverActive : hingeAlwaysActive,
    written?.value.span ?? instance.span,
    args,
    { related: [{ span: place, label: fault === "never" ? "always 0" : "never switched off" }] },
  );
}

function faultOf({ argument, threshold, counts }: Hinge, { bounds }: LossSubject): Fault | undefined {
  const { low, high } = bounds.get(argument)!.value;
  if (high <= threshold) return "never";
  return low > threshold && !counts ? "always" : undefined;
}

function isAt({ lowered }: LossSubject, node: Node, place: Span): boolean {
  const origin = lowered.origins.get(node)?.[0];
  return origin !== undefined && origin.file === place.file && origin.start === place.start;
}

/** The hinges that a gradient can flow through. */
function hingesOf({ lowered }: LossSubject): Hinge[] {
  const found: Hinge[] = [];
  const seen = new Set<Node>();
  const open = [lowered.value];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (seen.has(node) || !node.differentiable) continue;
    seen.add(node);
    open.push(...node.inputs);
    const { operation, inputs } = node;
    const [first, second] = inputs as [Node, Node | undefined];
    if (operation.kind === "relu") found.push({ node, argument: first, threshold: 0, counts: false });
    if (operation.kind === "reduce" && operation.op === "mean_active")
      found.push({ node, argument: first, threshold: 0, counts: true });
    if (operation.kind === "max")
      for (const [argument, other] of [[first, second!] as const, [second!, first] as const]) {
        const threshold = constantOf(other);
        if (threshold !== undefined) found.push({ node, argument, threshold, counts: false });
      }
  }
  return found.sort((a, b) => a.node.id - b.node.id);
}

/** "`margin - d(i, j)` lies between 1 and 3 on unit vectors, since `d(i, j)` lies between 0 and 2" */
function describeBounds({ argument }: Hinge, loss: LossSubject, place: Span): string {
  const { bounds, head } = loss;
  const own = expressionOf(argument, loss, place);
  const parts = [...new Set(operandsOf(argument))].flatMap((part) => {
    const text = expressionOf(part, loss, place);
    const value = bounds.get(part)!.value;
    const known = Number.isFinite(value.low) || Number.isFinite(value.high);
    return text === undefined || text === own || !known ? [] : [`\`${text}\` ${lies(value)}`];
  });
  const what = own === undefined ? "Its argument" : `\`${own}\``;
  const since = parts.length === 0 ? "" : `, since ${parts.join(" and ")}`;
  return `${what} ${lies(bounds.get(argument)!.value)} on ${head.unit ? "unit vectors" : "vectors of any length"}${since}`;
}

/** The operands of a sum, constants aside. */
function operandsOf(node: Node): Node[] {
  const inner = node.operation.kind === "view" ? node.inputs[0]! : node;
  if (["add", "sub", "neg"].includes(inner.operation.kind)) return inner.inputs.flatMap(operandsOf);
  return constantOf(inner) === undefined ? [inner] : [];
}

/** The text of the widest expression within the hinge that came to a node, else of one beside it. */
function expressionOf(node: Node, { lowered }: LossSubject, place: Span): string | undefined {
  const near = lowered.origins.get(node)?.filter(({ file }) => file === place.file) ?? [];
  const inside = near
    .filter(({ start, end }) => start >= place.start && end <= place.end)
    .filter(({ start, end }) => end - start < place.end - place.start)
    .sort((a, b) => b.end - b.start - (a.end - a.start));
  const chosen = inside[0] ?? near.at(-1);
  return chosen === undefined ? undefined : oneLine(textOf(chosen));
}

function lies({ low, high }: Interval): string {
  const shown = (value: number): string => formatNumber(Number(value.toFixed(6)));
  if (low === high) return `is ${shown(low)}`;
  if (low === -Infinity) return `is at most ${shown(high)}`;
  return high === Infinity ? `is at least ${shown(low)}` : `lies between ${shown(low)} and ${shown(high)}`;
}
