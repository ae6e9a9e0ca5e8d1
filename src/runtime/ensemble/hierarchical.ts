/**
 * `hierarchical(…)`: named groups, each combined by its own strategy, the groups by another:
 *
 *     L_g = Σ_k w_{k|g} · ℓ_k / s_k,   L = Σ_g w_g · L_g / sg(running mean of L_g)
 *
 * which is `learned` or `equal` over the groups, with their running means (or another of `scale.ts`) as scales; here they
 * get their names.
 */
import type { Combined, Net, ParameterSpec } from "../program.ts";
import { equal } from "./equal.ts";
import { learned, learnedParameters } from "./learned.ts";
import type { ScaleOptions } from "./scale.ts";

export interface HierarchicalOptions extends ScaleOptions {
  /** How the groups are weighed; `learned` where absent. */
  readonly by?: "learned" | "equal";
  /** Of `learned`: the smallest weight of a group, in [0, 1/G]; 1 / (4G) where absent. */
  readonly floor?: number;
}

/** Parameters of `hierarchical` at `path` over G groups: those of `learned`; none by `equal`. */
export function hierarchicalParameters(
  path: string,
  groups: number,
  options: HierarchicalOptions = {},
): ParameterSpec[] {
  return options.by === "equal" ? [] : learnedParameters(path, groups, options);
}

/**
 * The weighted sum of the groups over their scales. Its state is `scaleState(path, groups.length, scale)`.
 *
 * @param groups each group's name, and the node that combines it.
 */
export function hierarchical(
  net: Net,
  path: string,
  groups: ReadonlyArray<readonly [name: string, node: Combined]>,
  options: HierarchicalOptions = {},
): Combined {
  const names = groups.map(([name]) => name);
  const nodes = groups.map(([, node]) => node);
  return options.by === "equal"
    ? equal(net, path, nodes, { ...options, names })
    : learned(net, path, nodes, { ...options, names });
}
