/**
 * Which values a node of the loss graph can take. Intervals are componentwise, and vectors carry an interval of their
 * norm as well: Cauchy–Schwarz bounds a product of rows, the triangle inequality a distance. That is what shows that a
 * margin of 3 can never be met by unit vectors. Sound for real arithmetic: a true value never lies outside; wider than
 * necessary where two operands depend on each other. Pure.
 */
import type { Dim, Node } from "../graph.ts";

export interface Interval {
  readonly low: number;
  readonly high: number;
}

export interface Bounds {
  readonly value: Interval;
  /** Euclidean length along the last axis, for what can be read as vectors. */
  readonly norm?: Interval;
}

/** What is known of the leaves. */
export interface Leaves {
  /** Whether the embeddings of this name have unit length. */
  unit(input: string): boolean;
  /** How many elements a side may have. */
  size(dim: Dim): Interval;
  /** The values of a parameter that never changes; undefined for one that is trained. */
  fixed?(parameter: string): Interval | undefined;
}

const REAL: Interval = { low: -Infinity, high: Infinity };
const NONNEGATIVE: Interval = { low: 0, high: Infinity };
const UNIT: Interval = { low: 0, high: 1 };

const interval = (low: number, high: number): Interval => ({ low, high });
const hull = (...all: Interval[]): Interval =>
  interval(Math.min(...all.map((one) => one.low)), Math.max(...all.map((one) => one.high)));
/** A product of bounds: 0 times infinity is 0, since each is a bound and not a value. */
const times = (a: number, b: number): number => (a === 0 || b === 0 ? 0 : a * b);

function product(a: Interval, b: Interval): Interval {
  const corners = [times(a.low, b.low), times(a.low, b.high), times(a.high, b.low), times(a.high, b.high)];
  return interval(Math.min(...corners), Math.max(...corners));
}

function quotient(a: Interval, b: Interval): Interval {
  if (b.low <= 0 && b.high >= 0) return a.low >= 0 && b.low >= 0 ? NONNEGATIVE : REAL;
  return product(a, interval(1 / b.high, 1 / b.low));
}

/** Where two infinities met, nothing is known. */
function ordered({ low, high }: Interval): Interval {
  return interval(Number.isNaN(low) ? -Infinity : low, Number.isNaN(high) ? Infinity : high);
}

const increasing = (f: (v: number) => number, a: Interval): Interval => interval(f(a.low), f(a.high));
const softplus = (v: number): number => Math.max(v, 0) + Math.log1p(Math.exp(-Math.abs(v)));
const sigmoid = (v: number): number => 1 / (1 + Math.exp(-v));

/** The bounds of every node the roots need, inputs first. */
export function boundsOf(roots: readonly Node[], leaves: Leaves): Map<Node, Bounds> {
  const known = new Map<Node, Bounds>();
  const wanted = new Set<Node>();
  const stack = [...roots];
  while (stack.length > 0) {
    const node = stack.pop()!;
    if (wanted.has(node)) continue;
    wanted.add(node);
    stack.push(...node.inputs);
  }
  // A node is made after its inputs, so ids are a topological order.
  for (const node of [...wanted].sort((a, b) => a.id - b.id)) {
    const inputs = node.inputs.map((input) => known.get(input)!);
    const { value, norm } = bound(node, inputs, leaves);
    known.set(node, { value: ordered(value), ...(norm === undefined ? {} : { norm }) });
  }
  return known;
}

