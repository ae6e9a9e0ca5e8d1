/**
 * Laws of whole combinations, on the plan: gradients that can be told apart and measured, as many gates kept as there are,
 * heads that can be compared, one law for the weight of a head. Called when a model's plan is whole. Pure.
 */
import { malformedCombination, selectWithoutValidation } from "../../diagnostics/codes/check.ts";
import { inseparableGradients } from "../../diagnostics/codes/laws.ts";
import type { Diagnostics } from "../../diagnostics/diagnostic.ts";
import {
  isFitted,
  isSurgery,
  lossesBelow,
  measuresGradients,
  operandsOf,
  strategiesIn,
  wordOf,
} from "../../plan/combination.ts";
import type { StrategyPlan as Strategy } from "../../plan/combination.ts";
import type { CombinePlan, ModelPlan } from "../../plan/plan.ts";
import type { Values } from "../../resolve/values.ts";

export function checkCombination(plan: ModelPlan, diagnostics: Diagnostics): void {
  const visit = (node: CombinePlan, surgery: Strategy | undefined): void => {
    let inside = surgery;
    if (node.kind === "strategy") {
      if (isSurgery(node)) {
        if (surgery !== undefined)
          diagnostics.report(
            inseparableGradients,
            node.span,
            { inner: node.name, outer: surgery.name },
            { related: [{ span: surgery.span, label: "asks for the gradient of each operand" }] },
          );
        inside = node;
      }
      checkTop(node, diagnostics);
      checkMeasured(node, diagnostics);
      if (node.name === "wedl") checkWidths(node, plan, diagnostics);
    }
    for (const operand of operandsOf(node)) visit(operand, inside);
  };
  visit(plan.combine, undefined);
  checkInference(plan, diagnostics);
}

/** `top: 5` of three losses. */
function checkTop({ name, values, operands, span }: Strategy, diagnostics: Diagnostics): void {
  const top = numberIn(values, "top");
  if (top === undefined || top <= operands.length) return;
  diagnostics.report(malformedCombination, span, {
    what: `\`${name}\` should keep ${top} of ${operands.length} ${operands.length === 1 ? "gate" : "gates"}`,
    why: "There is one gate an operand.",
    help: `Write \`top: ${operands.length}\` or less, or leave it out to keep all.`,
  });
}

/** A norm can be taken of a gradient that is there before the backward pass; surgery makes its own in it. */
function checkMeasured(node: Strategy, diagnostics: Diagnostics): void {
  if (!measuresGradients(node)) return;
  for (const operand of node.operands) {
    const surgery = strategiesIn(operand.node).find(isSurgery);
    if (surgery === undefined) continue;
    diagnostics.report(
      malformedCombination,
      surgery.span,
      {
        what: `\`scale: gradient_norm\` of \`${node.name}\` would measure a gradient that \`${surgery.name}\` has yet to make`,
        why: `The scale is the norm of the gradient of what is combined; \`${surgery.name}\` puts its gradient together later, in the backward pass, and it is not the one of its value.`,
        help: `Write \`scale: running_mean\`, or turn it round: \`${surgery.name}(${node.name}(…, scale: gradient_norm), …)\`.`,
      },
      { related: [{ span: node.span, label: "divides by the norms of gradients" }] },
    );
  }
}

/** Strategies that decide themselves on the weights of the heads below them. */
const DECIDING: ReadonlySet<string> = new Set(["gated", "soft_min", "wedl"]);

/** `inference: fit(validation)` is about all heads at once, and needs classes to be fitted on. */
function checkInference({ combine, data }: ModelPlan, diagnostics: Diagnostics): void {
  const strategies = strategiesIn(combine);
  for (const node of strategies) {
    if (!isFitted(node)) continue;
    const validation = numberIn(data.split.values, "validation") ?? 0;
    if (!(validation > 0))
      diagnostics.report(
        selectWithoutValidation,
        node.span,
        { selection: "inference: fit(validation)" },
        { related: [{ span: data.split.span, label: "the split" }] },
      );
    if (node !== combine)
      diagnostics.report(malformedCombination, node.span, {
        what: `\`${node.name}\` should fit the heads' weights, but it is only a part of the combination`,
        why: "The weights are fitted to distances of the whole ensemble, all heads together.",
        help: "Write `inference: fit(validation)` on the outermost strategy.",
      });
  }
  if (!isFitted(combine)) return;
  const decides = (node: Strategy): boolean =>
    DECIDING.has(node.name) || wordOf(node, "inference") === "sqrt_weights";
  for (const node of strategies.filter(decides))
    diagnostics.report(
      malformedCombination,
      node.span,
      {
        what: `\`${combine.name}\` fits the weight of each head, and \`${node.name}\` decides on the weights of its own`,
        why: "A head has one weight in the ensemble's embedding.",
        help: DECIDING.has(node.name)
          ? "Remove `inference: fit(validation)`."
          : "Remove one of the two `inference` settings.",
      },
      { related: [{ span: combine.span, label: "fits all heads" }] },
    );
}

/** `wedl` compares the embeddings of different heads number by number. */
function checkWidths(node: Strategy, { heads }: ModelPlan, diagnostics: Diagnostics): void {
  const names = new Set(lossesBelow(node));
  const own = heads.filter((head) => head.losses.some((loss) => names.has(loss)));
  const [first] = own;
  const other = own.find((head) => head.dim !== first?.dim);
  if (first === undefined || other === undefined) return;
  diagnostics.report(malformedCombination, node.span, {
    what: `\`wedl\` compares heads, but \`${first.name}\` has ${first.dim} numbers and \`${other.name}\` ${other.dim}`,
    why: "Its diversity term is the distance between the embeddings that two heads give to one sample.",
    help: "Give all heads below it the same width.",
  });
}

function numberIn(values: Values, name: string): number | undefined {
  const value = values.get(name);
  return value?.kind === "number" ? value.value : undefined;
}
