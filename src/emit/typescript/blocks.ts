/** A sum over blocks of rows as a call of `ops.inBlocks`, its body a function of the block's rows and of what is whole. */
import type { Dim, Node } from "../../ir/graph.ts";
import { topological } from "../../ir/order.ts";
import { dimText } from "./expressions.ts";
import { Names } from "./names.ts";
import { nameOf } from "./node_names.ts";

type InBlocks = Extract<Node["operation"], { kind: "in_blocks" }>;

/** What one row takes: four bytes for each element of each tensor of the body that has rows. */
function rowBytes(root: Node, side: Dim): string {
  const terms = new Map<string, number>();
  for (const { shape } of topological([root])) {
    if (!shape.includes(side)) continue;
    const rows = shape.indexOf(side);
    const others = shape.filter((_, k) => k !== rows);
    const known = others
      .filter((side): side is number => typeof side === "number")
      .reduce((a, b) => a * b, 4);
    const names = others
      .filter((side): side is Exclude<Dim, number> => typeof side !== "number")
      .map(dimText);
    const key = names.sort().join(" * ");
    terms.set(key, (terms.get(key) ?? 0) + known);
  }
  return [...terms]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([names, factor]) => (names === "" ? String(factor) : `${factor} * ${names}`))
    .join(" + ");
}

/**
 * The call. `write` gives the expression of an input; `body` writes statements for a root over slots that have names,
 * and the expression of the root.
 */
export function blocksText(
  operation: InBlocks,
  inputs: readonly Node[],
  write: (node: Node) => string,
  body: (root: Node, slots: ReadonlyMap<Node, string>, names: Names) => { lines: string[]; result: string },
): string {
  const names = new Names();
  const slots = new Map(operation.body.slots.map((slot) => [slot, names.fresh(slotName(slot))]));
  const { lines, result } = body(operation.body.root, slots, names);
  const sliced = inputs.slice(0, operation.sliced).map(write).join(", ");
  const shared = inputs.slice(operation.sliced).map(write).join(", ");
  const parameters = [...slots.values()].join(", ");
  return (
    `ops.inBlocks(${rowBytes(operation.body.root, operation.side)}, [${sliced}], [${shared}], (${parameters}) => {\n` +
    `${[...lines, `return ${result};`].join("\n")}\n})`
  );
}

const slotName = (slot: Node): string => slot.hint ?? (slot.type === "bool" ? "mask" : nameOf(slot));
