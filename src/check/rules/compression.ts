/**
 * Laws of `compress`, on the plan: an ensemble whose distances one map can keep, a head that can be fitted, settings that
 * go together. Called when a model's plan is whole. Pure.
 */
import { cannotFold, impossibleCompression } from "../../diagnostics/codes/laws.ts";
import type { Diagnostics } from "../../diagnostics/diagnostic.ts";
import { strategiesIn } from "../../plan/combination.ts";
import type { StrategyPlan } from "../../plan/combination.ts";
import { linearPath } from "../../plan/linear_heads.ts";
import type { CombinePlan, ModelPlan } from "../../plan/plan.ts";
import { formatNumber } from "../../resolve/describe.ts";
import type { LossInstance } from "../../resolve/values.ts";
import { walk } from "../../syntax/traverse.ts";

/** Features a regression can be fitted on: it solves a system of as many equations, and time grows with their cube. */
const REGRESSED_FEATURES = 2048;

export function checkCompression(plan: ModelPlan, diagnostics: Diagnostics): void {
  checkFold(plan, diagnostics);
  checkSettings(plan, diagnostics);
}

/** Settings of one compression that ask for what there is not. */
function checkSettings({ compress, heads, backbone }: ModelPlan, diagnostics: Diagnostics): void {
  if (compress === undefined) return;
  const { values, span } = compress;
  const number = (name: string): number => {
    const value = values.get(name);
    return value?.kind === "number" ? value.value : 0;
  };
  const fold = values.get("fold");
  const folds = fold?.kind === "bool" && fold.value;
  const metric = values.get("metric");
  const other = heads.find((head) => linearPath(head) === undefined);
  const refuse = (what: string, why: string, help: string): void =>
    diagnostics.report(impossibleCompression, span, { what, why, help });
  if (number("blend") > 0) {
    if (!folds)
      refuse(
        "`blend` ranks directions by the heads' linear maps, and without `fold: true` the heads are kept",
        "Behind the heads there is nothing to look at but the embeddings of the samples.",
        "Add `fold: true`, or remove `blend`.",
      );
    else if (other !== undefined)
      refuse(
        `\`blend\` ranks directions by the heads' linear maps, and the head \`${other.name}\` is none`,
        "It has other layers than one `linear`, so there is no matrix that says what it would do without data.",
        "Remove `blend`.",
      );
    else if (metric?.kind === "word" && metric.value === "stress")
      refuse(
        "`blend` and `metric: stress` do not go together",
        "Stretching by what is lost is right for directions ranked by the samples alone.",
        "Remove one of them.",
      );
  }
  const distils = compress.name === "distilled";
  if (!folds && !distils) return;
  const features = backbone.output.reduce<number>((product, side) => product * (side ?? 0), 1);
  if (folds && number("to") > features)
    refuse(
      `A linear head of ${formatNumber(features)} features has no ${formatNumber(number("to"))} independent numbers`,
      "The features bound how many directions the folded head can tell apart.",
      `Write \`to: ${formatNumber(features)}\` or less.`,
    );
  if ((distils || other !== undefined) && features > REGRESSED_FEATURES)
    refuse(
      `${distils ? "Distillation starts from a regression" : `The head \`${other!.name}\` is no linear map`}, and one on ${formatNumber(features)} features is too large`,
      `It takes the covariance of the features, ${formatNumber(features)} x ${formatNumber(features)} numbers; at most ${formatNumber(REGRESSED_FEATURES)} features are allowed.`,
      `${distils ? "Write `compress: distances(…)`" : "Remove `fold: true`"}, or end the backbone with \`global_avg_pool\`.`,
    );
}

/** Measures of the standard library that no distance between embeddings can stand for. */
const ASYMMETRIC: ReadonlySet<string> = new Set(["snr"]);

/** A compression keeps the distances of one linear map; a gate is none, and an asymmetric measure no distance. */
function checkFold({ combine, compress, losses }: ModelPlan, diagnostics: Diagnostics): void {
  if (compress === undefined) return;
  for (const { instance } of losses) {
    const measure = asymmetricMeasure(instance);
    if (measure !== undefined)
      diagnostics.report(
        cannotFold,
        compress.span,
        { compression: compress.name, measure },
        { related: [{ span: instance.span, label: `compares by \`${measure}\`` }] },
      );
  }
  const gate = gatesIn(combine)[0];
  if (gate === undefined || compress.name === "distilled") return;
  diagnostics.report(
    cannotFold,
    compress.span,
    { compression: compress.name, gate: gate.name },
    { related: [{ span: gate.span, label: "weighs each sample by itself" }] },
  );
}

/** The measure that a loss compares by and that no distance between embeddings can stand for; undefined where it has none. */
export function asymmetricMeasure({ declaration, parameters }: LossInstance): string | undefined {
  for (const value of parameters.values()) {
    const found =
      value.kind === "loss"
        ? asymmetricMeasure(value)
        : value.kind === "measure" && ASYMMETRIC.has(value.declaration.name.text)
          ? value.declaration.name.text
          : undefined;
    if (found !== undefined) return found;
  }
  let called: string | undefined;
  walk(declaration, {
    enter: (node) => {
      if (node.kind === "Call" && ASYMMETRIC.has(node.callee.text)) called = node.callee.text;
    },
  });
  return called;
}

const gatesIn = (node: CombinePlan): StrategyPlan[] =>
  strategiesIn(node).filter(({ needs }) => needs.includes("per_sample"));
