/**
 * How sums, extremes and logic over elements are gathered four at a time. Used by `loop.ts`.
 */
import * as tf from "@tensorflow/tfjs-core";
import type { Code } from "../assembler.ts";
import { bits, floats, integers } from "./lanes.ts";

/** How a kernel gathers elements into one. */
export interface Gathering {
  readonly start: Code;
  readonly startNumber: number;
  readonly join: (a: Code, b: Code) => Code;
  /** The first lane of a vector, the others as in `start`. */
  readonly firstOnly: (a: Code) => Code;
  /** All lanes joined into the first. */
  readonly across: (a: Code) => Code;
}

const firstLane: Code = [0xfd, 0x0c, 255, 255, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

/** Joins all lanes into the first: the halves, then the two lanes left. */
const acrossLanes =
  (join: (a: Code, b: Code) => Code) =>
  (vector: Code): Code => {
    const halves = join(vector, shuffled(vector, [2, 3, 2, 3]));
    return join(halves, shuffled(halves, [1, 1, 1, 1]));
  };

const shuffled = (vector: Code, order: readonly number[]): Code => [
  ...vector,
  ...vector,
  0xfd,
  0x0d,
  ...order.flatMap((lane) => [0, 1, 2, 3].map((byte) => 4 * lane + byte)),
];

/** How a reduction's kernel gathers. */
export function gatheringOf(kernel: string): Gathering {
  const of = (startNumber: number, start: Code, join: (a: Code, b: Code) => Code): Gathering => ({
    startNumber,
    start,
    join,
    firstOnly: (a) => bits.select(firstLane, a, start),
    across: acrossLanes(join),
  });
  switch (kernel) {
    case tf.Sum:
      return of(0, floats.constant(0), floats.add);
    case tf.Max:
      return of(-Infinity, floats.constant(-Infinity), floats.max);
    case tf.Min:
      return of(Infinity, floats.constant(Infinity), floats.min);
    case tf.Any:
      return of(0, integers.constant(0), bits.or);
    default:
      return of(1, integers.constant(-1), bits.and);
  }
}
