/** How large the values of an index can be: what says that a position is inside a side of a tensor. Pure. */
import type { Dim, Node } from "../graph.ts";
import { classesOf } from "../graph.ts";

/** What every value of an index-valued node is below: a number, or a size of the data; undefined where unknown. */
export function boundOf(node: Node): Dim | undefined {
  const { operation, inputs } = node;
  switch (operation.kind) {
    case "constant":
      return Number.isInteger(operation.value) && operation.value >= 0 ? operation.value + 1 : undefined;
    case "labels":
      return classesOf(operation.label);
    case "iota": {
      const size = node.shape[0]!;
      if (operation.from === 0) return size;
      return typeof size === "number" ? operation.from + size : undefined;
    }
    case "kmeans":
      return operation.clusters;
    case "view":
    case "gather":
    case "joined":
    case "batch_rows":
    case "rows":
      return boundOf(inputs[0]!);
    case "reduce": {
      const rank = Math.max(...inputs.map((input) => input.shape.length));
      const sides = inputs.map((input) => input.shape[operation.axes[0]! - rank + input.shape.length]);
      return sides.find((side) => side !== undefined && side !== 1) ?? 1;
    }
    default:
      return undefined;
  }
}
