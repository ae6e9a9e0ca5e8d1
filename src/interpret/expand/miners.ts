/**
 * What a miner does to a loss: `for (a, j)` restricts every `same` and `differs` in a guard, `for (a, p, n)` the
 * reductions that bind an anchor, its positive and its negative. A miner that assigns its indices chooses the tuple
 * whose indices equal the assigned ones; an index that is not assigned is any. Conditions are masks and carry no gradient. Called by `calls.ts` and
 * `reductions.ts`. Pure.
 */
import type { Frame as LossFrame } from "./environment.ts";
import { Frame, meaningOf } from "./environment.ts";
import { InterpretError } from "../errors.ts";
import type { MinerInstance } from "../../resolve/values.ts";
import type { Node, Variable } from "../nodes.ts";
import { expandNode } from "./expand.ts";
import type { Expansion } from "./expand.ts";
import { bindStatement } from "./statements.ts";
import { key } from "./tensor.ts";

/** `pair` and the miner's choice, where a miner for pairs restricts it. */
export function minedPair(e: Expansion, pair: Node, i: Node, j: Node, frame: LossFrame): Node {
  if (e.miner === undefined || !e.guarding || e.miner.declaration.tuple.length !== 2) return pair;
  return e.graph.logic("and", pair, chosen(e, e.miner, [i, j], frame));
}

/** The miner's choice as a further guard, where a miner for triplets restricts the reduction; else nothing. */
export function minedTriple(
  e: Expansion,
  guards: readonly Node[],
  variables: readonly Variable[],
  frame: LossFrame,
): readonly Node[] {
  if (e.miner === undefined || e.miner.declaration.tuple.length !== 3) return [];
  const binds = (node: Node): boolean => node.kind === "variable" && variables.includes(node.variable);
  for (const positive of guards) {
    if (positive.kind !== "pair" || positive.op !== "same") continue;
    for (const negative of guards) {
      if (negative.kind !== "pair" || negative.op !== "differs") continue;
      for (const [a, p] of [
        [positive.left, positive.right],
        [positive.right, positive.left],
      ] as const) {
        const n = negative.left === a ? negative.right : negative.right === a ? negative.left : undefined;
        if (n !== undefined && binds(a) && binds(p) && binds(n))
          return [chosen(e, e.miner, [a, p, n], frame)];
      }
    }
  }
  return [];
}

/** Whether the miner chooses the tuple. */
function chosen(e: Expansion, miner: MinerInstance, tuple: readonly Node[], frame: LossFrame): Node {
  e.mined = true;
  e.miner = undefined;
  const own = minerFrame(e, miner, frame).child();
  const { declaration } = miner;
  const assignments = declaration.statements.filter((statement) => statement.kind === "Assignment");
  const isAssigned = (name: string): boolean => assignments.some((each) => each.name.text === name);
  declaration.tuple.forEach((name, position) => {
    if (!isAssigned(name.text)) own.bind(name.text, tuple[position]!);
  });
  let condition = e.graph.truth(true);
  for (const { name, value, span } of assignments) {
    const index = tuple[declaration.tuple.findIndex((each) => each.text === name.text)];
    if (index === undefined) throw new InterpretError(`${name.text} is not of the miner's tuple`, span);
    condition = e.graph.logic("and", condition, e.graph.compare("==", index, expandNode(e, value, own)));
    own.bind(name.text, index);
  }
  if (declaration.condition !== undefined)
    condition = e.graph.logic("and", condition, expandNode(e, declaration.condition, own));
  e.miner = miner;
  return condition;
}

/** The frame of a miner's body: its parameters and `let`s, and the globals of the loss it serves. Once for each loss. */
function minerFrame(e: Expansion, miner: MinerInstance, lossFrame: LossFrame): Frame {
  const x = lossFrame.find("x");
  const name = x?.kind === "operand" ? key(x.operand) : "";
  let frame = e.minerFrames.get(name);
  if (frame !== undefined) return frame;
  frame = new Frame(miner.scope);
  for (const global of ["x", "y", "batch", "classes", "dim"]) {
    const meaning = lossFrame.find(global);
    if (meaning !== undefined) frame.set(global, meaning);
  }
  for (const [parameter, value] of miner.parameters) {
    const meaning = meaningOf(value, e.graph);
    if (meaning !== undefined) frame.set(parameter, meaning);
  }
  for (const statement of miner.declaration.statements)
    if (statement.kind === "Let") frame = bindStatement(e, statement, frame);
  e.minerFrames.set(name, frame);
  return frame;
}
