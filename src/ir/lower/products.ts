/**
 * Sums over one index that are linear algebra: a sum of products is a matrix product, a sum of squared differences a
 * matrix of squared distances. Both are recognised on the graph, however the formula was written. Called by
 * `tuples.ts`.
 */
import type { Axis, Lowered } from "../axes.ts";
import { labelled } from "../axes.ts";
import type { Node } from "../graph.ts";
import { mayBeInfinite } from "../rules/finite.ts";
import type { Context } from "./environment.ts";

/** A factor of a body, and which of its sides stands on each of the body's axes (null: none). */
interface Factor {
  readonly base: Node;
  readonly sides: readonly (number | null)[];
}

/** A factor without the view around it; a condition counts as 0 or 1 on either side of the view. */
function factorOf({ build }: Context, node: Node, rank: number): Factor {
  const counts = node.operation.kind === "real";
  const outer = counts ? node.inputs[0]! : node;
  const view = outer.operation.kind === "view" ? outer.operation.axes : undefined;
  const sides = view ?? node.shape.map((_, k) => k);
  const padded = [...Array<null>(rank - sides.length).fill(null), ...sides];
  if (view === undefined) return { base: node, sides: padded };
  const base = outer.inputs[0]!;
  return { base: counts ? build.asReal(base) : base, sides: padded };
}

/** `sum[t] A(…, t) * B(…, t)` as a matrix product; undefined where the body is not of that form. */
export function productSum(context: Context, body: Lowered, axes: readonly Axis[]): Lowered | undefined {
  const [axis, ...more] = axes;
  if (axis === undefined || more.length > 0 || body.node.operation.kind !== "mul") return undefined;
  // A product of whole rows would spread an infinity that a mask takes out later.
  if (mayBeInfinite(body.node)) return undefined;
  const rank = body.axes.length;
  const [left, right] = body.node.inputs.map((node) => factorOf(context, node, rank)) as [Factor, Factor];
  const summed = body.axes.findIndex((own) => own.order === axis.order);
  const on = (factor: Factor, k: number): boolean => factor.sides[k] !== null;
  if (summed < 0 || !on(left, summed) || !on(right, summed)) return undefined;
  const places = body.axes.map((_, k) => k).filter((k) => k !== summed);
  const shared = places.filter((k) => on(left, k) && on(right, k));
  const rows = places.filter((k) => on(left, k) && !on(right, k));
  const columns = places.filter((k) => !on(left, k) && on(right, k));
  if (rows.length === 0 || columns.length === 0) return undefined;
  // The factor with the outermost index comes first: one node for s(i, j) and s(j, i).
  const swap = columns[0]! < rows[0]!;
  const [first, second] = swap ? [right, left] : [left, right];
  const [above, across] = swap ? [columns, rows] : [rows, columns];
  const matrix = (factor: Factor, own: readonly number[]): Node =>
    context.build.view(
      factor.base,
      [...shared, ...own, summed].map((k) => factor.sides[k]!),
    );
  const node = context.build.matmul(matrix(first, above), matrix(second, across), shared.length);
  return labelled(
    context.build,
    node,
    [...shared, ...above, ...across].map((k) => body.axes[k]!),
  );
}

/** Nodes whose last side is a vector's components as they were given, not computed one by one. */
const VECTORS: ReadonlySet<string> = new Set([
  "input",
  "joined",
  "concat",
  "batch_rows",
  "param",
  "normalize",
  "prefix",
  "stop_gradient",
  "gather",
]);

/**
 * `sum[t] (u[t] - v[t])^2`, exactly that after expansion: a squared distance under the cancellation rule (at or below
 * 1e-6 (|u|^2 + |v|^2) it is 0 with zero gradient).
 */
export function squaredDistanceSum(
  context: Context,
  body: Lowered,
  axes: readonly Axis[],
): Lowered | undefined {
  const { build } = context;
  const [axis, ...more] = axes;
  if (axis === undefined || more.length > 0 || body.node.operation.kind !== "square") return undefined;
  const difference = body.node.inputs[0]!;
  if (difference.operation.kind !== "sub") return undefined;
  const rank = body.axes.length;
  const last = rank - 1;
  if (body.axes[last]?.order !== axis.order) return undefined;
  const factors = difference.inputs.map((node) => factorOf(context, node, rank)) as [Factor, Factor];
  const along = ({ base, sides }: Factor): boolean =>
    VECTORS.has(base.operation.kind) && base.shape.length > 0 && sides[last] === base.shape.length - 1;
  if (!factors.every(along)) return undefined;
  const places = factors.map(({ sides }) =>
    sides.flatMap((side, k) => (side === null || k === last ? [] : [k])),
  );
  const [own, other] = places as [number[], number[]];
  if (own.length === 1 && other.length === 1 && own[0] !== other[0]) {
    // Symmetric, so the operand of the outer index can come first: one node for d(i, j) and d(j, i).
    const swap = other[0]! < own[0]!;
    const [u, v] = swap ? [factors[1], factors[0]] : factors;
    const [row, column] = swap ? [other[0]!, own[0]!] : [own[0]!, other[0]!];
    const matrix = (factor: Factor, k: number): Node =>
      build.view(factor.base, [factor.sides[k]!, factor.sides[last]!]);
    const node = build.squaredDistance(matrix(u, row), matrix(v, column));
    return { node, axes: [body.axes[row]!, body.axes[column]!] };
  }
  const [u, v] = difference.inputs as [Node, Node];
  return { node: build.pairedSquaredDistance(u, v), axes: body.axes.slice(0, -1) };
}
