/**
 * Gradient of relu, in one walk over the data. Called by the kernel of that name.
 */
import {
  type Code,
  type Local,
  advance,
  countdown,
  defineFunction,
  f32x4,
  get,
  i32,
  sequence,
  whileAtLeast,
} from "../assembler.ts";

/** reluGradient(count, out, dy, x): out = dy where x > 0, else 0, for `count` floats. */
export const reluGradient = defineFunction("reluGradient", ["i32", "i32", "i32", "i32"], (parameters) => {
  const [count, out, dy, x] = parameters as unknown as readonly [Local, Local, Local, Local];
  const next = (
    load: (address: Code) => Code,
    store: (address: Code, value: Code) => Code,
    bytes: number,
  ): Code =>
    sequence(
      store(get(out), f32x4.and(load(get(dy)), f32x4.gt(load(get(x)), f32x4.constant(0)))),
      ...[out, dy, x].map((at) => advance(at, i32.constant(bytes))),
    );
  return sequence(
    whileAtLeast(count, 4, sequence(next(f32x4.load, f32x4.store, 16), advance(count, i32.constant(-4)))),
    countdown(count, next(f32x4.loadFirst, f32x4.storeFirst, 4)),
  );
});
