/**
 * Functions of floats that WebAssembly has no instruction for, four at once: exponential and logarithm by argument
 * reduction and a polynomial (coefficients of S. Moshier's Cephes library, single precision: `expf.c`, `logf.c`), and
 * what is made of them. Within about two units in the last place over the whole range, denormals included; infinities
 * and NaN as in IEEE 754. Used by `elementwise.ts`.
 */
import type { Code } from "../assembler.ts";
import { type Hold, bits, floats as f, integers as i } from "./lanes.ts";

const { add, sub, mul, div, constant: c } = f;

/** Polynomial in `x`, highest power first, by Horner's rule. */
const polynomial = (x: Code, coefficients: readonly number[]): Code =>
  coefficients.slice(1).reduce((sum, k) => add(mul(sum, x), c(k)), c(coefficients[0]!));

/** ln 2 in two parts; the first has few digits, so that its products with small integers are exact. */
const LN2 = { high: 0.693359375, low: -2.1219444e-4 };
const EXP = [
  1.98756915e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1,
];
const LOG = [
  7.0376836292e-2, -1.151461031e-1, 1.167699874e-1, -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1,
  2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1,
];

/** e^x. */
export function exp(hold: Hold, given: Code): Code {
  // Beyond these all results are infinite, or zero. The comparisons keep NaN.
  const x = hold(f.min(f.max(given, c(-106)), c(90)));
  const n = hold(f.nearest(mul(x, c(Math.LOG2E))));
  const r = hold(sub(sub(x, mul(n, c(LN2.high))), mul(n, c(LN2.low))));
  const p = hold(add(add(mul(polynomial(r, EXP), mul(r, r)), r), c(1)));
  // 2^n in two factors: n may lie beyond the exponents of normal numbers.
  const whole = hold(f.toIntegers(n));
  const half = hold(i.shiftRight(whole, 1));
  return mul(mul(p, powerOfTwo(half)), powerOfTwo(i.sub(whole, half)));
}

/** 2^n as a float, for n in the range of normal exponents. */
const powerOfTwo = (n: Code): Code => i.shiftLeft(i.add(n, i.constant(127)), 23);

/** Natural logarithm: -inf at 0, NaN below. */
export function log(hold: Hold, given: Code): Code {
  const x = hold(given);
  const small = hold(f.lt(x, c(2 ** -126)));
  // Numbers below the normal ones are scaled up first.
  const scaled = hold(bits.select(small, mul(x, c(2 ** 23)), x));
  const exponent = i.sub(i.shiftRight(scaled, 23), bits.select(small, i.constant(126 + 23), i.constant(126)));
  const mantissa = hold(bits.or(bits.and(scaled, i.constant(0x007fffff)), i.constant(0x3f000000)));
  // The mantissa in [1/2, 1) is brought to [sqrt(1/2), sqrt(2)), minus 1.
  const low = hold(f.lt(mantissa, c(Math.SQRT1_2)));
  const e = hold(i.toFloats(i.add(exponent, low)));
  const m = hold(sub(add(mantissa, bits.and(low, mantissa)), c(1)));
  const square = hold(mul(m, m));
  const tail = add(mul(mul(polynomial(m, LOG), m), square), mul(e, c(LN2.low)));
  const finite = hold(add(add(m, sub(tail, mul(square, c(0.5)))), mul(e, c(LN2.high))));
  const positive = bits.select(f.lt(x, c(Infinity)), finite, x);
  const atZero = bits.select(f.eq(x, c(0)), c(-Infinity), hold(positive));
  return bits.select(f.lt(x, c(0)), c(NaN), hold(atZero));
}

/** log(1 + x), exact near 0 (Kahan's form: the rounding of 1 + x is divided out). */
export function log1p(hold: Hold, given: Code): Code {
  const x = hold(given);
  const u = hold(add(x, c(1)));
  const moved = hold(sub(u, c(1)));
  const corrected = hold(div(mul(log(hold, u), x), moved));
  // At u = 1 the logarithm is x, and at infinity the correction would be infinity over itself.
  const plain = bits.or(f.eq(moved, c(0)), f.eq(u, c(Infinity)));
  return bits.select(plain, x, corrected);
}

/** 1 / (1 + e^-x). */
export const sigmoid = (hold: Hold, x: Code): Code => div(c(1), add(exp(hold, f.neg(x)), c(1)));

/** log(1 + e^x) = max(x, 0) + log(1 + e^-|x|). */
export function softplus(hold: Hold, given: Code): Code {
  const x = hold(given);
  return add(f.max(x, c(0)), log1p(hold, exp(hold, f.neg(f.abs(x)))));
}