function bound(node: Node, inputs: readonly Bounds[], leaves: Leaves): Bounds {
  const { operation } = node;
  const [a, b, c] = inputs as [Bounds, Bounds, Bounds];
  switch (operation.kind) {
    case "input":
      return leaves.unit(operation.name)
        ? { value: interval(-1, 1), norm: interval(1, 1) }
        : { value: REAL, norm: NONNEGATIVE };
    case "param":
      return { value: leaves.fixed?.(operation.name) ?? REAL, norm: NONNEGATIVE };
    case "state":
      return { value: REAL, norm: NONNEGATIVE };
    case "noise":
      return { value: UNIT };
    case "cumulative_sum":
      return { value: a.value.low >= 0 ? NONNEGATIVE : REAL };
    case "constant":
      return { value: interval(operation.value, operation.value) };
    case "size":
      return { value: leaves.size(operation.dim) };
    case "iota":
      return { value: interval(operation.from, operation.from + leaves.size(node.shape[0]!).high - 1) };
    case "labels":
    case "ids":
      return { value: NONNEGATIVE };
    case "concat":
      return { value: hull(a.value, b.value), ...(a.norm && b.norm ? { norm: hull(a.norm, b.norm) } : {}) };
    case "kmeans":
      return { value: interval(0, operation.clusters - 1) };
    case "inverse":
    case "solve":
      return { value: REAL };
    case "joined":
    case "batch_rows":
    case "rows":
      // What is remembered came from the same head; places that hold nothing yet are masked wherever they stand.
      return a;
    case "remember":
      return { value: REAL };
    case "view":
      // A transposition moves another axis to the end, whose lengths are not known.
      return operation.axes.at(-1) === node.inputs[0]!.shape.length - 1 ? a : { value: a.value };
    case "gather":
      return node.inputs[0]!.shape.length > 1 ? a : { value: a.value };
    case "prefix":
      return { value: a.value, ...(a.norm === undefined ? {} : { norm: interval(0, a.norm.high) }) };
    case "norm":
      return { value: a.norm ?? NONNEGATIVE };
    case "normalize":
      // The zero vector stays zero.
      return { value: interval(-1, 1), norm: a.norm !== undefined && a.norm.low > 0 ? interval(1, 1) : UNIT };
    case "stop_gradient":
      return a;
    case "matmul": {
      const [u, v] = lengths(node, inputs, leaves);
      const largest = times(u.high, v.high);
      return { value: interval(-largest, largest) };
    }
    case "squared_distance":
    case "paired_squared_distance":
      return { value: squaredDistance(...lengths(node, inputs, leaves)) };
    case "select":
      return { value: hull(b.value, c.value) };
    case "reduce":
      return { value: reduced(node, operation, a.value, leaves) };
    case "cross_entropy": {
      const classes = leaves.size(node.inputs[0]!.shape.at(-1)!);
      return { value: interval(0, a.value.high - a.value.low + Math.log(classes.high)) };
    }
    case "softmax":
      return { value: UNIT, ...(operation.axis === node.shape.length - 1 ? { norm: UNIT } : {}) };
    case "log_softmax":
      return { value: interval(-Infinity, 0) };
    default:
      break;
  }
  if (node.type === "bool") return { value: UNIT };
  return {
    value: inputs.length === 1 ? unary(operation.kind, a.value) : binary(operation.kind, a.value, b.value),
  };
}

/** Lengths of the rows of both inputs, from their components where nothing better is known. */
function lengths(node: Node, inputs: readonly Bounds[], leaves: Leaves): [Interval, Interval] {
  const [u, v] = inputs.map(({ value, norm = NONNEGATIVE }, k) => {
    const components = leaves.size(node.inputs[k]!.shape.at(-1) ?? 1);
    const largest = Math.max(Math.abs(value.low), Math.abs(value.high));
    return interval(norm.low, Math.min(norm.high, times(Math.sqrt(components.high), largest)));
  });
  return [u!, v!];
}

/** |u - v| lies between the difference and the sum of the lengths. */
function squaredDistance(u: Interval, v: Interval): Interval {
  const least = Math.max(0, u.low - v.high, v.low - u.high);
  return interval(least ** 2, (u.high + v.high) ** 2);
}

