/**
 * The sides that a layer's declared type leaves to the compiler (`_`): a law for each such primitive. Everything else
 * about a layer is in its signature in the standard library. Pure.
 */
import type { Shape } from "../plan/plan.ts";
import type { Values } from "../resolve/values.ts";
import { sizeOf } from "./shapes.ts";

/** The whole output shape; a side of 0 says that nothing is left. */
type SideLaw = (input: Shape, values: Values) => Shape;

function numberOf(values: Values, name: string): number {
  const value = values.get(name);
  return value?.kind === "number" ? value.value : 1;
}

const eachSide =
  (law: (side: number, values: Values) => number): SideLaw =>
  (input, values) =>
    input.map((side, axis) => (axis === 2 || side === undefined ? side : law(side, values)));

/** Padding `same`: ceil(side / stride). */
const strided = eachSide((side, values) => Math.ceil(side / numberOf(values, "stride")));
/** Whole windows only: floor(side / size). */
const pooled = eachSide((side, values) => Math.floor(side / numberOf(values, "size")));

const laws: Readonly<Record<string, SideLaw>> = {
  conv: strided,
  max_pool: pooled,
  avg_pool: pooled,
  flatten: (input) => [sizeOf(input)],
};

/** What a layer's own law says of its output, or `undefined` for a layer whose signature says everything. */
export function inferredShape(layer: string, input: Shape, values: Values): Shape | undefined {
  return Object.hasOwn(laws, layer) ? laws[layer]!(input, values) : undefined;
}

/** Trained numbers of the layers that have many; 0 for the others, and where a side is not known. */
export function layerParameters(layer: string, input: Shape, output: Shape, values: Values): number {
  switch (layer) {
    case "linear":
      return (sizeOf(input) ?? 0) * (sizeOf(output) ?? 0);
    case "conv":
      return numberOf(values, "kernel") ** 2 * (input.at(-1) ?? 0) * (output.at(-1) ?? 0);
    default:
      return 0;
  }
}

/** Channels of an image by how it is made. */
export const imageChannels: Readonly<Record<string, number>> = { rgb: 3, gray: 1 };
