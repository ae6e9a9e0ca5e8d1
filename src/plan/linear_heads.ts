/** Which heads are one linear map of the backbone's features. Called by the checks and the emission. Pure. */
import type { HeadPlan } from "./plan.ts";

/** The path of the one `linear` that a head is, flattening aside; undefined for any other head. */
export function linearPath({ layers }: HeadPlan): string | undefined {
  const [layer, ...others] = layers.filter((each) => each.kind !== "layer" || each.name !== "flatten");
  return layer?.kind === "layer" && layer.name === "linear" && others.length === 0 ? layer.path : undefined;
}
