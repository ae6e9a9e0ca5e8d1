/**
 * Transposition of one matrix of floats: blocks of four by four in registers, single elements at the edges. Called by the
 * products, whose inner loop wants the right-hand matrix row-major.
 */
import {
  type Code,
  type Local,
  advance,
  countdown,
  defineFunction,
  f32,
  f32x4,
  get,
  i32,
  sequence,
  set,
  whileAtLeast,
} from "../assembler.ts";

/** Lanes of two vectors side by side: 0 to 3 are the first's, 4 to 7 the second's. */
const lanesOf = (a: Code, b: Code, order: readonly number[]): Code => [
  ...a,
  ...b,
  0xfd,
  0x0d,
  ...order.flatMap((lane) => [0, 1, 2, 3].map((byte) => 4 * lane + byte)),
];

/** transpose(to, from, rows, columns): `from` is [rows, columns], `to` becomes [columns, rows]; they do not overlap. */
export const transpose = defineFunction("transpose", ["i32", "i32", "i32", "i32"], (parameters, local) => {
  const [to, from, rows, columns] = parameters as unknown as readonly [Local, Local, Local, Local];
  const [source, target, left] = [local("i32"), local("i32"), local("i32")];
  const [fromStep, toStep] = [local("i32"), local("i32")];
  const lines = [0, 1, 2, 3].map(() => local("v128"));
  const pairs = [0, 1, 2, 3].map(() => local("v128"));
  const places = [0, 1, 2, 3].map(() => local("i32"));
  const [a, b, c, d] = lines.map(get) as [Code, Code, Code, Code];
  const [ab, cd, AB, CD] = pairs.map(get) as [Code, Code, Code, Code];

  const square = sequence(
    set(places[0]!, get(source)),
    ...[1, 2, 3].map((k) => set(places[k]!, i32.add(get(places[k - 1]!), get(fromStep)))),
    ...lines.map((line, k) => set(line, f32x4.load(get(places[k]!)))),
    set(pairs[0]!, lanesOf(a, b, [0, 4, 1, 5])),
    set(pairs[1]!, lanesOf(c, d, [0, 4, 1, 5])),
    set(pairs[2]!, lanesOf(a, b, [2, 6, 3, 7])),
    set(pairs[3]!, lanesOf(c, d, [2, 6, 3, 7])),
    ...[
      lanesOf(ab, cd, [0, 1, 4, 5]),
      lanesOf(ab, cd, [2, 3, 6, 7]),
      lanesOf(AB, CD, [0, 1, 4, 5]),
      lanesOf(AB, CD, [2, 3, 6, 7]),
    ].map((line) => sequence(f32x4.store(get(target), line), advance(target, get(toStep)))),
    advance(source, i32.constant(16)),
  );
  const single = (count: number): Code =>
    sequence(
      set(places[0]!, get(source)),
      ...Array.from({ length: count }, (_, k) =>
        sequence(
          f32.store(get(target), f32.load(get(places[0]!)), 4 * k),
          advance(places[0]!, get(fromStep)),
        ),
      ),
      advance(source, i32.constant(4)),
      advance(target, get(toStep)),
    );
  /** `count` rows become `count` columns. */
  const rowsDone = (count: 4 | 1): Code =>
    sequence(
      set(source, get(from)),
      set(target, get(to)),
      set(left, get(columns)),
      count === 4 ? whileAtLeast(left, 4, sequence(square, advance(left, i32.constant(-4)))) : [],
      countdown(left, single(count)),
      advance(from, i32.mul(get(fromStep), i32.constant(count))),
      advance(to, i32.constant(4 * count)),
      advance(rows, i32.constant(-count)),
    );
  return sequence(
    set(fromStep, i32.mul(get(columns), i32.constant(4))),
    set(toStep, i32.mul(get(rows), i32.constant(4))),
    whileAtLeast(rows, 4, rowsDone(4)),
    whileAtLeast(rows, 1, rowsDone(1)),
  );
});
