/**
 * Expands `sample[j | …] weight`: the random number that decides, one for each value of the indices around it. Called by
 * `reductions.ts`. Pure.
 *
 * Laws:
 *   The indices around a draw are those that the place it is written at can name: of reductions, of a miner's tuple but
 *   the one that is assigned, and the parameters of a `let` function that are indices; never those of its callers.
 *   Every expansion of one draw takes the same numbers, so its indices run over the same things.
 */
import type { Reduction } from "../../syntax/ast.ts";
import { InterpretError } from "../errors.ts";
import type { Node, Variable } from "../nodes.ts";
import type { Frame } from "./environment.ts";
import type { Expansion } from "./expand.ts";

export function drawFor(e: Expansion, reduction: Reduction, frame: Frame): Node {
  const name = e.drawNames.get(reduction);
  if (name === undefined) throw new InterpretError("nothing can be drawn here", reduction.opSpan);
  const indices = frame.operands().filter((node): node is VariableNode => node.kind === "variable");
  let draw = e.registry.draws.find(({ input }) => input.name === name);
  if (draw === undefined) {
    draw = { input: e.graph.input("noise", name, []), uses: [], span: reduction.opSpan };
    e.registry.draws.push(draw);
  }
  draw.uses.push(indices.map(({ variable }) => variable));
  return e.graph.element(draw.input, indices);
}

type VariableNode = Node & { readonly kind: "variable"; readonly variable: Variable };

/** Settles what the numbers of each draw are for, once every index has its domain. */
export function settleDraws({ registry }: Pick<Expansion, "registry">): void {
  for (const { input, uses, span } of registry.draws)
    uses.forEach((over, k) => {
      const shape = over.map(({ start, size }) => {
        if (start !== 0) throw new InterpretError("an index around a draw runs from 0", span);
        return size!;
      });
      if (k === 0) (input.shape as number[]).push(...shape);
      else if (shape.join() !== input.shape.join())
        throw new InterpretError("the indices around this draw run over different things in its uses", span);
    });
}