function unary(kind: string, a: Interval): Interval {
  switch (kind) {
    case "neg":
      return interval(-a.high, -a.low);
    case "exp":
      return increasing(Math.exp, a);
    case "log":
      return increasing((v) => Math.log(Math.max(v, 0)), a);
    case "log1p":
      return increasing((v) => Math.log1p(Math.max(v, -1)), a);
    case "sqrt":
      return increasing((v) => Math.sqrt(Math.max(v, 0)), a);
    case "relu":
      return increasing((v) => Math.max(v, 0), a);
    case "softplus":
      return increasing(softplus, a);
    case "sigmoid":
      return increasing(sigmoid, a);
    case "tanh":
      return increasing(Math.tanh, a);
    case "abs":
    case "square": {
      const [p, q] = [Math.abs(a.low), Math.abs(a.high)];
      const least = a.low <= 0 && a.high >= 0 ? 0 : Math.min(p, q);
      const most = Math.max(p, q);
      return kind === "abs" ? interval(least, most) : interval(least ** 2, most ** 2);
    }
    case "acos": {
      const clamp = (v: number): number => Math.acos(Math.max(-1, Math.min(1, v)));
      return interval(clamp(a.high), clamp(a.low));
    }
    case "cos":
    case "sin":
      return interval(-1, 1);
    case "sine_of_acos":
      return UNIT;
    case "real":
      return a;
    default:
      return REAL;
  }
}

function binary(kind: string, a: Interval, b: Interval): Interval {
  switch (kind) {
    case "add":
      return interval(a.low + b.low, a.high + b.high);
    case "sub":
      return interval(a.low - b.high, a.high - b.low);
    case "mul":
      return product(a, b);
    case "div":
      return quotient(a, b);
    case "ratio":
      // Where the denominator can be 0 the value can be 0; a one-sided denominator keeps the sign.
      if (b.low === 0) {
        return hull(interval(0, 0), interval(a.low < 0 ? -Infinity : 0, a.high > 0 ? Infinity : 0));
      }
      return b.low <= 0 && b.high >= 0 ? REAL : quotient(a, b);
    case "max":
      return interval(Math.max(a.low, b.low), Math.max(a.high, b.high));
    case "min":
      return interval(Math.min(a.low, b.low), Math.min(a.high, b.high));
    case "pow":
      return power(a, b);
    default:
      return REAL;
  }
}

function power(a: Interval, b: Interval): Interval {
  const exponent = b.low;
  if (b.low !== b.high) return a.low >= 0 ? NONNEGATIVE : REAL;
  if (a.low >= 0) {
    const ends = [a.low ** exponent, a.high ** exponent];
    return interval(Math.min(...ends), Math.max(...ends));
  }
  return Number.isInteger(exponent) && exponent % 2 === 0 ? NONNEGATIVE : REAL;
}

type Reduce = Extract<Node["operation"], { kind: "reduce" }>;

function reduced(node: Node, { op, axes }: Reduce, a: Interval, leaves: Leaves): Interval {
  const masked = node.inputs.length > 1;
  const count = tuples(node, axes, leaves);
  const orZero = (one: Interval): Interval => (masked ? hull(one, interval(0, 0)) : one);
  switch (op) {
    case "sum":
      // Each end is reached with the fewest or the most terms; a mask may leave none.
      return interval(
        times(a.low, a.low < 0 ? count.high : masked ? 0 : count.low),
        times(a.high, a.high > 0 ? count.high : masked ? 0 : count.low),
      );
    case "mean":
    case "max":
    case "min":
      return orZero(a);
    case "mean_active":
      return masked || a.low <= 0 ? interval(0, Math.max(a.high, 0)) : a;
    case "logsumexp":
      return orZero(interval(a.low + Math.log(masked ? 1 : count.low), a.high + Math.log(count.high)));
    case "log1p_sum_exp":
      return interval(
        masked ? 0 : softplus(a.low + Math.log(count.low)),
        softplus(a.high + Math.log(count.high)),
      );
    case "count":
    case "argmax":
    case "argmin":
      return interval(0, count.high);
    default:
      return UNIT;
  }
}

/** How many tuples a reduction ranges over, masks aside. */
function tuples(node: Node, axes: readonly number[], leaves: Leaves): Interval {
  const rank = Math.max(...node.inputs.map((input) => input.shape.length));
  return axes
    .map((axis) =>
      node.inputs
        .map((input) => leaves.size(input.shape[axis - rank + input.shape.length] ?? 1))
        .reduce((a, b) => (b.high > a.high ? b : a)),
    )
    .reduce(product, interval(1, 1));
}
