/**
 * First values of a loss's parameters and states: the initialisers it names, on the streams that a training run would
 * use. Called by `dmlc try` and by tests. Pure.
 */
import type { LossInstance } from "../resolve/values.ts";
import { expandedFor } from "./expand/loss.ts";
import type { ParamSizes } from "./expand/loss.ts";
import type { InitializerUse } from "./expand/registry.ts";
import { drawn } from "./initializers.ts";
import type { Tensor } from "./interpret.ts";
import type { Input } from "./nodes.ts";

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
  const { parameters } = expandedFor(instance, sizes).registry;
  return valuesOf(parameters, seed, name);
}

/** First values of the states that start from an initialiser, in the same way; the others start from a constant. */
export function initialStates(
  instance: LossInstance,
  sizes: ParamSizes,
  seed: number,
  name: string = instance.declaration.name.text,
): Map<string, Tensor> {
  const drawnStates = expandedFor(instance, sizes).registry.states.flatMap(({ input, initial }) =>
    "arguments" in initial ? [{ input, initializer: initial }] : [],
  );
  return valuesOf(drawnStates, seed, name);
}

/** What the initialisers draw, by name. */
function valuesOf(
  inputs: readonly { readonly input: Input; readonly initializer: InitializerUse }[],
  seed: number,
  name: string,
): Map<string, Tensor> {
  const values = new Map<string, Tensor>();
  for (const { input, initializer } of inputs)
    values.set(input.name, { shape: input.shape, data: drawn(initializer, input, seed, `losses/${name}`) });
  return values;
}
