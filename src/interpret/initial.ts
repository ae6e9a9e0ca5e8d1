/**
 * First values of a loss's parameters: the initialisers it names, on the streams that a training run would use. Called
 * by `dmlc try` and by tests. Pure.
 */
import type { LossInstance } from "../resolve/values.ts";
import {
  constant,
  kaimingNormal,
  kaimingUniform,
  normal,
  ones,
  uniform,
  xavierNormal,
  xavierUniform,
  zeros,
} from "../runtime/init.ts";
import type { Initializer } from "../runtime/program.ts";
import { counterRandom } from "../runtime/random.ts";
import { InterpretError } from "./errors.ts";
import { expandLoss } from "./expand/loss.ts";
import type { InitializerUse } from "./expand/registry.ts";
import type { Tensor } from "./interpret.ts";

/** Parameters of each initialiser, with their defaults. */
const INITIALIZERS: Readonly<
  Record<string, { readonly names: readonly string[]; readonly make: (...values: number[]) => Initializer }>
> = {
  kaiming_normal: { names: [], make: () => kaimingNormal() },
  kaiming_uniform: { names: [], make: () => kaimingUniform() },
  xavier_normal: { names: [], make: () => xavierNormal() },
  xavier_uniform: { names: [], make: () => xavierUniform() },
  zeros: { names: [], make: () => zeros() },
  ones: { names: [], make: () => ones() },
  constant: { names: ["value"], make: (value) => constant(value!) },
  normal: { names: ["mean", "std"], make: (mean = 0, std = 1) => normal(mean, std) },
  uniform: { names: ["low", "high"], make: (low = 0, high = 1) => uniform(low, high) },
};

/**
 * First values of every parameter of a loss, by name. `name` is the loss's name in its model: the streams are those of
 * `losses/NAME/PARAMETER`.
 */
export function initialParams(
  instance: LossInstance,
  sizes: { readonly classes: number; readonly dim: number },
  seed: number,
  name: string = instance.declaration.name.text,
): Map<string, Tensor> {
  const dims = Array.from({ length: instance.declaration.views?.length ?? 1 }, () => sizes.dim);
  const { registry } = expandLoss(
    instance,
    { batch: 1, remembered: 0, classes: sizes.classes, dims },
    undefined,
  );
  const values = new Map<string, Tensor>();
  for (const { input, initializer } of registry.parameters) {
    const random = counterRandom(seed, `losses/${name}/${input.name}`);
    const data = Float64Array.from(initializerOf(initializer)(input.shape, random));
    values.set(input.name, { shape: input.shape, data });
  }
  return values;
}

function initializerOf(use: InitializerUse): Initializer {
  const known = Object.hasOwn(INITIALIZERS, use.name) ? INITIALIZERS[use.name] : undefined;
  if (known === undefined) throw new InterpretError(`${use.name} is no initialiser`, use.span);
  const values: number[] = [];
  let position = 0;
  for (const argument of use.arguments) {
    const place = argument.name === undefined ? position++ : known.names.indexOf(argument.name);
    if (place < 0 || place >= known.names.length)
      throw new InterpretError(`${use.name} takes (${known.names.join(", ")})`, use.span);
    values[place] = argument.value;
  }
  if (use.name === "constant" && values[0] === undefined)
    throw new InterpretError("constant takes a value", use.span);
  return known.make(...values);
}
