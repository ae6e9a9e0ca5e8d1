/**
 * Lowering of `u[i]`: a plain index over a whole side labels it, a computed one gathers, and an index that the tensor
 * already has picks from the diagonal. Called by `expression.ts`.
 */
import type { Expression, Index } from "../../syntax/ast.ts";
import { boundOf } from "../analysis/index_bounds.ts";
import type { Axis, Lowered } from "../axes.ts";
import { aligned, conjunction, isSlot, labelled, union } from "../axes.ts";
import type { Dim, Node } from "../graph.ts";
import { constantOf, dimBehind, rememberedOn } from "../graph.ts";
import { combine, presenceOf } from "./combine.ts";
import type { Context, Environment } from "./environment.ts";
import { LoweringError, SamplesError } from "./environment.ts";

export function lowerIndex(context: Context, expression: Index, environment: Environment): Lowered {
  let value = context.lower(context, expression.target, environment);
  for (const index of expression.indices) value = indexFirstSide(context, value, index, environment);
  return value;
}

/** Writes an index for the first side that has none. */
export function indexFirstSide(
  context: Context,
  value: Lowered,
  index: Expression,
  environment: Environment,
): Lowered {
  return indexedBy(context, value, context.lower(context, index, environment), index);
}

/** A value at a lowered index on the first side that has none. */
export function indexedBy(context: Context, value: Lowered, chosen: Lowered, index: Expression): Lowered {
  const { build } = context;
  const at = value.axes.findIndex(isSlot);
  if (at < 0) throw new LoweringError(index.span, "an index too many");
  const { size } = value.axes[at]!;
  const behind = positionBehind(chosen, size);
  if (behind !== undefined) {
    const axes = value.axes.map((own, k): Axis => (k === at ? { ...own, size: behind.count } : own));
    const rows = build.rows(value.node, at, behind.from, behind.count);
    return indexedBy(context, { node: rows, axes, ...presenceOf(value) }, behind.position, index);
  }
  const absence = conjunction(build, [value.present, chosen.present]);
  const presence = absence === undefined ? {} : { present: absence };
  const used = chosen.axes.some((axis) => value.axes.some((own) => own.order === axis.order));
  const plain = chosen.node.operation.kind === "iota" ? chosen.axes[0] : undefined;
  const ofBatch = plain?.size === "batch" && rememberedOn(size) !== undefined;
  if (plain !== undefined && plain.from === 0 && (plain.size === size || ofBatch) && !used) {
    const axes = value.axes.map((own, k): Axis => (k === at ? plain : own));
    const node = ofBatch ? build.batchRows(value.node, at) : value.node;
    return { ...labelled(build, node, axes), ...presence };
  }
  if (plain !== undefined && isOfLabels(value.node)) throw new SamplesError(index.span, "`y`");
  const position = positionOf(context, chosen, size, index);
  if (used) return { ...diagonal(context, value, at, position), ...presence };
  const order = [at, ...value.axes.map((_, k) => k).filter((k) => k !== at)];
  const node = build.gather(build.view(value.node, order), position.node);
  const axes = [...position.axes, ...order.slice(1).map((k) => value.axes[k]!)];
  return { ...labelled(build, node, axes), ...presence };
}

/** Of `n + p`, on a side that has something behind n rows: the position p there. */
function positionBehind(
  { node, axes, present }: Lowered,
  side: Dim,
): { readonly from: Dim; readonly count: number; readonly position: Lowered } | undefined {
  if (node.operation.kind !== "add") return undefined;
  const [first, second] = node.inputs as [Node, Node];
  const from = first.operation.kind === "size" ? first.operation.dim : constantOf(first);
  const count = from === undefined ? undefined : dimBehind(side, from);
  if (from === undefined || count === undefined || second.operation.kind !== "real") return undefined;
  const position = { node: second.inputs[0]!, axes, ...(present === undefined ? {} : { present }) };
  return { from, count, position };
}

/** Whether a value is the labels of the samples. */
function isOfLabels(node: Node): boolean {
  const { operation, inputs } = node;
  return operation.kind === "labels" || (operation.kind === "joined" && isOfLabels(inputs[0]!));
}

/** An index as an int that is certain to be inside the side. */
function positionOf(context: Context, chosen: Lowered, size: Dim, index: Expression): Lowered {
  const constant = constantOf(chosen.node);
  const node = constant === undefined ? chosen.node : context.build.graph.constant(constant, "int");
  if (node.type !== "int") throw new LoweringError(index.span, "an index that is computed");
  const highest = boundOf(node);
  const inside =
    highest === size ||
    (highest === "batch" && rememberedOn(size) !== undefined) ||
    (typeof highest === "number" && highest <= (typeof size === "number" ? size : 1));
  if (!inside) throw new LoweringError(index.span, "an index that may lie outside");
  return { node, axes: chosen.axes };
}

/** `w[k, k]`: an index that the tensor has already is written as a sum over a fresh one where the two are equal. */
function diagonal(context: Context, value: Lowered, at: number, position: Lowered): Lowered {
  const { build } = context;
  const fresh: Axis = { ...value.axes[at]!, order: context.nextOrder++, from: 0, name: "k" };
  const axes = value.axes.map((own, k): Axis => (k === at ? fresh : own));
  const wide = labelled(build, value.node, axes);
  const numbers: Lowered = { node: build.iota(0, fresh.size), axes: [fresh] };
  const mask = combine(context, "eq", numbers, position);
  const all = union([wide, mask]);
  const place = all.findIndex((own) => own.order === fresh.order);
  const op = value.node.type === "bool" ? "any" : "sum";
  const node = build.reduce(op, aligned(build, wide, all), aligned(build, mask, all), [place]);
  return { node, axes: all.filter((_, k) => k !== place) };
}
