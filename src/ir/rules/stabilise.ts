/**
 * Stabilising: wherever a formula and its gradient are finite, so are the compiled ones in float32. Each rule rewrites a
 * form that overflows or cancels into an equal one that does not:
 *
 *   log1p(sum exp z), log(1 + sum exp z)   -> one log-sum-exp with a further term exp(0)
 *   log(sum exp z)                         -> log-sum-exp
 *   log1p(exp z), log(1 + exp z)           -> softplus z
 *   log(c + exp u + sum exp v + ..), log1p -> log-sum-exps of its terms, put together
 *   cos(acos c)                            -> c
 *   cos(acos c + m)                        -> c cos m - sqrt(1 - c^2) sin m
 *   <u, v> / (|u| |v|)                     -> <u/|u|, v/|v|>
 */
import type { Node, UnaryOperator } from "../graph.ts";
import { constantOf } from "../graph.ts";
import type { Builder } from "../build.ts";

/** `sum over axes of exp(z)`, masked or not, taken apart. */
function sumOfExponentials(
  node: Node,
): { z: Node; mask: Node | undefined; axes: readonly number[] } | undefined {
  if (node.operation.kind !== "reduce" || node.operation.op !== "sum") return undefined;
  const [body, mask] = node.inputs as [Node, Node | undefined];
  if (body.operation.kind !== "exp") return undefined;
  return { z: body.inputs[0]!, mask, axes: node.operation.axes };
}

/** Terms of one sum that are looked at. */
const MOST_TERMS = 16;
/** What stands for the logarithm of a sum over nothing beside other terms. */
const NOTHING = -1e30;

/** The terms of a sum, in order, with the sides at which each stands; undefined for more than a few. */
function termsOf(build: Builder, sum: readonly Node[]): Node[] | undefined {
  const terms: Node[] = [];
  const open = sum.toReversed();
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (terms.length + open.length > MOST_TERMS) return undefined;
    const { operation, inputs } = node;
    const [base] = inputs;
    if (operation.kind === "add") open.push(inputs[1]!, inputs[0]!);
    else if (operation.kind === "view" && base!.operation.kind === "add" && isOfFullRank(base!))
      open.push(...base!.inputs.map((input) => build.view(input, operation.axes)).reverse());
    else terms.push(node);
  }
  return terms;
}

/** Whether both operands have every side of the sum, so that a view of it is a view of them. */
function isOfFullRank({ shape, inputs }: Node): boolean {
  return inputs.every((input) => input.shape.length === shape.length);
}

/** The logarithm of one term: of an exponential, of a sum of them, or of a number above 0. */
function logOfTerm(build: Builder, term: Node): Node | undefined {
  const number = constantOf(term);
  if (number !== undefined) return number > 0 ? build.constant(Math.log(number)) : undefined;
  if (term.operation.kind === "view") {
    const inner = logOfTerm(build, term.inputs[0]!);
    return inner && build.view(inner, term.operation.axes);
  }
  if (term.operation.kind === "exp") return term.inputs[0]!;
  const sum = sumOfExponentials(term);
  if (sum === undefined) return undefined;
  const { z, mask, axes } = sum;
  const value = build.reduce("logsumexp", z, mask, axes);
  if (mask === undefined) return value;
  const missing = Math.max(z.shape.length, mask.shape.length) - mask.shape.length;
  const own = axes.filter((axis) => axis >= missing).map((axis) => axis - missing);
  const some = own.length === 0 ? mask : build.reduce("any", mask, undefined, own);
  return build.select(some, value, build.constant(NOTHING));
}

