/**
 * The law of what a strategy needs of the values it combines (`needs non_negative`, `needs positive`): proven by
 * intervals it is silent, disproven by a batch on which it fails it is an error, otherwise a warning. Pure.
 */
import { needBroken, needUnproven } from "../../diagnostics/codes/laws.ts";
import type { Interval } from "../../ir/analysis/intervals.ts";
import type { CombinePlan } from "../../plan/plan.ts";
import { formatNumber } from "../../resolve/describe.ts";
import type { Span } from "../../source/source.ts";
import { valueOf } from "../combination_values.ts";
import type { LossSubject, Subject } from "../subject.ts";
import { hasShares } from "./gates.ts";
import { witness } from "../witness.ts";

type Need = "non_negative" | "positive";
type Strategy = Extract<CombinePlan, { kind: "strategy" }>;

export function checkStrategyNeeds(subject: Subject): void {
  const visit = (node: CombinePlan): void => {
    if (node.kind === "sum") for (const term of node.terms) visit(term.node);
    if (node.kind !== "strategy") return;
    const need = needOf(node);
    for (const operand of node.operands) {
      if (need !== undefined) checkOperand(operand.node, operand.name, need, node, subject);
      visit(operand.node);
    }
  };
  visit(subject.plan.combine);
}

/** A scale of `none` measures nothing, a norm of gradients is never negative; a floor bounds what the formula itself does not. */
function needOf({ needs, values }: Strategy): Need | undefined {
  const scale = values.get("scale");
  const floor = values.get("floor");
  if (needs.includes("positive"))
    return floor?.kind === "number" && floor.value > 0 ? "non_negative" : "positive";
  const bySign = !(scale?.kind === "word" && ["none", "gradient_norm"].includes(scale.value));
  return needs.includes("non_negative") && bySign ? "non_negative" : undefined;
}

function checkOperand(
  node: CombinePlan,
  name: string,
  need: Need,
  strategy: Strategy,
  { losses, diagnostics }: Subject,
): void {
  // What has no share of each sample has been refused.
  if (strategy.needs.includes("per_sample") && !hasShares(node)) return;
  const bounds = valueOf(node, losses);
  if (bounds === undefined || holds(need, bounds)) return;
  const loss = node.kind === "loss" ? losses.find(({ plan }) => plan.name === node.name) : undefined;
  const found = loss === undefined ? undefined : brokenBy(need, loss);
  const args = {
    strategy: strategy.name,
    operand: name,
    need,
    floor: strategy.values.has("floor"),
    isLoss: loss !== undefined,
  };
  const related = loss === undefined ? {} : { related: [{ span: loss.plan.span, label: "the loss" }] };
  const place: Span = node.span;
  if (found !== undefined) diagnostics.report(needBroken, place, { ...args, found }, related);
  else if (need === "positive" ? bounds.high <= 0 : bounds.high < 0)
    diagnostics.report(
      needBroken,
      place,
      { ...args, found: `is at most ${formatNumber(bounds.high)}` },
      related,
    );
  else diagnostics.report(needUnproven, place, { ...args, bounds: describe(bounds) }, related);
}

const holds = (need: Need, { low }: Interval): boolean => (need === "positive" ? low > 0 : low >= 0);

/** What a loss is on a batch that breaks the need, in words; undefined where none was found. */
function brokenBy(need: Need, loss: LossSubject): string | undefined {
  const found = witness(loss, (value) => (need === "positive" ? value <= 0 : value < 0));
  if (found === undefined) return undefined;
  return found.value === 0
    ? `is exactly 0 on ${found.batch}`
    : `is ${formatNumber(Number(found.value.toPrecision(3)))} on ${found.batch}`;
}

function describe({ low, high }: Interval): string {
  if (low === -Infinity)
    return high === Infinity ? "nothing bounds it" : `it is at most ${formatNumber(high)}`;
  const from = formatNumber(Number(low.toPrecision(4)));
  return high === Infinity
    ? `it is at least ${from}`
    : `it lies between ${from} and ${formatNumber(Number(high.toPrecision(4)))}`;
}
