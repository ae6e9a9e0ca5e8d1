/**
 * Sums over one index that are linear algebra: a sum of products is a matrix product, a sum of squared differences a
 * matrix of squared distances. Both are recognised after expansion, on the graph or on the syntax as the rule says.
 */
import type { Expression, Reduction } from "../../syntax/ast.ts";
import type { Axis, Lowered } from "../axes.ts";
import { aligned, union } from "../axes.ts";
import type { Node } from "../graph.ts";
import type { Context, Environment } from "./environment.ts";

/** A node without the view around it, and which of its sides each side of the view is. */
function seen(node: Node): { base: Node; sides: readonly (number | null)[] } {
  if (node.operation.kind === "view") return { base: node.inputs[0]!, sides: node.operation.axes };
  return { base: node, sides: node.shape.map((_, k) => k) };
}

/** Which of the `rank` broadcast axes a factor varies over. */
function varies(node: Node, rank: number): boolean[] {
  const { sides } = seen(node);
  const padded = [...Array<null>(rank - sides.length).fill(null), ...sides];
  return padded.map((side) => side !== null);
}

/** `sum[t] A(i, t) * B(j, t)` as a matrix product; undefined where the body is not of that form. */
export function productSum(context: Context, body: Lowered, axes: readonly Axis[]): Lowered | undefined {
  const [axis, ...more] = axes;
  if (axis === undefined || more.length > 0 || body.node.operation.kind !== "mul") return undefined;
  const [left, right] = body.node.inputs as [Node, Node];
  const rank = body.axes.length;
  const inLeft = varies(left, rank);
  const inRight = varies(right, rank);
  const summed = body.axes.findIndex((own) => own.order === axis.order);
  if (summed < 0 || !inLeft[summed] || !inRight[summed]) return undefined;
  const only = (own: boolean[], other: boolean[]): number[] =>
    own.flatMap((mine, k) => (k !== summed && mine && !other[k] ? [k] : []));
  const both = body.axes.flatMap((_, k) => (k !== summed && inLeft[k] && inRight[k] ? [k] : []));
  const rows = only(inLeft, inRight);
  const columns = only(inRight, inLeft);
  if (both.length > 0 || rows.length !== 1 || columns.length !== 1) return undefined;
  const [row, column] = [rows[0]!, columns[0]!];
  const leftRows = asMatrix(context, left, rank, row, summed);
  const rightRows = asMatrix(context, right, rank, column, summed);
  const node =
    row < column ? context.build.matmul(leftRows, rightRows) : context.build.matmul(rightRows, leftRows);
  const kept = [row, column].sort((a, b) => a - b).map((k) => body.axes[k]!);
  return { node, axes: kept };
}

/** A factor as [rows, summed], from its view in the broadcast product. */
function asMatrix(context: Context, factor: Node, rank: number, row: number, summed: number): Node {
  const { base, sides } = seen(factor);
  const padded = [...Array<null>(rank - sides.length).fill(null), ...sides];
  return context.build.view(base, [padded[row]!, padded[summed]!]);
}

/** A vector expression `u` of `u[t]`, where the last index written is t. */
function indexedBy(expression: Expression, name: string): Expression | undefined {
  if (expression.kind !== "Index") return undefined;
  const last = expression.indices.at(-1);
  if (last?.kind !== "Name" || last.text !== name) return undefined;
  if (expression.indices.length === 1) return expression.target;
  return { ...expression, indices: expression.indices.slice(0, -1) };
}

/**
 * `sum[t] (u[t] - v[t])^2`, exactly that after expansion: a squared distance under the cancellation rule (at or below
 * 1e-6 (|u|^2 + |v|^2) it is 0 with zero gradient).
 */
export function squaredDistanceSum(
  context: Context,
  expression: Reduction,
  environment: Environment,
  axes: readonly Axis[],
): Lowered | undefined {
  const [axis, ...more] = axes;
  const body = expression.bodies[0]!;
  if (axis === undefined || more.length > 0 || expression.guards.length > 0) return undefined;
  if (body.kind !== "Binary" || body.op !== "^" || body.left.kind !== "Binary" || body.left.op !== "-")
    return undefined;
  if (body.right.kind !== "Number" || body.right.value !== 2) return undefined;
  const u = indexedBy(body.left.left, axis.name);
  const v = indexedBy(body.left.right, axis.name);
  if (u === undefined || v === undefined) return undefined;
  return distanceOf(context, context.lower(context, u, environment), context.lower(context, v, environment));
}

/** The squared distance of two vectors, each varying over its own axes. */
function distanceOf(context: Context, u: Lowered, v: Lowered): Lowered | undefined {
  const { build } = context;
  if (u.present !== undefined || v.present !== undefined) return undefined;
  const [row, column] = [u.axes[0], v.axes[0]];
  if (u.axes.length === 2 && v.axes.length === 2 && row!.order !== column!.order) {
    // Symmetric, so the operand of the outer index can come first: one node for d(i, j) and d(j, i).
    return row!.order < column!.order
      ? { node: build.squaredDistance(u.node, v.node), axes: [row!, column!] }
      : { node: build.squaredDistance(v.node, u.node), axes: [column!, row!] };
  }
  const all = union([u, v]);
  const node = build.pairedSquaredDistance(aligned(build, u, all), aligned(build, v, all));
  return { node, axes: all.slice(0, -1) };
}
