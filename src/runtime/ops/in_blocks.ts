/**
 * Reductions over the batch, or over the classes, whose tensors would not fit in memory at once: block by block of rows,
 * each block recomputed in the backward pass. The most memory is that of one block, however many rows there are. How many
 * rows a block has is decided from shapes alone, so that a step of them is one static graph.
 */
import * as tf from "@tensorflow/tfjs-core";
import { inSequence } from "../engine/capture/sequence.ts";
import { crossEntropy } from "./vectors.ts";

/** Memory that the tensors of one block may take; with their gradients, about three times as much is there at once. */
const BLOCK_BYTES = 2 ** 26;

/** What a program computes of one block: from its rows of the sliced tensors and from the shared ones. */
type Body<Result> = (...inputs: tf.Tensor[]) => Result;

/** How the blocks of a reduction are put together. */
interface Streamed {
  /** The reduction of all rows at once. */
  readonly whole: Body<tf.Tensor>;
  /** What of one block is carried to the next. */
  readonly part: Body<tf.Tensor[]>;
  readonly carry: (before: readonly tf.Tensor[], part: readonly tf.Tensor[]) => tf.Tensor[];
  readonly value: (carried: readonly tf.Tensor[]) => tf.Tensor;
  /** A number whose gradient by a block's inputs is theirs, given that of the value and what was carried to the end. */
  readonly slope: (inputs: readonly tf.Tensor[], dy: tf.Tensor, carried: readonly tf.Tensor[]) => tf.Tensor;
}

/**
 * The sum over blocks of `sum(rows of sliced, shared)`, of the shape that it has.
 * @param rowBytes what the tensors of one row take, estimated; decides how many rows a block has
 * @param sliced tensors of which a block gets its rows, [n, ...]
 * @param shared tensors that every block gets whole
 * @param sum a block's rows of `sliced`, then `shared`, to the block's part of the sum
 */
export function inBlocks(
  rowBytes: number,
  sliced: readonly tf.Tensor[],
  shared: readonly tf.Tensor[],
  sum: Body<tf.Tensor>,
  blockBytes = BLOCK_BYTES,
): tf.Tensor {
  return streamed(rowBytes, sliced, shared, blockBytes, {
    whole: sum,
    part: (...inputs) => [sum(...inputs)],
    carry: ([before], [part]) => [tf.add(before!, part!)],
    value: ([total]) => total!,
    slope: (inputs, dy) => tf.sum(tf.mul(sum(...inputs), dy)),
  });
}

/**
 * The log-sum-exp of all rows from that of each block; the arguments as for `inBlocks`. A block without a tuple gives a
 * number far below every other.
 */
export function logSumExpInBlocks(
  rowBytes: number,
  sliced: readonly tf.Tensor[],
  shared: readonly tf.Tensor[],
  logSumExp: Body<tf.Tensor>,
  blockBytes = BLOCK_BYTES,
): tf.Tensor {
  return streamed(rowBytes, sliced, shared, blockBytes, {
    whole: logSumExp,
    part: (...inputs) => only(logSumExp(...inputs)),
    carry: merged,
    value: logOf,
    slope: (inputs, dy, carried) => tf.sum(tf.mul(tf.exp(tf.sub(logSumExp(...inputs), logOf(carried))), dy)),
  });
}

/**
 * Cross-entropy over classes of which each block has some, as `crossEntropy` of them all; the arguments as for `inBlocks`.
 * @param logits a block's logits [..., classes of the block], and which of them are at the target
 */
export function crossEntropyInBlocks(
  rowBytes: number,
  sliced: readonly tf.Tensor[],
  shared: readonly tf.Tensor[],
  logits: Body<readonly [tf.Tensor, tf.Tensor]>,
  blockBytes = BLOCK_BYTES,
): tf.Tensor {
  const atTarget = (z: tf.Tensor, target: tf.Tensor): tf.Tensor => tf.where(target, z, tf.zerosLike(z));
  return streamed(rowBytes, sliced, shared, blockBytes, {
    whole: (...inputs) => crossEntropy(...logits(...inputs)),
    part: (...inputs) => {
      const [z, target] = logits(...inputs);
      const highest = tf.max(z, -1);
      const powers = tf.sum(tf.exp(tf.sub(z, tf.expandDims(highest, -1))), -1);
      return [highest, powers, tf.sum(atTarget(z, target), -1)];
    },
    carry: (before, part) => [...merged(before, part), tf.add(before[2]!, part[2]!)],
    value: (carried) => tf.sub(logOf(carried), carried[2]!),
    slope: (inputs, dy, carried) => {
      const [z, target] = logits(...inputs);
      const shares = tf.exp(tf.sub(z, tf.expandDims(logOf(carried), -1)));
      return tf.sum(tf.mul(tf.sub(shares, atTarget(z, target)), tf.expandDims(dy, -1)));
    },
  });
}

