/**
 * The functions of one and two numbers: value, derivative, and what they are at their kinks. `graph.ts` folds constants
 * with them and `evaluate.ts` records them on the tape. Pure.
 *
 * Kinks (language.md): relu′(0) = 0, abs′(0) = 0, the gradient of sqrt at 0 is 0, ties of max and min split equally,
 * acos and its sine are exact at the ends and have gradient 0 there, ratio(a, 0) is 0 with zero gradient. A power whose derivative at
 * 0 is infinite (an exponent between 0 and 1) has gradient 0 there, as sqrt has.
 */

export type UnaryOperator =
  | "-"
  | "relu"
  | "softplus"
  | "sigmoid"
  | "tanh"
  | "exp"
  | "log"
  | "log1p"
  | "sqrt"
  | "abs"
  | "acos"
  | "cos"
  | "sin"
  | "stop_gradient"
  // Forms that only rewriting produces (stability.ts):
  /** exp, but an absent argument stays absent. */
  | "probability"
  /** sqrt(1 - c²), 0 at the ends: the sine of acos(c). */
  | "sine_of_acos";

export type BinaryOperator = "+" | "-" | "*" | "/" | "^" | "max" | "min" | "ratio";

/** Value and derivative at one point; the same object is used again for the next. */
export interface Derived {
  value: number;
  da: number;
  db: number;
}

const result: Derived = { value: 0, da: 0, db: 0 };

function derived(value: number, da: number, db = 0): Derived {
  result.value = value;
  result.da = da;
  result.db = db;
  return result;
}

function sigmoid(v: number): number {
  const e = Math.exp(-Math.abs(v));
  return v >= 0 ? 1 / (1 + e) : e / (1 + e);
}

/** log(1 + exp v), above 0 as the function is: an active mean counts it however small it gets. */
function softplus(v: number): number {
  const value = Math.max(v, 0) + Math.log1p(Math.exp(-Math.abs(v)));
  return value === 0 ? Number.MIN_VALUE : value;
}

/** Cosines with 1 - c² at or below this are at the end (language.md, "Stability"). */
const AT_THE_END = 2e-6;

/** sqrt(1 - c²), and 0 at the ends and beyond. */
function sineOfAcos(c: number): number {
  const square = (1 - c) * (1 + c);
  return square > AT_THE_END ? Math.sqrt(square) : 0;
}

export function unary(op: UnaryOperator, v: number): Derived {
  switch (op) {
    case "-":
      return derived(-v, -1);
    case "relu":
      return v > 0 ? derived(v, 1) : derived(Number.isNaN(v) ? v : 0, 0);
    case "softplus":
      return derived(softplus(v), sigmoid(v));
    case "sigmoid": {
      const s = sigmoid(v);
      return derived(s, s * sigmoid(-v));
    }
    case "tanh": {
      const t = Math.tanh(v);
      return derived(t, 1 - t * t);
    }
    case "exp":
    case "probability": {
      const e = Math.exp(v);
      return derived(e, e);
    }
    case "log":
      return derived(Math.log(v), 1 / v);
    case "log1p":
      return derived(Math.log1p(v), 1 / (1 + v));
    case "sqrt": {
      const s = Math.sqrt(v);
      return derived(s, s === 0 ? 0 : 0.5 / s);
    }
    case "abs":
      return derived(Math.abs(v), Math.sign(v));
    case "acos": {
      const s = sineOfAcos(v);
      if (s === 0) return derived(v > 0 ? 0 : Math.PI, 0);
      return derived(Math.acos(v), -1 / s);
    }
    case "sine_of_acos": {
      const s = sineOfAcos(v);
      return derived(s, s === 0 ? 0 : -v / s);
    }
    case "cos":
      return derived(Math.cos(v), -Math.sin(v));
    case "sin":
      return derived(Math.sin(v), Math.cos(v));
    case "stop_gradient":
      return derived(v, 0);
  }
}

export function binary(op: BinaryOperator, a: number, b: number): Derived {
  switch (op) {
    case "+":
      return derived(a + b, 1, 1);
    case "-":
      return derived(a - b, 1, -1);
    case "*":
      return derived(a * b, b, a);
    case "/":
      return derived(a / b, 1 / b, -a / (b * b));
    case "ratio":
      return b === 0 ? derived(0, 0, 0) : derived(a / b, 1 / b, -a / (b * b));
    case "^":
      return power(a, b);
    case "max":
    case "min": {
      if (a === b) return derived(a, 0.5, 0.5);
      const first = op === "max" ? a > b : a < b;
      return first ? derived(a, 1, 0) : derived(b, 0, 1);
    }
  }
}

function power(base: number, exponent: number): Derived {
  const value = Math.pow(base, exponent);
  const slope = exponent === 0 ? 0 : exponent * Math.pow(base, exponent - 1);
  const da = base === 0 && !Number.isFinite(slope) && Number.isFinite(value) ? 0 : slope;
  return derived(value, da, base > 0 ? value * Math.log(base) : 0);
}
