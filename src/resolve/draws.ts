/**
 * The names of the random numbers that a formula draws with: one matrix or vector for each `sample` as it is written, so
 * that a formula expanded several times draws the same. Used by the interpreter and the lowering, which must agree. Pure.
 */
import type { LossDeclaration, MinerDeclaration, Reduction } from "../syntax/ast.ts";
import { walk } from "../syntax/traverse.ts";

/** `miner/sample`: the draws of a miner, in the path of the loss that it serves. */
export const MINER_DRAWS = "miner/";

/**
 * Adds the draws of a declaration, in the order of its text: `sample`, `sample_2`, … behind the prefix. What has a name
 * keeps it.
 */
export function nameDraws(
  names: Map<Reduction, string>,
  declaration: LossDeclaration | MinerDeclaration,
  prefix: string,
): void {
  let count = 0;
  walk(declaration, {
    enter: (node) => {
      if (node.kind !== "Reduction" || node.op !== "sample") return;
      count++;
      if (!names.has(node)) names.set(node, `${prefix}sample${count === 1 ? "" : `_${count}`}`);
    },
  });
}
