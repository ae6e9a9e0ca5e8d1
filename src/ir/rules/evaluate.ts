/**
 * Evaluating: an operation on constants is a constant, and a power that has an operation of its own is written as that.
 * At work whenever a node is made, before any pass: lowering unrolls lists, cuts prefixes and takes branches by what it
 * knows of constants, and recognises sums of squares.
 */
import type { BinaryOperator, Graph, Node, UnaryOperator } from "../graph.ts";
import { constantOf } from "../graph.ts";

/** sqrt(1 - c^2), and 0 where 1 - c^2 is at most 2e-6, as at run time. */
function sineOfAcos(c: number): number {
  const square = (1 - c) * (1 + c);
  return square > 2e-6 ? Math.sqrt(square) : 0;
}

const UNARY: Partial<Record<UnaryOperator, (v: number) => number>> = {
  neg: (v) => -v,
  exp: Math.exp,
  log: Math.log,
  log1p: Math.log1p,
  sqrt: Math.sqrt,
  abs: Math.abs,
  relu: (v) => Math.max(0, v),
  softplus: (v) => Math.max(v, 0) + Math.log1p(Math.exp(-Math.abs(v))),
  sigmoid: (v) => 1 / (1 + Math.exp(-v)),
  tanh: Math.tanh,
  cos: Math.cos,
  sin: Math.sin,
  acos: (v) => Math.acos(sineOfAcos(v) > 0 ? v : Math.sign(v)),
  sine_of_acos: sineOfAcos,
  square: (v) => v * v,
  real: (v) => v,
  stop_gradient: (v) => v,
};

const BINARY: Partial<Record<BinaryOperator, (a: number, b: number) => number>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  ratio: (a, b) => (b === 0 ? 0 : a / b),
  pow: (a, b) => a ** b,
  max: Math.max,
  min: Math.min,
};

const COMPARISON: Partial<Record<BinaryOperator, (a: number, b: number) => boolean>> = {
  eq: (a, b) => a === b,
  ne: (a, b) => a !== b,
  lt: (a, b) => a < b,
  le: (a, b) => a <= b,
  gt: (a, b) => a > b,
  ge: (a, b) => a >= b,
};

/** A comparison of two constants. */
export function evaluateComparison(graph: Graph, op: BinaryOperator, a: Node, b: Node): Node | undefined {
  const [left, right] = [constantOf(a), constantOf(b)];
  if (left === undefined || right === undefined) return undefined;
  return graph.constant(COMPARISON[op]!(left, right) ? 1 : 0, "bool");
}

/** `and` or `or` of two constants. */
export function evaluateLogical(graph: Graph, op: BinaryOperator, a: Node, b: Node): Node | undefined {
  const [left, right] = [constantOf(a), constantOf(b)];
  if (left === undefined || right === undefined) return undefined;
  const holds = op === "and" ? left !== 0 && right !== 0 : left !== 0 || right !== 0;
  return graph.constant(holds ? 1 : 0, "bool");
}

export function evaluateUnary(graph: Graph, op: UnaryOperator, input: Node): Node | undefined {
  const value = constantOf(input);
  if (value === undefined) return undefined;
  if (op === "not") return graph.constant(value === 0 ? 1 : 0, "bool");
  const rule = UNARY[op];
  // A constant outside a function's domain stays as it is, so that it fails where the formula stands.
  return rule !== undefined && Number.isFinite(rule(value)) ? graph.constant(rule(value)) : undefined;
}

export function evaluateBinary(graph: Graph, op: BinaryOperator, a: Node, b: Node): Node | undefined {
  const [left, right] = [constantOf(a), constantOf(b)];
  if (left !== undefined && right !== undefined) {
    const value = BINARY[op]?.(left, right);
    if (value !== undefined && Number.isFinite(value)) return graph.constant(value);
  }
  if (op === "pow" && right === 2) return graph.node({ kind: "square" }, [a], a.shape, "real");
  if (op === "pow" && right === 0.5) return graph.node({ kind: "sqrt" }, [a], a.shape, "real");
  return undefined;
}
