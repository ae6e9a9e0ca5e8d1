/**
 * Folding: what is known now is worked out now. Constants combine, and neutral operands disappear. Every rule keeps the
 * value and the gradient exactly; x * 0 is not folded, since x may be infinite.
 */
import type { BinaryOperator, Graph, Node, UnaryOperator } from "../graph.ts";
import { constantOf } from "../graph.ts";

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
  acos: (v) => Math.acos(Math.max(-1, Math.min(1, v))),
  sine_of_acos: (v) => Math.sqrt(Math.max(0, (1 - v) * (1 + v))),
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

const NEVER_NEGATIVE: ReadonlySet<string> = new Set(["relu", "sqrt", "abs", "norm"]);

const COMPARISON: Partial<Record<BinaryOperator, (a: number, b: number) => boolean>> = {
  eq: (a, b) => a === b,
  ne: (a, b) => a !== b,
  lt: (a, b) => a < b,
  le: (a, b) => a <= b,
  gt: (a, b) => a > b,
  ge: (a, b) => a >= b,
};

/** A comparison of two constants. */
export function foldComparison(graph: Graph, op: BinaryOperator, a: Node, b: Node): Node | undefined {
  const [left, right] = [constantOf(a), constantOf(b)];
  if (left === undefined || right === undefined) return undefined;
  return graph.constant(COMPARISON[op]!(left, right) ? 1 : 0, "bool");
}

/** The neutral side of `and` or `or` disappears. The absorbing one stays: the result keeps the shape of both. */
export function foldLogical(op: BinaryOperator, a: Node, b: Node): Node | undefined {
  const neutral = op === "and" ? 1 : 0;
  if (isPartOf(op, a, b)) return b;
  if (isPartOf(op, b, a)) return a;
  if (constantOf(a) === neutral) return b;
  if (constantOf(b) === neutral) return a;
  const constants = constantOf(a) !== undefined && constantOf(b) !== undefined;
  return constants ? a : undefined;
}

/** How far a chain of conditions is looked through. */
const CHAIN = 16;

/** Whether a condition is one of those that a chain of the same operator holds already. */
function isPartOf(op: BinaryOperator, part: Node, whole: Node): boolean {
  const open = [whole];
  for (let looked = 0; looked < CHAIN && open.length > 0; looked++) {
    const node = open.pop()!;
    if (node === part) return true;
    if (node.operation.kind === op) open.push(...node.inputs);
  }
  return false;
}

export function foldUnary(graph: Graph, op: UnaryOperator, input: Node): Node | undefined {
  const value = constantOf(input);
  if (value !== undefined) {
    if (op === "not") return graph.constant(value === 0 ? 1 : 0, "bool");
    const rule = UNARY[op];
    // A constant outside a function's domain stays as it is, so that it fails where the formula stands.
    if (rule !== undefined && Number.isFinite(rule(value))) return graph.constant(rule(value));
  }
  if (op === "neg" && input.operation.kind === "neg") return input.inputs[0]!;
  if (op === "not" && input.operation.kind === "not") return input.inputs[0]!;
  if (op === "stop_gradient" && !input.differentiable) return input;
  // At their own 0 these have derivative 0, as relu has.
  if (op === "relu" && NEVER_NEGATIVE.has(input.operation.kind)) return input;
  return undefined;
}

export function foldBinary(graph: Graph, op: BinaryOperator, a: Node, b: Node): Node | undefined {
  const left = constantOf(a);
  const right = constantOf(b);
  if (left !== undefined && right !== undefined) {
    const value = BINARY[op]?.(left, right);
    if (value !== undefined && Number.isFinite(value)) return graph.constant(value);
  }
  switch (op) {
    case "add":
      if (left === 0) return b;
      if (right === 0) return a;
      break;
    case "sub":
      if (right === 0) return a;
      break;
    case "mul":
      if (left === 1) return b;
      if (right === 1) return a;
      break;
    case "div":
    case "pow":
      if (right === 1) return a;
      if (op === "pow" && right === 2) return graph.node({ kind: "square" }, [a], a.shape, "real");
      if (op === "pow" && right === 0.5) return graph.node({ kind: "sqrt" }, [a], a.shape, "real");
      break;
    default:
      break;
  }
  return undefined;
}
