/**
 * The numbers that an initialiser gives, on the stream that a training run would use. Called by `initial.ts` and, for
 * states that are not given, by `interpret.ts`. Pure.
 */
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
import type { InitializerUse } from "./expand/registry.ts";
import type { Input } from "./nodes.ts";

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

/** What fills an input at the start of a run with this seed; `path` is that of its loss, `losses/NAME`. */
export function drawn(use: InitializerUse, input: Input, seed: number, path: string): Float64Array {
  const random = counterRandom(seed, `${path}/${input.name}`);
  return Float64Array.from(initializerOf(use)(input.shape, random));
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
