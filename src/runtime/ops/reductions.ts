/**
 * Reductions of formulas. Each takes a body and, where tuples are guarded, a mask of those that count (`where`), the two
 * broadcast together, and the axes of the broadcast shape to reduce `over`. What the mask leaves out takes part in
 * neither value nor gradient, whatever it holds. Nothing reduced gives 0; where a rule calls that "absent" instead
 * (max, min, log-sum-exp), the program keeps the mask of what is present beside it.
 */
import * as tf from "@tensorflow/tfjs-core";
import { broadcastShape, summedTo } from "./broadcast.ts";
import { untracked } from "./untracked.ts";

export interface Tuples {
  /** The axes reduced, of the body broadcast with the mask. */
  readonly over: readonly number[];
  /** Bool: the tuples that count; all where absent. */
  readonly where?: tf.Tensor;
}

/** A number far below every value a formula meets, still finite so that differences of it are numbers. */
const LOWEST = -1e30;

/** The sides of `shape` that stay, and 1 for those reduced. */
const keptShape = (shape: readonly number[], over: readonly number[]): number[] =>
  shape.map((side, k) => (over.includes(k) ? 1 : side));

/** The body where it counts, `fill` elsewhere, at the full broadcast shape. */
function chosen(body: tf.Tensor, where: tf.Tensor | undefined, fill: number): tf.Tensor {
  if (where === undefined) return body;
  return tf.where(where, body, tf.scalar(fill));
}

/**
 * A reduction with its own gradient: `forward` gives the value and tensors to keep, `slope` the derivative by each tuple
 * (already 0 where masked) from what was kept, to be multiplied by dy. The slope may use nothing but what was kept:
 * every other tensor of the forward pass is gone by then.
 */
function reduction(
  body: tf.Tensor,
  tuples: Tuples,
  forward: (body: tf.Tensor) => { value: tf.Tensor; kept: tf.Tensor[] },
  slope: (kept: tf.Tensor[]) => tf.Tensor,
): tf.Tensor {
  const full = broadcastShape(body, tuples.where);
  const kept = keptShape(full, tuples.over);
  const op = tf.customGrad((input, save) => {
    const made = forward(input as tf.Tensor);
    (save as tf.GradSaveFunc)(made.kept);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor =>
      summedTo(tf.mul(tf.reshape(dy, kept), slope(saved)), body.shape);
    return { value: made.value, gradFunc };
  });
  return op(body);
}

const mask = (where: tf.Tensor | undefined, full: number[]): tf.Tensor =>
  where === undefined ? tf.ones(full) : tf.broadcastTo(tf.cast(where, "float32"), full);

/** Number of tuples reduced, per kept element. */
function counted(where: tf.Tensor | undefined, full: number[], over: readonly number[]): tf.Tensor {
  if (where === undefined) return tf.scalar(over.reduce((product, axis) => product * full[axis]!, 1));
  return tf.sum(mask(where, full), [...over]);
}

/** 1 / n, and 0 for n = 0. */
function inverse(count: tf.Tensor): tf.Tensor {
  const some = tf.step(count);
  return tf.div(some, tf.maximum(count, 1));
}

/** Sum; over nothing 0. */
export function sum(body: tf.Tensor, tuples: Tuples): tf.Tensor {
  if (tuples.where === undefined) return tf.sum(body, [...tuples.over]);
  const full = broadcastShape(body, tuples.where);
  return reduction(
    body,
    tuples,
    (b) => ({ value: tf.sum(chosen(b, tuples.where, 0), [...tuples.over]), kept: [tuples.where!] }),
    ([where]) => mask(where, full),
  );
}

/** Mean over the tuples; over nothing 0 with zero gradient. */
export function mean(body: tf.Tensor, tuples: Tuples): tf.Tensor {
  if (tuples.where === undefined) return tf.mean(body, [...tuples.over]);
  const full = broadcastShape(body, tuples.where);
  const over = [...tuples.over];
  const kept = keptShape(full, over);
  return reduction(
    body,
    tuples,
    (b) => {
      const share = inverse(counted(tuples.where, full, over));
      return { value: tf.mul(tf.sum(chosen(b, tuples.where, 0), over), share), kept: [tuples.where!, share] };
    },
    ([where, share]) => tf.mul(mask(where, full), tf.reshape(share!, kept)),
  );
}

