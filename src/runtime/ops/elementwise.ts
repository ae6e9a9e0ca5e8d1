/**
 * Elementwise functions of formulas whose derivative tfjs gets wrong, or not finite, somewhere: at kinks the derivative
 * is 0 (language.md, "Kinks"), and where no gradient arrives none leaves, so that a value that a mask has taken out
 * cannot turn the gradient into NaN by 0 * infinity. All keep the shape; binary ones broadcast.
 */
import * as tf from "@tensorflow/tfjs-core";
import { summedTo } from "./broadcast.ts";
import { untracked } from "./untracked.ts";

type Derivative = (dy: tf.Tensor, x: tf.Tensor, y: tf.Tensor) => tf.Tensor;

/** A function with its own derivative; the gradient is 0 wherever dy is. */
function withDerivative(
  forward: (x: tf.Tensor) => tf.Tensor,
  backward: Derivative,
): <T extends tf.Tensor>(x: T) => T {
  const op = tf.customGrad((input, save) => {
    const x = input as tf.Tensor;
    const y = forward(x);
    (save as tf.GradSaveFunc)([x, y]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor => {
      const gradient = backward(dy, saved[0]!, saved[1]!);
      return tf.where(tf.notEqual(dy, 0), gradient, tf.zerosLike(gradient));
    };
    return { value: y, gradFunc };
  });
  return <T extends tf.Tensor>(x: T): T => op(x) as T;
}

export const exp = withDerivative(tf.exp, (dy, _, y) => tf.mul(dy, y));
export const log = withDerivative(tf.log, (dy, x) => tf.div(dy, x));
export const log1p = withDerivative(tf.log1p, (dy, x) => tf.div(dy, tf.add(x, 1)));

export const square = withDerivative(tf.square, (dy, x) => tf.mul(dy, tf.mul(x, 2)));
export const relu = withDerivative(tf.relu, (dy, x) => tf.mul(dy, tf.step(x)));
/** 1 - y is taken as sigmoid(-x): beside 1 the difference would be rounding only. */
export const sigmoid = withDerivative(tf.sigmoid, (dy, x, y) => tf.mul(dy, tf.mul(y, tf.sigmoid(tf.neg(x)))));
export const tanh = withDerivative(tf.tanh, (dy, _, y) => tf.mul(dy, tf.sub(1, tf.square(y))));
export const cos = withDerivative(tf.cos, (dy, x) => tf.neg(tf.mul(dy, tf.sin(x))));
export const sin = withDerivative(tf.sin, (dy, x) => tf.mul(dy, tf.cos(x)));

/** Square root, 0 with derivative 0 for anything at or below 0 (rounding may bring a true 0 slightly below). */
export const sqrt = withDerivative(
  (x) => tf.sqrt(tf.relu(x)),
  (dy, x, y) => tf.where(tf.greater(x, 0), tf.div(dy, tf.mul(y, 2)), tf.zerosLike(y)),
);

/** Smallest positive number that float32 holds to full precision. */
const SMALLEST = 1.1754944e-38;

/**
 * log(1 + exp x) as max(x, 0) - log(1 - sigmoid(-|x|)): exact on both sides, and the engines' sigmoid is fast. Always
 * above 0 as the function is: an active mean counts it however small it gets.
 */
export const softplus = withDerivative(
  (x) => {
    const tail = tf.log1p(tf.neg(tf.sigmoid(tf.neg(tf.abs(x)))));
    return tf.maximum(tf.sub(tf.relu(x), tail), SMALLEST);
  },
  (dy, x) => tf.mul(dy, tf.sigmoid(x)),
);

/** 1, 0 or -1. The sign of tfjs's wasm backend is 0 for all of at most 1e-7. */
const signOf = (x: tf.Tensor): tf.Tensor =>
  tf.sub(tf.cast(tf.greater(x, 0), "float32"), tf.cast(tf.less(x, 0), "float32"));

/** |x|, with derivative 0 at 0. */
export const abs = withDerivative(tf.abs, (dy, x) => tf.mul(dy, signOf(x)));

/**
 * Cosines with 1 - c^2 at or below this are at the end. A float32 cosine is off by about one unit in its last place,
 * 1.2e-7, which at 1 - c^2 = 2e-6 is a sixteenth of the sine and below soon all of it; for unit vectors it is where
 * their squared distance, 2 - 2 c, counts as 0 as well.
 */
const AT_THE_END = 2e-6;

/** 1 - c^2, and 0 at the ends and beyond. */
function sineSquared(c: tf.Tensor): tf.Tensor {
  const square = tf.relu(tf.mul(tf.sub(1, c), tf.add(1, c)));
  return tf.mul(square, tf.step(tf.sub(square, AT_THE_END)));
}

/** Arc cosine: 0 or pi with derivative 0 at the ends and beyond. */
export const acos = withDerivative(
  (x) => tf.acos(tf.where(tf.greater(sineSquared(x), 0), x, tf.sign(x))),
  (dy, x) => {
    const square = sineSquared(x);
    const inside = tf.greater(square, 0);
    const slope = tf.rsqrt(tf.where(inside, square, tf.onesLike(square)));
    return tf.where(inside, tf.neg(tf.mul(dy, slope)), tf.zerosLike(dy));
  },
);

/** sqrt(1 - c^2), the sine of acos c: 0 with derivative 0 at the ends and beyond. */
export const sineOfAcos = withDerivative(
  (c) => tf.sqrt(sineSquared(c)),
  (dy, c, sine) => {
    const some = tf.greater(sine, 0);
    const slope = tf.neg(tf.div(c, tf.where(some, sine, tf.onesLike(sine))));
    return tf.where(some, tf.mul(dy, slope), tf.zerosLike(dy));
  },
);

type Partials = (dy: tf.Tensor, a: tf.Tensor, b: tf.Tensor) => [tf.Tensor, tf.Tensor];

function binaryWithDerivatives(
  forward: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor,
  partials: Partials,
): (a: tf.Tensor | number, b: tf.Tensor | number) => tf.Tensor {
  const op = tf.customGrad((left, right, save) => {
    const [a, b] = [left as tf.Tensor, right as tf.Tensor];
    (save as tf.GradSaveFunc)([a, b]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]): tf.Tensor[] => {
      const [x, y] = [saved[0]!, saved[1]!];
      const arrives = tf.notEqual(dy, 0);
      return partials(dy, x, y).map((partial, k) =>
        summedTo(tf.where(arrives, partial, tf.zerosLike(partial)), saved[k]!.shape),
      );
    };
    return { value: forward(a, b), gradFunc };
  });
  return (a, b) => op(tensor(a), tensor(b));
}

