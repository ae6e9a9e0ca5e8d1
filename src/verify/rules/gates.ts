/**
 * The law of strategies that weigh each sample (`needs per_sample`): every loss below one must be a mean over samples,
 * and every strategy between them a weighted sum. Pure.
 */
import { notPerSample } from "../../diagnostics/codes/laws.ts";
import type { CombinePlan } from "../../plan/plan.ts";
import { oneLine } from "../../resolve/describe.ts";
import { textOf } from "../../source/source.ts";
import type { Reduction } from "../../syntax/ast.ts";
import { granularityOf, type Granularity } from "../granularity.ts";
import type { Subject } from "../subject.ts";

type Strategy = Extract<CombinePlan, { kind: "strategy" }>;

/** Strategies whose value is a weighted sum of their operands, of which each sample has its share. */
const WEIGHTED_SUMS: ReadonlySet<string> = new Set(["equal", "learned", "hierarchical", "gated", "soft_min"]);

/** Whether a node passes on the shares that its operands have. */
export function hasShares(node: CombinePlan): boolean {
  return node.kind !== "strategy" || WEIGHTED_SUMS.has(node.name);
}

export function checkGates({ plan, losses, diagnostics }: Subject): void {
  const below = (node: CombinePlan, gate: Strategy): void => {
    const related = [{ span: gate.span, label: "weighs each sample" }];
    if (node.kind === "sum") for (const term of node.terms) below(term.node, gate);
    if (node.kind === "strategy") {
      if (hasShares(node)) for (const operand of node.operands) below(operand.node, gate);
      else
        diagnostics.report(
          notPerSample,
          node.span,
          {
            strategy: gate.name,
            operand: node.name,
            kind: "strategy",
            why: "its value is no weighted sum of its operands",
          },
          { related },
        );
    }
    if (node.kind !== "loss") return;
    const loss = losses.find((each) => each.plan.name === node.name);
    if (loss === undefined) return;
    const { instance } = loss.plan;
    const found = granularityOf(instance, loss.head.dim);
    if (found.kind === "sample") return;
    const { reduction, kind } = found;
    diagnostics.report(
      notPerSample,
      node.span,
      {
        strategy: gate.name,
        operand: node.name,
        kind,
        why: reasonAgainstShares(found),
      },
      {
        related: [
          ...related,
          ...(reduction === undefined ? [] : [{ span: reduction.opSpan, label: "this reduction" }]),
        ],
      },
    );
  };
  const visit = (node: CombinePlan): void => {
    if (node.kind === "sum") for (const term of node.terms) visit(term.node);
    if (node.kind !== "strategy") return;
    const isGate = node.needs.includes("per_sample");
    for (const operand of node.operands) (isGate ? below : visit)(operand.node, node);
  };
  visit(plan.combine);
}

/** Why no sample has a share of its own in a loss. */
export function reasonAgainstShares(found: Exclude<Granularity, { kind: "sample" }>): string {
  const { reduction, kind } = found;
  if (reduction === undefined) return "its value depends on the whole batch at once";
  return `\`${headOf(reduction)}\` ${kind === "class" ? "adds up over classes" : "is not added up over samples"}`;
}

/** `mean[k in classes]`: the reduction without its guards and body. */
function headOf({ op, indices }: Reduction): string {
  return `${op}[${indices.map(({ span }) => oneLine(textOf(span))).join(", ")}]`;
}
