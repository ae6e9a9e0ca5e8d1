/**
 * First values of a loss's parameters and states: the initialisers it names, on the streams that a training run would
 * use. Called by `dmlc try` and by tests. Pure.
 */
import type { LossInstance } from "../resolve/values.ts";
import { expandedFor } from "./expand/loss.ts";
import type { ParamSizes } from "./expand/loss.ts";
import { drawn } from "./initializers.ts";
import type { Tensor } from "./interpret.ts";

/**
 * First values of every parameter of a loss, by name. `name` is the loss's name in its model: the streams are those of
 * `losses/NAME/PARAMETER`.
 */
export function initialParams(
  instance: LossInstance,
  sizes: ParamSizes,
  seed: number,
  name: string = instance.declaration.name.text,
): Map<string, Tensor> {
  const values = new Map<string, Tensor>();
  for (const { input, initializer } of expandedFor(instance, sizes).registry.parameters)
    values.set(input.name, { shape: input.shape, data: drawn(initializer, input, seed, `losses/${name}`) });
  return values;
}

/** First values of the states that start from an initialiser, in the same way; the others start from a constant. */
export function initialStates(
  instance: LossInstance,
  sizes: ParamSizes,
  seed: number,
  name: string = instance.declaration.name.text,
): Map<string, Tensor> {
  const values = new Map<string, Tensor>();
  for (const { input, initial } of expandedFor(instance, sizes).registry.states)
    if ("arguments" in initial)
      values.set(input.name, { shape: input.shape, data: drawn(initial, input, seed, `losses/${name}`) });
  return values;
}