/** A log-sum-exp as a maximum and a sum of powers relative to it. */
const only = (logSumExp: tf.Tensor): tf.Tensor[] => [tf.clone(logSumExp), tf.onesLike(logSumExp)];

function merged([highest, powers]: readonly tf.Tensor[], [other, more]: readonly tf.Tensor[]): tf.Tensor[] {
  const top = tf.maximum(highest!, other!);
  const scaled = (sum: tf.Tensor, at: tf.Tensor): tf.Tensor => tf.mul(sum, tf.exp(tf.sub(at, top)));
  return [top, tf.add(scaled(powers!, highest!), scaled(more!, other!))];
}

const logOf = ([highest, powers]: readonly tf.Tensor[]): tf.Tensor => tf.add(highest!, tf.log(powers!));

function streamed(
  rowBytes: number,
  sliced: readonly tf.Tensor[],
  shared: readonly tf.Tensor[],
  blockBytes: number,
  { whole, part, carry, value, slope }: Streamed,
): tf.Tensor {
  const length = sliced[0]!.shape[0]!;
  const rows = Math.max(1, Math.min(length, Math.floor(blockBytes / rowBytes)));
  const all = [...sliced, ...shared];
  if (rows >= length) return whole(...all);
  const isReal = all.map((input) => input.dtype === "float32");
  const real = all.filter((_, k) => isReal[k]);
  const starts = Array.from({ length: Math.ceil(length / rows) }, (_, k) => k * rows);
  const block = (inputs: readonly tf.Tensor[], start: number): tf.Tensor[] => {
    const count = Math.min(rows, length - start);
    return inputs.map((input, k) => (k < sliced.length ? tf.slice(input, start, count) : input));
  };

  const op = tf.customGrad((...args) => {
    const save = args.at(-1) as unknown as tf.GradSaveFunc;
    let carried: tf.Tensor[] = [];
    inSequence(starts, (start, k) => {
      const before = carried;
      carried = tf.tidy(() => {
        const own = part(...block(all, start));
        return k === 0 ? own : carry(before, own);
      });
      tf.dispose(before);
    });
    save([...all, ...carried]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor[] =>
      backward(dy, saved.slice(0, all.length), saved.slice(all.length));
    return { value: tf.tidy(() => tf.clone(value(carried))), gradFunc };
  });

  const backward = (
    dy: tf.Tensor,
    inputs: readonly tf.Tensor[],
    carried: readonly tf.Tensor[],
  ): tf.Tensor[] => {
    const pieces: tf.Tensor[][] = inputs.map(() => []);
    inSequence(starts, (start) => {
      const gradients = tf.tidy(() =>
        blockGradients((own) => slope(own, dy, carried), block(inputs, start), isReal),
      );
      let next = 0;
      inputs.forEach((_, k) => {
        if (isReal[k]) collect(pieces[k]!, gradients[next++]!, k < sliced.length);
      });
    });
    return pieces.flatMap((own, k) => {
      if (!isReal[k]) return [];
      if (k >= sliced.length) return own;
      const joined = tf.concat(own, 0);
      tf.dispose(own);
      return [joined];
    });
  };

  return op(...real);
}

/** Gradients of rows stand beside each other; those of what is shared add up, so that only one of each is held. */
function collect(pieces: tf.Tensor[], gradient: tf.Tensor, byRows: boolean): void {
  const before = byRows ? undefined : pieces.pop();
  if (before === undefined) {
    pieces.push(gradient);
    return;
  }
  pieces.push(tf.add(before, gradient));
  tf.dispose([before, gradient]);
}

/** What tfjs knows of its recording: how many recordings are open, and within how many kernels it is. */
interface Differentiator {
  readonly state: { activeTape: unknown; gradientDepth: number; kernelDepth: number };
  gradients(
    f: () => tf.Tensor,
    xs: readonly tf.Tensor[],
    dy: tf.Tensor | undefined,
    allowNoGradients: boolean,
  ): { grads: (tf.Tensor | null)[] };
}

/**
 * Gradients of one block by its real inputs; zeros where the number does not depend on one. They are taken inside a
 * backward pass, on a recording of their own: the outer one stays as it was, whether it is open or, as within
 * `untracked`, switched off.
 */
function blockGradients(
  slope: (inputs: readonly tf.Tensor[]) => tf.Tensor,
  inputs: readonly tf.Tensor[],
  isReal: readonly boolean[],
): tf.Tensor[] {
  const real = inputs.filter((_, k) => isReal[k]);
  const engine = tf.engine() as unknown as Differentiator;
  const { activeTape, gradientDepth, kernelDepth } = engine.state;
  Object.assign(engine.state, { activeTape: null, gradientDepth: 0, kernelDepth: 0 });
  try {
    const { grads } = engine.gradients(() => slope(inputs), real, undefined, true);
    return grads.map((gradient, k) => gradient ?? tf.zerosLike(real[k]!));
  } finally {
    Object.assign(engine.state, { activeTape, gradientDepth, kernelDepth });
  }
}