/** Mean over the active tuples, those above 0; their number takes no gradient. No active one gives 0. */
export function meanActive(body: tf.Tensor, tuples: Tuples): tf.Tensor {
  const full = broadcastShape(body, tuples.where);
  const over = [...tuples.over];
  const kept = keptShape(full, over);
  return reduction(
    body,
    tuples,
    (b) => {
      const values = chosen(b, tuples.where, 0);
      const active = tf.step(values);
      const share = inverse(tf.sum(active, over));
      return { value: tf.mul(tf.sum(tf.relu(values), over), share), kept: [active, share] };
    },
    ([active, share]) => tf.mul(active!, tf.reshape(share!, kept)),
  );
}

function extreme(body: tf.Tensor, tuples: Tuples, sign: 1 | -1): tf.Tensor {
  const full = broadcastShape(body, tuples.where);
  const over = [...tuples.over];
  const kept = keptShape(full, over);
  return reduction(
    body,
    tuples,
    (b) => {
      const values = chosen(b, tuples.where, sign * LOWEST);
      const best = sign === 1 ? tf.max(values, over) : tf.min(values, over);
      const hit = tf.mul(
        tf.cast(tf.equal(values, tf.reshape(best, kept)), "float32"),
        mask(tuples.where, full),
      );
      const hits = tf.sum(hit, over);
      const shares = tf.mul(hit, tf.reshape(inverse(hits), kept));
      return { value: tf.mul(best, tf.step(hits)), kept: [shares] };
    },
    ([shares]) => shares!,
  );
}

/** Largest value; ties split the gradient equally. */
export const max = (body: tf.Tensor, tuples: Tuples): tf.Tensor => extreme(body, tuples, 1);

/** Smallest value; ties split the gradient equally. */
export const min = (body: tf.Tensor, tuples: Tuples): tf.Tensor => extreme(body, tuples, -1);

/** log(extra + sum of exp), with its gradient exp(z - value); `extra` is 0 or 1. */
function logOfSum(body: tf.Tensor, tuples: Tuples, extra: 0 | 1): tf.Tensor {
  const full = broadcastShape(body, tuples.where);
  const over = [...tuples.over];
  const kept = keptShape(full, over);
  return reduction(
    body,
    tuples,
    (b) => {
      const values = chosen(b, tuples.where, LOWEST);
      const highest = tf.max(values, over);
      const top = extra === 1 ? tf.relu(highest) : tf.maximum(highest, LOWEST / 2);
      const powers = tf.exp(tf.sub(values, tf.reshape(top, kept)));
      const total = tf.sum(powers, over);
      const all = extra === 1 ? tf.add(total, tf.exp(tf.neg(top))) : total;
      // Over nothing the sum is 0: the value is 0, and there is nothing for a gradient to reach.
      const some = extra === 1 ? tf.onesLike(all) : tf.step(all);
      const safe = tf.add(all, tf.sub(1, some));
      const value = tf.mul(tf.add(top, tf.log(safe)), some);
      return { value, kept: [tf.div(powers, tf.reshape(safe, kept))] };
    },
    ([weights]) => weights!,
  );
}

/** log(sum of exp), stable. */
export const logSumExp = (body: tf.Tensor, tuples: Tuples): tf.Tensor => logOfSum(body, tuples, 0);

/** log(1 + sum of exp), stable; over nothing 0. */
export const log1pSumExp = (body: tf.Tensor, tuples: Tuples): tf.Tensor => logOfSum(body, tuples, 1);

/** Whether the condition holds for some tuple. */
export function any(body: tf.Tensor, tuples: Tuples): tf.Tensor {
  return untracked(() =>
    tf.any(tuples.where === undefined ? body : tf.logicalAnd(body, tuples.where), [...tuples.over]),
  );
}

/** Whether the condition holds for every tuple. */
export function all(body: tf.Tensor, tuples: Tuples): tf.Tensor {
  return untracked(() =>
    tf.all(tuples.where === undefined ? body : tf.logicalOr(body, tf.logicalNot(tuples.where)), [
      ...tuples.over,
    ]),
  );
}

/** For how many tuples the condition holds. */
export function count(body: tf.Tensor, tuples: Tuples): tf.Tensor {
  return untracked(() => {
    const holds = tuples.where === undefined ? body : tf.logicalAnd(body, tuples.where);
    return tf.sum(tf.cast(holds, "float32"), [...tuples.over]);
  });
}

/** Index of the largest value along one axis; the lowest at a tie. No gradient. */
export function argMax(body: tf.Tensor, tuples: Tuples): tf.Tensor {
  return untracked(() => tf.argMax(chosen(body, tuples.where, LOWEST), tuples.over[0]!));
}

/** Index of the smallest value along one axis; the lowest at a tie. No gradient. */
export function argMin(body: tf.Tensor, tuples: Tuples): tf.Tensor {
  return untracked(() => tf.argMin(chosen(body, tuples.where, -LOWEST), tuples.over[0]!));
}
