/**
 * Expands expressions of a loss's body: names become what they mean, `let`s and measures what they stand for, tensors
 * their elements. Arithmetic on vectors goes element by element. Called by `loss.ts`; reductions are in
 * `reductions.ts`, calls in `calls.ts`. Pure.
 */
import type { Binary, Expression, Index, Reduction } from "../../syntax/ast.ts";
import type { Span } from "../../source/source.ts";
import { DEPTH } from "../budget.ts";
import { BudgetError, InterpretError } from "../errors.ts";
import type { Graph } from "../graph.ts";
import type { Node } from "../nodes.ts";
import type { MinerInstance } from "../../resolve/values.ts";
import { expandCall } from "./calls.ts";
import type { Frame } from "./environment.ts";
import type { Labels } from "./labels.ts";
import { expandReduction } from "./reductions.ts";
import type { Registry } from "./registry.ts";
import { isTensor, order, unify } from "./tensor.ts";
import type { Operand, Tensors } from "./tensor.ts";

/** What expanding one loss shares among all its parts. */
export interface Expansion {
  readonly graph: Graph;
  readonly tensors: Tensors;
  readonly registry: Registry;
  readonly batch: number;
  /** Samples of the batch and of the memory. */
  readonly samples: number;
  readonly labels: Labels;
  /** Not set while the miner's own body is expanded. */
  miner: MinerInstance | undefined;
  /** Expanded macros, by macro and arguments. */
  readonly memo: Map<string, Operand>;
  /** The name of each draw as it is written. */
  readonly drawNames: Map<Reduction, string>;
  /** The miner's frame, by the embeddings it looks at. */
  readonly minerFrames: Map<string, Frame>;
  /** Number of `let`s so far. */
  lets: number;
  /** Whether a guard of the loss is being expanded, where a miner for pairs restricts `same` and `differs`. */
  guarding: boolean;
  /** Whether the miner has restricted something. */
  mined: boolean;
  /** Whether a part of a reduction is being expanded. */
  reducing: boolean;
  depth: number;
}

export function expand(e: Expansion, expression: Expression, frame: Frame): Operand {
  if (++e.depth > DEPTH)
    throw new BudgetError("the loss is nested too deeply once its definitions are expanded", expression.span);
  try {
    return expandOne(e, expression, frame);
  } finally {
    e.depth--;
  }
}

/** An expression that must be a number, a condition or an index. */
export function expandNode(e: Expansion, expression: Expression, frame: Frame): Node {
  const operand = expand(e, expression, frame);
  if (isTensor(operand))
    throw new InterpretError("a number is needed here, and this is a vector", expression.span);
  return operand;
}

function expandOne(e: Expansion, expression: Expression, frame: Frame): Operand {
  const { graph } = e;
  switch (expression.kind) {
    case "Number":
      return graph.number(expression.unit === "deg" ? (expression.value * Math.PI) / 180 : expression.value);
    case "Bool":
      return graph.truth(expression.value);
    case "Name":
      return expandName(expression.text, expression.span, frame);
    case "Unary": {
      const operand = expand(e, expression.operand, frame);
      if (expression.op === "-")
        return elementwise(e, [operand], (n) => graph.unary("-", n[0]!), expression.span);
      return graph.not(scalar(operand, expression.span));
    }
    case "Binary":
      return expandBinary(e, expression, frame);
    case "If": {
      const condition = expandNode(e, expression.condition, frame);
      if (condition.kind === "truth")
        return expand(e, condition.value ? expression.then : expression.else, frame);
      const then = expand(e, expression.then, frame);
      const otherwise = expand(e, expression.else, frame);
      return elementwise(e, [then, otherwise], (n) => graph.choose(condition, n[0]!, n[1]!), expression.span);
    }
    case "Call":
      return expandCall(e, expression, frame);
    case "Index":
      return expandIndex(e, expression, frame);
    case "Reduction":
      return expandReduction(e, expression as Reduction, frame);
    default:
      throw new InterpretError("this cannot stand in a formula", expression.span);
  }
}

function expandName(text: string, span: Span, frame: Frame): Operand {
  const meaning = frame.find(text);
  if (meaning === undefined) throw new InterpretError(`${text} is not known here`, span);
  if (meaning.kind !== "operand") throw new InterpretError(`${text} is no number, vector or index`, span);
  return meaning.operand;
}

/** Goes down a chain such as a + b + c + … iteratively. */
function expandBinary(e: Expansion, expression: Binary, frame: Frame): Operand {
  const chain: Binary[] = [];
  let first: Expression = expression;
  while (first.kind === "Binary") {
    chain.push(first);
    first = first.left;
  }
  let left = expand(e, first, frame);
  for (const link of chain.reverse()) left = combine(e, link, left, expand(e, link.right, frame));
  return left;
}

function combine(e: Expansion, link: Binary, left: Operand, right: Operand): Operand {
  const { graph } = e;
  const { op, span } = link;
  switch (op) {
    case "+":
    case "-":
    case "*":
    case "/":
    case "^":
      return elementwise(e, [left, right], (n) => graph.binary(op, n[0]!, n[1]!), span);
    case "and":
    case "or":
      return graph.logic(op, scalar(left, link.left.span), scalar(right, link.right.span));
    default: {
      const a = scalar(left, link.left.span);
      const b = scalar(right, link.right.span);
      unify(a, b, e.samples);
      if (op !== "==" && op !== "!=") order(a, b);
      return graph.compare(op, a, b);
    }
  }
}

function expandIndex(e: Expansion, expression: Index, frame: Frame): Operand {
  const target = expand(e, expression.target, frame);
  if (!isTensor(target)) throw new InterpretError("this has no axis to index", expression.target.span);
  const indices = expression.indices.map((index) => expandNode(e, index, frame));
  return e.tensors.at(target, indices, expression.span);
}

/** Applies a function of numbers to numbers, or to vectors of one shape element by element. */
export function elementwise(
  e: Expansion,
  operands: readonly Operand[],
  apply: (elements: readonly Node[]) => Node,
  span: Span,
): Operand {
  if (operands.some(isTensor)) return e.tensors.map(operands, apply, span);
  return apply(operands as readonly Node[]);
}

export function scalar(operand: Operand, span: Span): Node {
  if (isTensor(operand)) throw new InterpretError("a number is needed here, and this is a vector", span);
  return operand;
}
