/**
 * The pass `stack`, its part on the heads: which of them are one product [features, K * d]. Heads of one shape read the
 * same features through a linear map of the same width and the same layers after it, none of which has parameters.
 * Called by `program.ts`; pure.
 */
import { isSurgery, measuresGradients, strategiesIn } from "../../plan/combination.ts";
import type { CombinePlan, HeadPlan, LayerPlan } from "../../plan/plan.ts";
import { oneLine } from "../../resolve/describe.ts";
import { textOf } from "../../source/source.ts";

/** Layers without parameters that treat the embeddings of each head by themselves. */
const AFTER: ReadonlySet<string> = new Set(["normalize", "relu", "leaky_relu", "sigmoid", "tanh"]);

/** The heads in groups of one shape, each at the place of its first. */
export function headsOfOneShape(heads: readonly HeadPlan[]): HeadPlan[][] {
  const groups = new Map<string, HeadPlan[]>();
  for (const head of heads) {
    const shape = shapeOf(head) ?? `itself ${head.name}`;
    groups.set(shape, [...(groups.get(shape) ?? []), head]);
  }
  return [...groups.values()];
}

function shapeOf({ layers, dim }: HeadPlan): string | undefined {
  const [first, ...rest] = layers;
  const stackable = first !== undefined && isLayer(first, "linear") && rest.every((layer) => isAfter(layer));
  return stackable
    ? `linear ${dim} ${rest.map(({ span }) => oneLine(textOf(span))).join(" |> ")}`
    : undefined;
}

const isLayer = (layer: LayerPlan, name: string): boolean => layer.kind === "layer" && layer.name === name;
const isAfter = (layer: LayerPlan): boolean => layer.kind === "layer" && AFTER.has(layer.name);

/**
 * Whether a combination asks for the gradients of its losses one by one. Through a stacked product every loss reaches
 * every head of the stack, with zeros: those gradients would be of other parameters, and no cheaper.
 */
export function separatesGradients(combine: CombinePlan): boolean {
  return strategiesIn(combine).some((strategy) => isSurgery(strategy) || measuresGradients(strategy));
}
