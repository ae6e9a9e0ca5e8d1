/**
 * Folding: operands that change nothing disappear. Every rule keeps the value and the gradient exactly; what may be
 * infinite is never dropped.
 */
import type { BinaryOperator, Dim, Node, UnaryOperator } from "../graph.ts";
import { constantOf } from "../graph.ts";

const NEVER_NEGATIVE: ReadonlySet<string> = new Set(["relu", "sqrt", "abs", "norm"]);

/** The neutral side of `and` or `or` disappears. The absorbing one stays: the result keeps the shape of both. */
export function foldLogical(op: BinaryOperator, a: Node, b: Node): Node | undefined {
  const neutral = op === "and" ? 1 : 0;
  if (isPartOf(op, a, b)) return b;
  if (isPartOf(op, b, a)) return a;
  if (constantOf(a) === neutral) return b;
  return constantOf(b) === neutral ? a : undefined;
}

/** How far a chain of conditions is looked through. */
const CHAIN = 16;

/** Whether a condition is one of those that a chain of the same operator holds already. */
function isPartOf(op: BinaryOperator, part: Node, whole: Node): boolean {
  const open = [whole];
  for (let looked = 0; looked < CHAIN && open.length > 0; looked++) {
    const node = open.pop()!;
    if (node === part) return true;
    if (node.operation.kind === op) open.push(...node.inputs);
  }
  return false;
}

export function foldUnary(op: UnaryOperator, input: Node): Node | undefined {
  if (op === "neg" && input.operation.kind === "neg") return input.inputs[0]!;
  if (op === "not" && input.operation.kind === "not") return input.inputs[0]!;
  if (op === "stop_gradient" && !input.differentiable) return input;
  // At their own 0 these have derivative 0, as relu has.
  if (op === "relu" && NEVER_NEGATIVE.has(input.operation.kind)) return input;
  return undefined;
}

export function foldBinary(op: BinaryOperator, a: Node, b: Node): Node | undefined {
  const [left, right] = [constantOf(a), constantOf(b)];
  switch (op) {
    case "add":
      if (left === 0) return b;
      return right === 0 ? a : undefined;
    case "sub":
      return right === 0 ? a : undefined;
    case "mul":
      if (left === 1) return b;
      return right === 1 ? a : undefined;
    case "div":
    case "pow":
      return right === 1 ? a : undefined;
    default:
      return undefined;
  }
}

/** A mask that holds everywhere masks nothing, unless it is what gives the reduction its sides. */
export function foldMask(body: Node, mask: Node | undefined, full: readonly Dim[]): Node | undefined {
  if (mask === undefined || constantOf(mask) !== 1) return mask;
  return body.shape.join() === full.join() ? undefined : mask;
}
