/**
 * What a loss is a mean over (language.md, "Granularity"): it is per sample if its value is made of reductions whose
 * first index runs over the batch, else per class or per batch, and then a reduction says why. Used by the law on gates
 * and for explanations. Pure.
 */
import { Graph } from "../ir/graph.ts";
import { GranularityError } from "../ir/lower/environment.ts";
import { lowerLoss, type LossInputs } from "../ir/lower/loss.ts";
import { dependsOnBatch } from "../ir/lower/shares.ts";
import type { LossInstance } from "../resolve/values.ts";
import type { Reduction } from "../syntax/ast.ts";

export type Granularity =
  | { readonly kind: "sample" }
  /** `reduction`: the one that is not over samples first, or whose value is not simply added up. */
  | { readonly kind: "class" | "batch"; readonly reduction?: Reduction };

/** Of a loss on embeddings of this width. Throws `LoweringError` for a loss that cannot be lowered at all. */
export function granularityOf(instance: LossInstance, dim: number): Granularity {
  const { name, views = [{ text: "x" }] } = instance.declaration;
  const inputs: LossInputs = {
    path: `losses/${name.text}`,
    views: views.map((view) => ({ name: view.text, dim })),
  };
  try {
    lowerLoss(new Graph(), instance, { ...inputs, shares: true });
    return { kind: "sample" };
  } catch (error) {
    if (!(error instanceof GranularityError)) throw error;
  }
  const { reductions } = lowerLoss(new Graph(), instance, inputs);
  const ofBatch = reductions.filter(({ node }) => dependsOnBatch(node));
  const odd = ofBatch.find(({ over }) => over[0] !== "batch") ?? ofBatch[0];
  const kind = odd?.over[0] === "classes" ? "class" : "batch";
  return odd === undefined ? { kind } : { kind, reduction: odd.expression };
}