/** log of a sum of exponentials, of sums of them and of numbers above 0: log(e^a + e^b) = max(a, b) + softplus(-|a - b|). */
function logOfTerms(build: Builder, terms: readonly Node[] | undefined): Node | undefined {
  if (terms === undefined || terms.every((term) => constantOf(term) !== undefined)) return undefined;
  const logs: Node[] = [];
  for (const term of terms) {
    const log = logOfTerm(build, term);
    if (log === undefined) return undefined;
    logs.push(log);
  }
  return logs.reduce((a, b) => {
    const apart = build.unary("abs", build.binary("sub", a, b));
    return build.binary("add", build.binary("max", a, b), build.unary("softplus", build.unary("neg", apart)));
  });
}

/** u of `1 + u` or `u + 1`. */
function besideOne(node: Node): Node | undefined {
  if (node.operation.kind !== "add") return undefined;
  const [left, right] = node.inputs as [Node, Node];
  if (constantOf(left) === 1) return right;
  return constantOf(right) === 1 ? left : undefined;
}

export function stabiliseUnary(build: Builder, op: UnaryOperator, input: Node): Node | undefined {
  switch (op) {
    case "log1p": {
      if (input.operation.kind === "exp") return build.unary("softplus", input.inputs[0]!);
      const sum = sumOfExponentials(input);
      if (sum !== undefined) return build.reduce("log1p_sum_exp", sum.z, sum.mask, sum.axes);
      return input.operation.kind === "add"
        ? logOfTerms(build, termsOf(build, [build.constant(1), input]))
        : undefined;
    }
    case "log": {
      if (input.operation.kind === "exp") return input.inputs[0]!;
      const rest = besideOne(input);
      if (rest !== undefined && (rest.operation.kind === "exp" || sumOfExponentials(rest) !== undefined))
        return build.unary("log1p", rest);
      const sum = sumOfExponentials(input);
      if (sum !== undefined) return build.reduce("logsumexp", sum.z, sum.mask, sum.axes);
      return input.operation.kind === "add" ? logOfTerms(build, termsOf(build, [input])) : undefined;
    }
    case "cos":
      return cosineOfAngle(build, input);
    default:
      return undefined;
  }
}

function cosineOfAngle(build: Builder, angle: Node): Node | undefined {
  if (angle.operation.kind === "acos") return angle.inputs[0]!;
  const kind = angle.operation.kind;
  if (kind !== "add" && kind !== "sub") return undefined;
  const [left, right] = angle.inputs as [Node, Node];
  const first = left.operation.kind === "acos";
  if (!first && right.operation.kind !== "acos") return undefined;
  // cos(acos(c) - m) and cos(m - acos(c)) are the same.
  const cosine = (first ? left : right).inputs[0]!;
  const shift = first ? right : left;
  return build.binary(
    kind === "add" ? "sub" : "add",
    build.binary("mul", cosine, build.unary("cos", shift)),
    build.binary("mul", build.unary("sine_of_acos", cosine), build.unary("sin", shift)),
  );
}

/** The cosine: a product of rows over the product of their lengths, as a product of rows of unit length. */
export function stabiliseRatio(build: Builder, above: Node, below: Node): Node | undefined {
  if (above.operation.kind !== "matmul" || below.operation.kind !== "mul") return undefined;
  const { shared } = above.operation;
  const [u, v] = above.inputs as [Node, Node];
  const rows = u.shape.length - 1 - shared;
  const columns = v.shape.length - 1 - shared;
  const both = Array.from({ length: shared }, (_, k) => k);
  const own = (count: number): number[] => Array.from({ length: count }, (_, k) => shared + k);
  const lengths = [
    build.view(build.unary("norm", u), [...both, ...own(rows), ...Array<null>(columns).fill(null)]),
    build.view(
      build.unary("norm", v),
      shared === 0 ? own(columns) : [...both, ...Array<null>(rows).fill(null), ...own(columns)],
    ),
  ].map((side) => side.id);
  const given = below.inputs.map((side) => side.id);
  if (!lengths.every((id) => given.includes(id)) || !given.every((id) => lengths.includes(id)))
    return undefined;
  return build.matmul(build.unary("normalize", u), build.unary("normalize", v), shared);
}