const tensor = (v: tf.Tensor | number): tf.Tensor => (typeof v === "number" ? tf.scalar(v) : v);

/** a * b */
export const multiply = binaryWithDerivatives(tf.mul, (dy, a, b) => [tf.mul(dy, b), tf.mul(dy, a)]);

/** a / b */
export const divide = binaryWithDerivatives(tf.div, (dy, a, b) => [
  tf.div(dy, b),
  tf.neg(tf.div(tf.mul(dy, tf.div(a, b)), b)),
]);

/** a / b, and 0 with zero gradient where b is 0. */
export const ratio = binaryWithDerivatives(
  (a, b) => {
    const zero = tf.equal(b, 0);
    const quotient = tf.div(a, tf.where(zero, tf.onesLike(b), b));
    return tf.mul(quotient, tf.cast(tf.notEqual(b, 0), "float32"));
  },
  (dy, a, b) => {
    const there = tf.cast(tf.notEqual(b, 0), "float32");
    const below = tf.add(b, tf.sub(1, there));
    const scaled = tf.mul(tf.div(dy, below), there);
    return [scaled, tf.neg(tf.mul(scaled, tf.div(a, below)))];
  },
);

/**
 * a ^ b. Where a is not positive, the derivative by b is that of a constant exponent, 0. At a = 0 the derivative by a is
 * 0 for an exponent between 0 and 1, as that of the square root is.
 */
export const power = binaryWithDerivatives(tf.pow, (dy, a, b) => {
  const flat = tf.logicalAnd(tf.equal(a, 0), tf.logicalAnd(tf.greater(b, 0), tf.less(b, 1)));
  const zeroExponent = tf.logicalOr(tf.equal(b, 0), flat);
  const byBase = tf.mul(b, tf.pow(a, tf.sub(b, 1)));
  const positive = tf.greater(a, 0);
  const logarithm = tf.log(tf.where(positive, a, tf.onesLike(a)));
  return [
    tf.mul(dy, tf.where(zeroExponent, tf.zerosLike(dy), byBase)),
    tf.mul(dy, tf.mul(tf.pow(a, b), logarithm)),
  ];
});

/** The larger of two numbers; a tie splits the gradient equally. */
export const maximum = binaryWithDerivatives(tf.maximum, (dy, a, b) => {
  const left = tf.add(tf.step(tf.sub(a, b)), tf.mul(0.5, tf.cast(tf.equal(a, b), "float32")));
  return [tf.mul(dy, left), tf.mul(dy, tf.sub(1, left))];
});

/** The smaller of two numbers; a tie splits the gradient equally. */
export const minimum = binaryWithDerivatives(tf.minimum, (dy, a, b) => {
  const left = tf.add(tf.step(tf.sub(b, a)), tf.mul(0.5, tf.cast(tf.equal(a, b), "float32")));
  return [tf.mul(dy, left), tf.mul(dy, tf.sub(1, left))];
});

/** `yes` where the condition holds, `no` elsewhere, all broadcast. */
export function select(condition: tf.Tensor, yes: tf.Tensor | number, no: tf.Tensor | number): tf.Tensor {
  return tf.where(condition, tensor(yes), tensor(no));
}

/** 1 where a condition holds, else 0; of an index, its number. No gradient. */
export function real(x: tf.Tensor): tf.Tensor {
  return untracked(() => tf.cast(x, "float32"));
}
