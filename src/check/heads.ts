/**
 * Which heads a model has and which losses read them (language.md, "Heads"): a loss's own `with`, else its group's, else the
 * model's `embedding`, one for each loss unless it is `shared`. A head ends in a vector. Pure.
 */
import { missingSetting, shapeMismatch } from "../diagnostics/codes/check.ts";
import type { HeadPlan, Shape } from "../plan/plan.ts";
import type { Span } from "../source/source.ts";
import type { Expression } from "../syntax/ast.ts";
import { describeShape, isVector } from "../types/shapes.ts";
import type { CheckContext } from "./context.ts";
import { groupHeads } from "./groups.ts";
import type { CheckedLoss } from "./losses.ts";
import { expandPipeline } from "./pipeline.ts";

/** Name of the one head that `embedding: shared …` gives to all losses without a `with`. */
export const sharedHead = "shared";

export interface CheckedHeads {
  /** In the order of the losses that read them first; only whole ones. */
  readonly heads: readonly HeadPlan[];
  /** Name of each loss's head. */
  readonly headOf: ReadonlyMap<string, string>;
  /** Whether every head is sound. */
  readonly whole: boolean;
}

export function checkHeads(
  losses: readonly CheckedLoss[],
  embedding: Expression | undefined,
  combination: Expression | undefined,
  features: Shape | undefined,
  model: { readonly name: string; readonly span: Span },
  context: CheckContext,
): CheckedHeads {
  const ofGroups = groupHeads(
    combination,
    losses.map((loss) => loss.name),
    context.diagnostics,
  );
  const wanted = new Map<string, { pipeline: Expression; losses: string[] }>();
  const headOf = new Map<string, string>();
  let whole = true;
  for (const loss of losses) {
    const group = loss.head === undefined ? ofGroups.get(loss.name) : undefined;
    const fallback = embedding?.kind === "Shared" ? embedding.pipeline : embedding;
    const pipeline = loss.head ?? group?.pipeline ?? fallback;
    if (pipeline === undefined) {
      whole = false;
      const why = `The loss \`${loss.name}\` has no head of its own (\`with …\`), so the model's \`embedding\` says what it compares.`;
      context.diagnostics.report(missingSetting, model.span, {
        where: `The model \`${model.name}\``,
        missing: [{ name: "embedding", why, example: "embedding: linear(64) |> normalize" }],
      });
      continue;
    }
    const shared = loss.head === undefined && embedding?.kind === "Shared";
    const name = group?.name ?? (shared ? sharedHead : loss.name);
    headOf.set(loss.name, name);
    const before = wanted.get(name);
    if (before === undefined) wanted.set(name, { pipeline, losses: [loss.name] });
    else before.losses.push(loss.name);
  }
  const heads: HeadPlan[] = [];
  for (const [name, { pipeline, losses: readers }] of wanted) {
    const { layers, output } = expandPipeline(pipeline, features, `heads/${name}`, context);
    if (output === undefined) whole = false;
    else if (!isVector(output) || output[0] === undefined) {
      whole = false;
      context.diagnostics.report(shapeMismatch, pipeline.span, {
        what: `The head \`${name}\``,
        expected: "a vector",
        found: describeShape(output),
        why: "A loss compares embeddings, and an embedding is a vector. End the head with for example `linear(64) |> normalize`.",
      });
    } else {
      const unit =
        layers.at(-1)?.kind === "layer" && (layers.at(-1) as { name: string }).name === "normalize";
      heads.push({ name, layers, dim: output[0], unit, losses: readers, weight: 1 / wanted.size });
    }
  }
  return { heads, headOf, whole };
}
