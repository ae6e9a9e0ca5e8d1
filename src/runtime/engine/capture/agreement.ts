/**
 * Whether two lists of tensors hold the same numbers, up to what another order of the same float32 operations may
 * change. Used by `capture.ts` when a recording is held against the function it was made from.
 */
import type * as tf from "@tensorflow/tfjs-core";

/** Largest root mean square of the difference, relative to that of the values. */
const RELATIVE = 2e-3;
/** Below this root mean square both are rounding. */
const ABSOLUTE = 1e-6;

/**
 * What differs, in words, or undefined. The measure is over whole tensors: a first step of Adam has the sign of a
 * gradient in it, and a gradient that is 0 but for rounding may have either sign.
 */
export function disagreement(expected: readonly tf.Tensor[], got: readonly tf.Tensor[]): string | undefined {
  if (expected.length !== got.length) return `${got.length} results instead of ${expected.length}`;
  for (const [k, tensor] of expected.entries()) {
    const other = got[k]!;
    if (tensor === other) continue;
    if (tensor.shape.join() !== other.shape.join()) {
      return `result ${k} has shape [${other.shape.join()}] instead of [${tensor.shape.join()}]`;
    }
    const [want, have] = [tensor.dataSync(), other.dataSync()] as [ArrayLike<number>, ArrayLike<number>];
    const difference = relativeDifference(want, have);
    if (difference !== undefined) return `result ${k} of shape [${tensor.shape.join()}] ${difference}`;
  }
  return undefined;
}

function relativeDifference(want: ArrayLike<number>, have: ArrayLike<number>): string | undefined {
  let squares = 0;
  let error = 0;
  for (let i = 0; i < want.length; i++) {
    const [a, b] = [want[i]!, have[i]!];
    if (Object.is(a, b) || a === b) {
      if (Number.isFinite(a)) squares += a * a;
      continue;
    }
    if (!Number.isFinite(a) || !Number.isFinite(b)) return `holds ${b} where ${a} belongs`;
    squares += a * a;
    error += (a - b) ** 2;
  }
  const scale = Math.sqrt(squares / want.length);
  const off = Math.sqrt(error / want.length);
  return off <= RELATIVE * scale + ABSOLUTE
    ? undefined
    : `is off by ${(off / (scale || 1)).toExponential(1)}`;
}
