/**
 * The random numbers of a batch's draws: those that were given, or those of a step of a run. Called by `interpret.ts`.
 * Pure.
 */
import { uniformNoise } from "../runtime/random.ts";
import { InterpretError } from "./errors.ts";
import type { ExpandedLoss } from "./expand/loss.ts";
import type { DrawInfo } from "./expand/registry.ts";
import type { LossBatch } from "./interpret.ts";

/** The numbers of one draw, of the shape of its input. */
export function noiseOf(loss: ExpandedLoss, draw: DrawInfo, batch: LossBatch): Float64Array {
  const { input } = draw;
  const whole = wholeShape(draw, batch);
  const length = whole.reduce((product, side) => product * side, 1);
  const given = batch.noise?.get(input.name);
  if (given !== undefined && given.shape.join() !== whole.join())
    throw new InterpretError(
      `the noise ${input.name} has shape [${whole.join(", ")}], and [${given.shape.join(", ")}] was given`,
    );
  const { seed = 0, step = 0 } = batch.randomness ?? {};
  const data = given?.data ?? uniformNoise(seed, `losses/${loss.name}/${input.name}`, step, length);
  return filledPart(data, whole, input.shape, batch.labels.length);
}

/** The shape of the numbers of a draw: a side over what is remembered has room for all that a memory holds when it is full. */
function wholeShape({ input, uses }: DrawInfo, { labels, memory }: LossBatch): number[] {
  const overMemory = (k: number): boolean =>
    uses.some((over) => over[k]!.samples && !over[k]!.staysInBatch && !over[k]!.declared);
  return input.shape.map((side, k) =>
    memory !== undefined && overMemory(k) ? labels.length + memory.size : side,
  );
}

/** The numbers of the samples that are there: those of the batch, then the last of a side, as a memory fills from its end. */
function filledPart(
  data: ArrayLike<number>,
  whole: readonly number[],
  shape: readonly number[],
  batch: number,
): Float64Array {
  return Float64Array.from({ length: shape.reduce((product, side) => product * side, 1) }, (_, place) => {
    let rest = place;
    let stride = 1;
    let at = 0;
    for (let k = shape.length - 1; k >= 0; k--) {
      const index = rest % shape[k]!;
      rest = Math.floor(rest / shape[k]!);
      at += stride * (index < batch ? index : index + whole[k]! - shape[k]!);
      stride *= whole[k]!;
    }
    return data[at]!;
  });
}
