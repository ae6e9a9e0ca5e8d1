/**
 * How near two answers of a random formula are: the interpreter's and a compiled form's, or those of two forms.
 *
 * Where two differ, the interpreter is asked again on inputs that are moved by about one rounding of float32. If its own
 * answer changes as much, the formula is at a kink or badly conditioned there, and no float32 form could agree.
 */
import { interpretLoss } from "../../src/interpret/index.ts";
import type { LossInstance } from "../../src/resolve/values.ts";
import { counterRandom } from "../../src/runtime/random.ts";
import type { Batch } from "./support.ts";

/** Share of the value, and of each gradient's largest element, by which a float32 form may differ. */
export const TOLERANCE = 2e-5;
/** How much worse than moving the inputs by a rounding a form may be where the formula is badly conditioned. */
export const ROUNDINGS = 30;

export interface Flat {
  readonly value: number;
  /** Gradients of views and parameters, each in one array. */
  readonly gradients: readonly (readonly number[])[];
}

export function flat(answer: {
  readonly value: number;
  readonly gradient?: {
    readonly views: readonly ArrayLike<number>[];
    readonly params: ReadonlyMap<string, ArrayLike<number>>;
  };
}): Flat {
  const { views, params } = answer.gradient!;
  const named = ["w", "b"].map((name) => Array.from(params.get(name)!));
  return { value: answer.value, gradients: [...views.map((view) => Array.from(view)), ...named] };
}

export const isFinite = ({ value, gradients }: Flat): boolean =>
  [value, ...gradients.flat()].every((v) => Number.isFinite(v) && Math.abs(v) < 1e6);

/** Largest difference, as a share of the value and of each gradient's largest element (at least 1). */
export function distance(a: Flat, b: Flat): number {
  const apart = (x: readonly number[], y: readonly number[]): number => {
    const scale = Math.max(1, ...y.map(Math.abs));
    const most = Math.max(...x.map((v, k) => Math.abs(v - y[k]!))) / scale;
    return Number.isNaN(most) ? Number.POSITIVE_INFINITY : most;
  };
  const gradients = a.gradients.map((gradient, k) => apart(gradient, b.gradients[k]!));
  return Math.max(apart([a.value], [b.value]), ...gradients);
}

/** How far the interpreter's answer moves when the inputs do, by about one rounding of float32. */
export function sensitivity(instance: LossInstance, batch: Batch, exact: Flat): number {
  let most = 0;
  for (let seed = 0; seed < 6; seed++) {
    const random = counterRandom(seed, "perturb");
    const moved = (data: Float64Array): Float64Array => data.map((v) => v * (1 + 1.2e-7 * random.normal()));
    const nearby = {
      ...batch,
      views: batch.views.map((view) => ({ ...view, data: moved(view.data) })),
      params: new Map([...batch.params].map(([name, p]) => [name, { ...p, data: moved(p.data) }])),
    };
    most = Math.max(most, distance(flat(interpretLoss(instance, nearby, { gradient: true })), exact));
  }
  return most;
}
