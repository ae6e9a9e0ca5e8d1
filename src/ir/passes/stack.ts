/**
 * The pass `stack`, its part on the losses: the similarities or squared distances among one batch, of several heads of
 * one shape, are one batched product [K, B, B] of their embeddings [K, B, d], and the losses take slices of it. What
 * becomes of the heads themselves is in `emit/typescript/stacked_heads.ts`.
 */
import type { Builder } from "../build.ts";
import type { Node } from "../graph.ts";
import { topological } from "../order.ts";
import { rebuild } from "./rebuild.ts";

/** What keeps the rows of one head's embeddings rows of one head. */
const ROWWISE: ReadonlySet<string> = new Set(["normalize", "prefix", "stop_gradient"]);

export function stack(build: Builder, roots: readonly Node[]): Node[] {
  const slices = new Map<Node, Node>();
  for (const alike of groups(roots)) {
    if (alike.length < 2) continue;
    const { kind } = alike[0]!.operation;
    const rows = build.stack(alike.map((node) => node.inputs[0]!));
    rows.hint ??= "embeddings_of_heads";
    const all = kind === "matmul" ? build.matmul(rows, rows, 1) : build.squaredDistance(rows, rows);
    const name = alike.find(({ hint }) => hint !== undefined)?.hint;
    all.hint ??= `${name ?? (kind === "matmul" ? "products" : "squared_distances")}_of_heads`;
    alike.forEach((node, k) => slices.set(node, build.take(all, k)));
  }
  return slices.size === 0 ? [...roots] : rebuild(build, roots, (node) => slices.get(node));
}

/** Products of a head's embeddings with themselves, those of one operation and shape together, in the graph's order. */
function groups(roots: readonly Node[]): Node[][] {
  const byForm = new Map<string, Node[]>();
  for (const node of topological(roots)) {
    const { operation, inputs, shape } = node;
    const isGram =
      (operation.kind === "matmul" && operation.shared === 0) || operation.kind === "squared_distance";
    const [left, right] = inputs;
    if (!isGram || left !== right || shape.length !== 2 || !isOfOneHead(left!)) continue;
    const form = [operation.kind, left!.differentiable, ...left!.shape].join();
    byForm.set(form, [...(byForm.get(form) ?? []), node]);
  }
  return [...byForm.values()];
}

/** No product is below another one of these, so that stacking them makes no circle. */
function isOfOneHead(node: Node): boolean {
  let rows = node;
  while (ROWWISE.has(rows.operation.kind)) rows = rows.inputs[0]!;
  return rows.operation.kind === "input";
}
