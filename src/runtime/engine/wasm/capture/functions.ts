/**
 * Functions of floats that WebAssembly has no instruction for, four at once: exponential and logarithm by argument
 * reduction and a polynomial (coefficients of S. Moshier's Cephes library, single precision: `expf.c`, `logf.c`, `asinf.c`), and
 * what is made of them. Within about two units in the last place over the whole range, denormals included; infinities
 * and NaN as in IEEE 754. Used by `elementwise.ts`.
 */
import type { Code } from "../assembler.ts";
import { type Hold, bits, floats as f, integers as i } from "./lanes.ts";

const { add, sub, mul, div, constant: c } = f;

/**
 * Polynomial in `x`, highest power first. Neighbours are joined in pairs (Estrin's scheme): what is computed waits for
 * fewer results than by Horner's rule, and waiting is what these functions spend their time on.
 */
function polynomial(hold: Hold, x: Code, coefficients: readonly number[]): Code {
  let terms: Code[] = coefficients.toReversed().map(c);
  let power = x;
  while (terms.length > 1) {
    const by = power;
    terms = Array.from({ length: Math.ceil(terms.length / 2) }, (_, pair) => {
      const [low, high] = [terms[2 * pair]!, terms[2 * pair + 1]];
      return high === undefined ? low : hold(add(low, mul(high, by)));
    });
    if (terms.length > 1) power = hold(mul(power, power));
  }
  return terms[0]!;
}

/** ln 2 in two parts; the first has few digits, so that its products with small integers are exact. */
const LN2 = { high: 0.693359375, low: -2.1219444e-4 };
const EXP = [
  1.98756915e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1,
];
const ASIN = [4.2163199048e-2, 2.4181311049e-2, 4.5470025998e-2, 7.4953002686e-2, 1.6666752422e-1];
const LOG = [
  7.0376836292e-2, -1.151461031e-1, 1.167699874e-1, -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1,
  2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1,
];

/** Added to a float of small magnitude, it leaves the nearest integer in the lowest bits. */
const ROUNDER = 1.5 * 2 ** 23;

/** Below the logarithm of half the smallest float, e^x rounds to 0. */
const SMALLEST = -150 * Math.LN2;

/** e^x. */
export function exp(hold: Hold, given: Code): Code {
  // What is too large has an infinite result, what is too small 0; NaN stays. The 0 is not left to underflow, which
  // costs the processor a hundred times a product, and masked entries of a softmax are all too small.
  const tooSmall = hold(f.lt(given, c(SMALLEST)));
  const x = hold(f.lesser(bits.andNot(given, tooSmall), c(90)));
  const rounded = hold(add(mul(x, c(Math.LOG2E)), c(ROUNDER)));
  const n = hold(sub(rounded, c(ROUNDER)));
  const r = hold(sub(sub(x, mul(n, c(LN2.high))), mul(n, c(LN2.low))));
  const p = hold(add(add(mul(polynomial(hold, r, EXP), mul(r, r)), r), c(1)));
  // 2^n in two factors: n may lie beyond the exponents of normal numbers.
  const whole = hold(i.sub(rounded, c(ROUNDER)));
  const half = hold(i.shiftRight(whole, 1));
  return bits.andNot(mul(mul(p, powerOfTwo(half)), powerOfTwo(i.sub(whole, half))), tooSmall);
}

/** 2^n as a float, for n in the range of normal exponents. */
const powerOfTwo = (n: Code): Code => i.shiftLeft(i.add(n, i.constant(127)), 23);

/** Natural logarithm of a positive normal number with 2^-k taken off its exponent where the mask is set. */
function logOfNormal(hold: Hold, x: Code, scaled?: { readonly mask: Code; readonly exponent: number }): Code {
  const bias =
    scaled === undefined
      ? i.constant(126)
      : bits.select(scaled.mask, i.constant(126 + scaled.exponent), i.constant(126));
  const exponent = i.sub(i.shiftRight(x, 23), bias);
  const mantissa = hold(bits.or(bits.and(x, i.constant(0x007fffff)), i.constant(0x3f000000)));
  // The mantissa in [1/2, 1) is brought to [sqrt(1/2), sqrt(2)), minus 1.
  const low = hold(f.lt(mantissa, c(Math.SQRT1_2)));
  const e = hold(i.toFloats(i.add(exponent, low)));
  const m = hold(sub(add(mantissa, bits.and(low, mantissa)), c(1)));
  const square = hold(mul(m, m));
  const tail = add(mul(mul(polynomial(hold, m, LOG), m), square), mul(e, c(LN2.low)));
  return hold(add(add(m, sub(tail, mul(square, c(0.5)))), mul(e, c(LN2.high))));
}

/** Natural logarithm: -inf at 0, NaN below. */
export function log(hold: Hold, given: Code): Code {
  const x = hold(given);
  // Numbers below the normal ones are scaled up first.
  const small = hold(f.lt(x, c(2 ** -126)));
  const normal = hold(bits.select(small, mul(x, c(2 ** 23)), x));
  const finite = logOfNormal(hold, normal, { mask: small, exponent: 23 });
  const atZero = hold(bits.select(f.eq(x, c(0)), c(-Infinity), x));
  const special = hold(bits.select(f.lt(x, c(0)), c(NaN), atZero));
  return bits.select(bits.and(f.gt(x, c(0)), f.lt(x, c(Infinity))), finite, special);
}

/** log(1 + x), exact near 0 (Kahan's form: the rounding of 1 + x is divided out). */
export function log1p(hold: Hold, given: Code): Code {
  const x = hold(given);
  const u = hold(add(x, c(1)));
  const moved = hold(sub(u, c(1)));
  const corrected = hold(mul(logOfNormal(hold, u), div(x, moved)));
  // At u = 1 the logarithm is x, and at infinity the correction would be infinity over itself.
  const atOne = hold(bits.select(f.eq(u, c(0)), c(-Infinity), x));
  const special = hold(bits.select(f.lt(u, c(0)), c(NaN), atOne));
  const regular = bits.and(bits.and(f.gt(u, c(0)), f.lt(u, c(Infinity))), f.ne(moved, c(0)));
  return bits.select(regular, corrected, special);
}

/** 1 / (1 + e^-x). */
export const sigmoid = (hold: Hold, x: Code): Code => div(c(1), add(exp(hold, f.neg(x)), c(1)));

/** log(1 + e^x) = max(x, 0) + log(1 + e^-|x|). */
export function softplus(hold: Hold, given: Code): Code {
  const x = hold(given);
  return add(f.greater(x, c(0)), log1p(hold, exp(hold, f.neg(f.abs(x)))));
}

/** Inverse cosine; NaN outside [-1, 1]. Near the ends by the half angle, which keeps the digits of a small angle. */
export function acos(hold: Hold, given: Code): Code {
  const x = hold(given);
  const size = hold(f.abs(x));
  const large = hold(f.gt(size, c(0.5)));
  const half = hold(mul(sub(c(1), size), c(0.5)));
  const z = hold(bits.select(large, half, mul(x, x)));
  const s = hold(bits.select(large, f.sqrt(half), x));
  const asin = hold(add(s, mul(mul(s, z), polynomial(hold, z, ASIN))));
  const twice = hold(add(asin, asin));
  const end = hold(bits.select(f.lt(x, c(0)), sub(c(Math.PI), twice), twice));
  return bits.select(large, end, sub(c(Math.PI / 2), asin));
}
