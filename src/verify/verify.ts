/**
 * The laws that need the formulas of a model and not only its names: each loss is lowered on its head, and every law
 * looks at the graphs and the bounds of their nodes. Called after a sound plan, in one order. Pure.
 */
import { checkCombination } from "../check/rules/combination.ts";
import { checkCompression } from "../check/rules/compression.ts";
import { notBuiltYet } from "../diagnostics/codes/check.ts";
import { Diagnostics } from "../diagnostics/diagnostic.ts";
import { MinerError, SamplesError, type LoweringError } from "../ir/lower/environment.ts";
import type { LossPlan, ModelPlan } from "../plan/plan.ts";
import { lowerLosses, type Subject } from "./subject.ts";
import { checkDivisions } from "./rules/divisions.ts";
import { checkClassWeights } from "./rules/class_weights.ts";
import { checkGates } from "./rules/gates.ts";
import { checkHinges } from "./rules/hinges.ts";
import { checkMemory } from "./rules/memory.ts";
import { checkReached } from "./rules/reached.ts";
import { checkRemembering } from "./rules/remembering.ts";
import { reportSamplesNeeded } from "./rules/samples.ts";
import { checkStrategyNeeds } from "./rules/strategy_needs.ts";
import { reportTupleMismatch } from "./rules/tuples.ts";

const laws: readonly ((subject: Subject) => void)[] = [
  ({ plan, diagnostics }) => checkCombination(plan, diagnostics),
  ({ plan, diagnostics }) => checkCompression(plan, diagnostics),
  checkDivisions,
  checkHinges,
  checkReached,
  checkGates,
  checkClassWeights,
  checkStrategyNeeds,
  checkMemory,
  checkRemembering,
];

/** Holds a plan against the laws; whether it can be compiled. */
export function verifyModel(plan: ModelPlan, diagnostics: Diagnostics): boolean {
  const own = new Diagnostics();
  const losses = lowerLosses(plan, (loss, error) => reportRefused(loss, error, own));
  for (const law of laws) law({ plan, losses, diagnostics: own });
  for (const each of own.all) diagnostics.add(each);
  return !own.hasErrors;
}

/** What lowering refuses is reported in the spec: at the formula if it stands there, else at the use of the loss. */
export function reportRefused(loss: LossPlan, error: LoweringError, diagnostics: Diagnostics): void {
  if (error instanceof MinerError) return reportTupleMismatch(loss, diagnostics);
  if (error instanceof SamplesError) return reportSamplesNeeded(loss, error, diagnostics);
  const inSpec = error.span.file === loss.span.file;
  const [span, related, label] = inSpec
    ? [error.span, loss.span, "used here"]
    : [loss.instance.span, error.span, "this part of its formula"];
  diagnostics.report(notBuiltYet, span, { thing: error.feature }, { related: [{ span: related, label }] });
}
