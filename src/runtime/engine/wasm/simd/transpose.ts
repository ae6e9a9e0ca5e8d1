/**
 * Transposition of one matrix of floats. Called for the right operand of products.
 */
import {
  type Local,
  advance,
  countdown,
  defineFunction,
  f32,
  get,
  i32,
  sequence,
  set,
} from "../assembler.ts";

/** transpose(to, from, rows, columns): `from` is [rows, columns], `to` becomes [columns, rows]; they do not overlap. */
export const transpose = defineFunction("transpose", ["i32", "i32", "i32", "i32"], (parameters, local) => {
  const [to, from, rows, columns] = parameters as unknown as readonly [Local, Local, Local, Local];
  const [target, left, step] = [local("i32"), local("i32"), local("i32")];
  return sequence(
    set(step, i32.mul(get(rows), i32.constant(4))),
    countdown(
      rows,
      sequence(
        set(target, get(to)),
        set(left, get(columns)),
        countdown(
          left,
          sequence(
            f32.store(get(target), f32.load(get(from))),
            advance(from, i32.constant(4)),
            advance(target, get(step)),
          ),
        ),
        advance(to, i32.constant(4)),
      ),
    ),
  );
});
