/**
 * Stabilising: wherever a formula and its gradient are finite, so are the compiled ones in float32. Each rule rewrites a
 * form that overflows or cancels into an equal one that does not:
 *
 *   log1p(sum exp z)          -> one log-sum-exp with a further term exp(0)
 *   log(sum exp z)            -> log-sum-exp
 *   log1p(exp z)              -> softplus z
 *   cos(acos c)               -> c
 *   cos(acos c + m)           -> c cos m - sqrt(1 - c^2) sin m
 *   <u, v> / (|u| |v|)        -> <u/|u|, v/|v|>
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

export function stabiliseUnary(build: Builder, op: UnaryOperator, input: Node): Node | undefined {
  switch (op) {
    case "log1p": {
      if (input.operation.kind === "exp") return build.unary("softplus", input.inputs[0]!);
      const sum = sumOfExponentials(input);
      return sum === undefined ? undefined : build.reduce("log1p_sum_exp", sum.z, sum.mask, sum.axes);
    }
    case "log": {
      if (input.operation.kind === "exp") return input.inputs[0]!;
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
  const shifted = shiftedAngle(angle);
  if (shifted === undefined) return undefined;
  const c = shifted.cosine;
  const sine = build.unary("sqrt", build.binary("sub", build.constant(1), build.unary("square", c)));
  return build.binary(
    "sub",
    build.binary("mul", c, build.constant(Math.cos(shifted.by))),
    build.binary("mul", sine, build.constant(Math.sin(shifted.by))),
  );
}

/** `acos(c) + m` or `acos(c) - m` with a constant m. */
function shiftedAngle(angle: Node): { cosine: Node; by: number } | undefined {
  const kind = angle.operation.kind;
  if (kind !== "add" && kind !== "sub") return undefined;
  const [left, right] = angle.inputs as [Node, Node];
  if (left.operation.kind === "acos") {
    const by = constantOf(right);
    if (by !== undefined) return { cosine: left.inputs[0]!, by: kind === "add" ? by : -by };
  }
  if (right.operation.kind === "acos" && kind === "add") {
    const by = constantOf(left);
    if (by !== undefined) return { cosine: right.inputs[0]!, by };
  }
  return undefined;
}

/** The cosine: a product of rows over the product of their lengths, as a product of rows of unit length. */
export function stabiliseRatio(build: Builder, above: Node, below: Node): Node | undefined {
  if (above.operation.kind !== "matmul" || below.operation.kind !== "mul") return undefined;
  const [u, v] = above.inputs as [Node, Node];
  const [first, second] = below.inputs as [Node, Node];
  const pair = [first, second].map((side) => side.id);
  const wanted = [rowLengths(build, u), columnLengths(build, v)].map((side) => side.id);
  if (above.shape.length !== 2 || !wanted.every((id) => pair.includes(id))) return undefined;
  return build.matmul(build.unary("normalize", u), build.unary("normalize", v));
}

/** Lengths of the rows of a matrix as they broadcast down a product, [n, 1]. */
function rowLengths(build: Builder, rows: Node): Node {
  return build.view(build.unary("norm", rows), [0, null]);
}

/** Lengths of the rows of a matrix as they broadcast across a product, [m]. */
function columnLengths(build: Builder, rows: Node): Node {
  return build.unary("norm", rows);
}
