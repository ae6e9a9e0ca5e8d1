/** A reduction in blocks of rows as a call of `ops`, its body a function of the block's rows and of what is whole. */
import type { Combination, Dim, Node } from "../../ir/graph.ts";
import { topological } from "../../ir/order.ts";
import { dimText } from "./expressions.ts";
import { Names } from "./names.ts";
import { nameOf } from "./node_names.ts";

type InBlocks = Extract<Node["operation"], { kind: "in_blocks" }>;

const CALLS: Readonly<Record<Combination, string>> = {
  sum: "ops.inBlocks",
  logsumexp: "ops.logSumExpInBlocks",
  cross_entropy: "ops.crossEntropyInBlocks",
};

/** What one row takes: four bytes for each element of each tensor of the body that has rows. */
function rowBytes(roots: readonly Node[], side: Dim): string {
  const terms = new Map<string, number>();
  for (const { shape } of topological(roots)) {
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
 * The call. `write` gives the expression of an input; `body` writes statements for roots over slots that have names,
 * and the expressions of the roots.
 */
export function blocksText(
  operation: InBlocks,
  inputs: readonly Node[],
  write: (node: Node) => string,
  body: (
    roots: readonly Node[],
    slots: ReadonlyMap<Node, string>,
    names: Names,
  ) => { lines: string[]; results: string[] },
): string {
  const names = new Names();
  const slots = new Map(
    operation.body.slots.map((slot, k) => [slot, names.fresh(slotName(slot, inputs[k]!))]),
  );
  const { roots } = operation.body;
  const { lines, results } = body(roots, slots, names);
  const result = results.length === 1 ? results[0]! : `[${results.join(", ")}]`;
  const sliced = inputs.slice(0, operation.sliced).map(write).join(", ");
  const shared = inputs.slice(operation.sliced).map(write).join(", ");
  const parameters = [...slots.values()].join(", ");
  return (
    `${CALLS[operation.combine]}(${rowBytes(roots, operation.side)}, [${sliced}], [${shared}], (${parameters}) => {\n` +
    `${[...lines, `return ${result};`].join("\n")}\n})`
  );
}

/** A block's rows are called what the whole is; the names of what is made of them follow from that. */
function slotName(slot: Node, input: Node): string {
  slot.hint ??= slot.type === "bool" ? "mask" : nameOf(input);
  return slot.hint;
}
