/**
 * Which values a node of a combination can take, from those of its losses: arithmetic exactly, strategies by what they
 * do to their operands. A loss's declared range (`: real in [0, 1]`) is trusted. Pure.
 */
import { Diagnostics } from "../diagnostics/diagnostic.ts";
import type { Interval } from "../ir/analysis/intervals.ts";
import type { CombinePlan } from "../plan/plan.ts";
import { evaluateConstant } from "../resolve/evaluate.ts";
import type { LossInstance } from "../resolve/values.ts";
import type { Expression } from "../syntax/ast.ts";
import type { LossSubject } from "./subject.ts";

const REAL: Interval = { low: -Infinity, high: Infinity };
const NON_NEGATIVE: Interval = { low: 0, high: Infinity };

/** The bounds of a node; undefined where a loss below it could not be lowered. */
export function valueOf(node: CombinePlan, losses: readonly LossSubject[]): Interval | undefined {
  switch (node.kind) {
    case "loss": {
      const loss = losses.find(({ plan }) => plan.name === node.name);
      return loss === undefined ? undefined : lossValue(loss);
    }
    case "sum":
      return add(
        node.terms.map(({ coefficient, node: inner }) => times(coefficient, valueOf(inner, losses))),
      );
    case "strategy":
      return strategyValue(
        node,
        node.operands.map((operand) => valueOf(operand.node, losses)),
      );
  }
}

function strategyValue(
  { name, values }: Extract<CombinePlan, { kind: "strategy" }>,
  operands: readonly (Interval | undefined)[],
): Interval | undefined {
  const known = operands.filter((each) => each !== undefined);
  if (known.length < operands.length) return undefined;
  const all: Interval = {
    low: Math.min(...known.map(({ low }) => low)),
    high: Math.max(...known.map(({ high }) => high)),
  };
  const scale = values.get("scale");
  switch (name) {
    case "pcgrad":
      return add(known);
    // Each variance adds its logarithm.
    case "uncertainty":
      return REAL;
    case "equal":
    case "learned":
    case "hierarchical":
      if (scale?.kind === "word" && scale.value === "none") return all;
      return all.low >= 0 ? NON_NEGATIVE : REAL;
    default:
      return all.low >= 0 ? NON_NEGATIVE : REAL;
  }
}

/** What the formula can give, within what its header declares. */
export function lossValue({ plan, lowered, bounds }: LossSubject): Interval {
  const value = bounds.get(lowered.value)!.value;
  const declared = declaredRange(plan.instance);
  return { low: Math.max(value.low, declared.low), high: Math.min(value.high, declared.high) };
}

/** `: real in [0, 1]` or `: real >= 0`, with the parameters of this use. */
function declaredRange({ declaration, parameters }: LossInstance): Interval {
  let { low, high } = REAL;
  const number = (expression: Expression): number | undefined => {
    const value = evaluateConstant(expression, parameters, new Diagnostics());
    return value?.kind === "number" ? value.value : undefined;
  };
  for (const refinement of declaration.result?.refinements ?? []) {
    if (refinement.kind === "Interval") {
      low = Math.max(low, number(refinement.low) ?? low);
      high = Math.min(high, number(refinement.high) ?? high);
      continue;
    }
    const limit = number(refinement.value);
    if (limit === undefined) continue;
    // An open bound is the number next to it.
    if (refinement.op.startsWith(">"))
      low = Math.max(low, refinement.op === ">" && limit === 0 ? Number.MIN_VALUE : limit);
    else high = Math.min(high, limit);
  }
  return { low, high };
}

function add(all: readonly (Interval | undefined)[]): Interval | undefined {
  let [low, high] = [0, 0];
  for (const each of all) {
    if (each === undefined) return undefined;
    low += each.low;
    high += each.high;
  }
  return { low, high };
}

/** Coefficients are positive. */
function times(coefficient: number, value: Interval | undefined): Interval | undefined {
  return value && { low: coefficient * value.low, high: coefficient * value.high };
}
