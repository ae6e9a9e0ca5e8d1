/**
 * The pass `gram`: what losses make of the products of one matrix's rows with one another is made of one such product.
 * Squared distances of the rows of X are |u|^2 + |v|^2 - 2<u, v>; where those products are there already, or are needed
 * for distances, cosines are <u, v> / (|u| |v|) and need no product of rows of unit length beside them. The gradients of
 * all losses then meet in one matrix, and pass through one product.
 *
 * The last pass: those before it see distances and cosines as what they are.
 */
import type { Builder } from "../build.ts";
import { type Node, isGram } from "../graph.ts";
import { topological } from "../order.ts";
import { rebuild } from "./rebuild.ts";

export function gram(build: Builder, roots: readonly Node[]): Node[] {
  const nodes = topological(roots);
  const multiplied = new Set(
    nodes.filter((node) => isGram(node) || isOwnDistance(node)).map(({ inputs: [rows] }) => rows!),
  );
  const productsOf = (rows: Node): Node => {
    const products = build.matmul(rows, rows, rows.shape.length - 2);
    products.hint ??= "gram";
    return products;
  };
  return rebuild(build, roots, (node, [rows]) => {
    if (isOwnDistance(node)) return from("distance_from_gram", node, productsOf(rows!));
    if (!isGram(node) || node.inputs[0]!.operation.kind !== "normalize") return undefined;
    const [given] = node.inputs[0]!.inputs as [Node];
    return multiplied.has(given) ? from("cosine_from_gram", node, productsOf(rows!.inputs[0]!)) : undefined;
  });

  function from(kind: "distance_from_gram" | "cosine_from_gram", { shape }: Node, products: Node): Node {
    return build.graph.node({ kind }, [products], shape, "real");
  }
}

/** Squared distances of rows from one another. */
function isOwnDistance({ operation, inputs: [left, right] }: Node): boolean {
  return operation.kind === "squared_distance" && left === right;
}
