/**
 * Stabilising: wherever a formula and its gradient are finite, so are the compiled ones in float32. Each rule rewrites a
 * form that overflows or cancels into an equal one that does not:
 *
 *   log1p(sum exp z), log(1 + sum exp z)   -> one log-sum-exp with a further term exp(0)
 *   log(sum exp z)                         -> log-sum-exp
 *   log1p(exp z), log(1 + exp z)           -> softplus z
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
      return sum === undefined ? undefined : build.reduce("log1p_sum_exp", sum.z, sum.mask, sum.axes);
    }
    case "log": {
      if (input.operation.kind === "exp") return input.inputs[0]!;
      const rest = besideOne(input);
      if (rest !== undefined && (rest.operation.kind === "exp" || sumOfExponentials(rest) !== undefined))
        return build.unary("log1p", rest);
      const sum = sumOfExponentials(input);
      return sum === undefined ? undefined : build.reduce("logsumexp", sum.z, sum.mask, sum.axes);
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
