/**
 * A model's `evaluate { … }` and `compress`: what is measured on the unseen classes, and how the heads become one
 * vector. A metric's value in braces is the argument of its one parameter. Pure.
 */
import { compressTooWide, malformedSetting, unknownSetting } from "../diagnostics/codes/check.ts";
import { wrongArgumentType } from "../diagnostics/codes/resolve.ts";
import { closest } from "../diagnostics/did_you_mean.ts";
import type { EvaluatePlan, HeadPlan, PrimitiveUse } from "../plan/plan.ts";
import { bindArguments } from "../resolve/bind.ts";
import { formatNumber } from "../resolve/describe.ts";
import { signatureOf } from "../resolve/use.ts";
import type { Values } from "../resolve/values.ts";
import type { Block, Call, Entry, Expression } from "../syntax/ast.ts";
import type { CheckContext } from "./context.ts";
import { defaults } from "./defaults.ts";
import { numberOf, primitiveUse } from "./primitive_use.ts";
import { refuseLossParts, uniqueEntries } from "./settings.ts";

/** What is measured, or `undefined` after reporting. */
export function checkEvaluate(block: Block | undefined, context: CheckContext): EvaluatePlan | undefined {
  if (block === undefined) return defaults.evaluate;
  const found = new Map<string, Values>();
  let sound = true;
  for (const entry of uniqueEntries(block, "metrics", context.diagnostics)) {
    const values = checkMetric(entry, context);
    if (values === undefined) sound = false;
    else found.set(entry.name.text, values);
  }
  if (!sound) return undefined;
  const recall = found.get("recall_at")?.get("k");
  const neighbours = found.get("knn_accuracy")?.get("k");
  return {
    recallAt: recall?.kind === "numbers" ? [...new Set(recall.values)].sort((a, b) => a - b) : [],
    mapAtR: found.has("map_at_r"),
    rPrecision: found.has("r_precision"),
    nmi: found.has("nmi"),
    ...(neighbours?.kind === "number" ? { knnAccuracy: neighbours.value } : {}),
  };
}

function checkMetric(entry: Entry, context: CheckContext): Values | undefined {
  const { scope, diagnostics } = context;
  const name = entry.name.text;
  const resolved = scope.lookup("metric", name);
  refuseLossParts(entry, diagnostics);
  if (resolved === undefined) {
    const known = scope.names("metric");
    const suggestion = closest(name, known);
    diagnostics.report(unknownSetting, entry.name.span, {
      name,
      where: "`evaluate`",
      known,
      ...(suggestion === undefined ? {} : { suggestion }),
    });
    return undefined;
  }
  if (entry.block !== undefined) {
    diagnostics.report(malformedSetting, entry.span, {
      what: `\`${name}\``,
      needed: "no braces",
      example: "evaluate { recall_at: [1, 2, 4, 8], map_at_r }",
    });
    return undefined;
  }
  const use: Call = {
    kind: "Call",
    span: entry.span,
    callee: entry.name,
    arguments:
      entry.value === undefined ? [] : [{ kind: "Argument", span: entry.value.span, value: entry.value }],
    parenthesised: true,
  };
  const values = bindArguments(signatureOf(resolved), use, scope, new Map(), diagnostics);
  for (const value of values?.values() ?? []) {
    const numbers = value.kind === "numbers" ? value.values : [];
    const bad = numbers.find((number) => number < 1);
    if (bad === undefined && (value.kind !== "numbers" || numbers.length > 0)) continue;
    diagnostics.report(wrongArgumentType, entry.value?.span ?? entry.span, {
      target: `\`${name}\``,
      given: bad === undefined ? "an empty list" : `a list with ${formatNumber(bad)}`,
      needed: "whole numbers of at least 1",
    });
    return undefined;
  }
  return values;
}

/** The compression, or `undefined` where there is none or it was wrong (and reported). */
export function checkCompress(
  expression: Expression | undefined,
  heads: { readonly heads: readonly HeadPlan[]; readonly whole: boolean },
  context: CheckContext,
): PrimitiveUse | undefined {
  if (expression === undefined) return undefined;
  const use = primitiveUse(expression, "compression", context);
  const to = use === undefined ? undefined : numberOf(use, "to");
  if (use === undefined || to === undefined || !heads.whole) return use;
  const total = heads.heads.reduce((sum, head) => sum + head.dim, 0);
  if (to > total) context.diagnostics.report(compressTooWide, use.span, { to, total });
  return use;
}
