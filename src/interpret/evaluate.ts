/**
 * Evaluates an expanded loss on a batch: float64, one number at a time, every number on a tape. Called by
 * `interpret.ts`; reductions over many tuples are in `reduce.ts`. Pure.
 *
 * Absence: arithmetic, comparisons aside, keeps it; `exp`, `softplus` and `log1p` answer 0 without gradient; a
 * comparison with an absent side is false; an index that is absent makes the element absent. `if` evaluates the branch
 * it takes and no other.
 */
import { MEMO } from "./budget.ts";
import { InterpretError } from "./errors.ts";
import { compare } from "./graph.ts";
import type { Graph } from "./graph.ts";
import type { Samples } from "./memory.ts";
import { kmeans } from "./kmeans.ts";
import { isBoolean } from "./nodes.ts";
import type { Input, Node } from "./nodes.ts";
import { norm, reduce, squaredDistance } from "./reduce.ts";
import * as scalars from "./scalars.ts";
import { solve, Systems } from "./solve.ts";
import { ABSENT } from "./tape.ts";
import type { Slot, Tape } from "./tape.ts";
import type { Term } from "./terms.ts";

type VariableNode = Node & { kind: "variable" };

/** Answers 0 with zero gradient on an absent argument. */
const FORGIVING: ReadonlySet<string> = new Set(["exp", "softplus", "log1p"]);

/** Not yet computed, in a memo. */
const UNKNOWN = -2;

export class Evaluation {
  readonly tape: Tape;
  /** Tuples that the reduction of each node's last evaluation held; 0 where it was not evaluated. */
  readonly held: Float64Array;
  /** Of each node that is a reduction, over all its evaluations: 0 without one, else `STARVED` or `FED` (terms.ts). */
  readonly tuples: Uint8Array;
  /** The terms of the present tuples of each reduction that is watched (terms.ts). */
  readonly watched: ReadonlyMap<Node, Term[]>;
  /** What `solve` and `kmeans` have found so far. */
  readonly systems = new Systems();
  readonly clusterings = new Map<string, readonly number[]>();
  /** Tuples visited so far, against the budget. */
  visited = 0;
  readonly graph: Graph;
  private readonly memos: (Int32Array | null | undefined)[];
  private readonly firstSlot: ReadonlyMap<Input, Slot>;
  private readonly labels: ReadonlyMap<Input, ArrayLike<number>>;
  private readonly ids: ArrayLike<number> | undefined;

  /**
   * `firstSlot`: where the elements of each input but the labels start on the tape, in row-major order; `labels`: those of
   * the inputs that are labels.
   */
  constructor(
    graph: Graph,
    tape: Tape,
    firstSlot: ReadonlyMap<Input, Slot>,
    labels: ReadonlyMap<Input, ArrayLike<number>>,
    samples: Samples,
    watched: readonly Node[] = [],
  ) {
    this.graph = graph;
    this.tape = tape;
    this.firstSlot = firstSlot;
    this.labels = labels;
    this.ids = samples.ids;
    this.memos = [];
    this.held = new Float64Array(graph.nodes.length);
    this.tuples = new Uint8Array(graph.nodes.length);
    this.watched = new Map(watched.map((node) => [node, []]));
  }

  /** The number that a node is at the current values of its free indices, or `ABSENT`. */
  evaluate(node: Node): Slot {
    switch (node.kind) {
      case "number":
        return this.tape.constant(node.value);
      case "variable":
        return this.tape.constant(node.variable.value);
      case "element":
        return this.element(node);
      case "unary":
      case "binary":
        return node.plain ? this.fixed(node) : this.compute(node);
      case "if":
        return this.compute(node);
      default:
        return this.remembered(node);
    }
  }

  /** Whether a condition holds. */
  test(node: Node): boolean {
    switch (node.kind) {
      case "truth":
        return node.value;
      case "compare": {
        if (comparesSamples(node)) {
          const equal = this.identical(node.left.variable.value, node.right.variable.value);
          return equal === (node.op === "==");
        }
        const left = this.read(node.left);
        const right = this.read(node.right);
        return left !== undefined && right !== undefined && compare(node.op, left, right);
      }
      case "logic":
        return node.op === "and"
          ? this.test(node.left) && this.test(node.right)
          : this.test(node.left) || this.test(node.right);
      case "not":
        return !this.test(node.operand);
      case "pair": {
        if (node.by.kind !== "input") return this.test(node.by);
        const i = this.index(node.left);
        const j = this.index(node.right);
        if (i < 0 || j < 0) return false;
        const alike = this.label(i, node.by, node) === this.label(j, node.by, node);
        return node.op === "same" ? alike && !this.identical(i, j) : !alike;
      }
      case "if":
        return this.test(this.test(node.condition) ? node.yes : node.no);
      default: {
        const slot = this.evaluate(node);
        return slot !== ABSENT && this.tape.value(slot) !== 0;
      }
    }
  }

  /** The value of an index, -1 if it is absent. */
  index(node: Node): number {
    const value = this.read(node);
    if (value === undefined) return -1;
    if (!Number.isInteger(value) || value < 0) throw new InterpretError(`${value} is no index`);
    return value;
  }

  /** A number without its gradient: `undefined` if absent. Indices and labels do not go on the tape. */
  read(node: Node): number | undefined {
    switch (node.kind) {
      case "number":
        return node.value;
      case "variable":
        return node.variable.value;
      case "element":
        if (node.input.role === "labels") {
          const i = this.index(node.indices[0]!);
          return i < 0 ? undefined : this.label(i, node.input, node);
        }
        break;
      case "unary": {
        if (!node.plain) break;
        const operand = this.read(node.operand);
        return operand === undefined ? undefined : scalars.unary(node.op, operand).value;
      }
      case "binary": {
        if (!node.plain) break;
        const left = this.read(node.left);
        const right = left === undefined ? undefined : this.read(node.right);
        return right === undefined ? undefined : scalars.binary(node.op, left!, right).value;
      }
      default:
        if (isBoolean(node)) return this.test(node) ? 1 : 0;
    }
    const slot = this.evaluate(node);
    return slot === ABSENT ? undefined : this.tape.value(slot);
  }

  /** A plain number on the tape. */
  private fixed(node: Node): Slot {
    const value = this.read(node);
    return value === undefined ? ABSENT : this.tape.constant(value);
  }

  /** Whether two rows are one sample. */
  private identical(i: number, j: number): boolean {
    return i === j || (this.ids !== undefined && this.ids[i] === this.ids[j]);
  }

  private label(i: number, input: Input, node: Node): number {
    const labels = this.labels.get(input)!;
    if (i >= labels.length) throw outside(i, labels.length, node);
    return labels[i]!;
  }

  private element(node: Node & { kind: "element" }): Slot {
    const { input } = node;
    if (input.role === "labels") {
      return this.fixed(node);
    }
    let offset = 0;
    for (let axis = 0; axis < node.indices.length; axis++) {
      const i = this.index(node.indices[axis]!);
      if (i < 0) return ABSENT;
      const length = input.shape[axis]!;
      if (i >= length) throw outside(i, length, node);
      offset = offset * length + i;
    }
    return this.firstSlot.get(input)! + offset;
  }

  /** Nodes that are worth computing once for each combination of their free indices. */
  private remembered(node: Node): Slot {
    let memo = this.memos[node.id];
    if (memo === undefined) {
      const length = node.free.reduce((product, variable) => product * variable.size!, 1);
      memo = length <= MEMO ? new Int32Array(length).fill(UNKNOWN) : null;
      this.memos[node.id] = memo;
    }
    if (memo === null) return this.compute(node);
    let place = 0;
    for (const variable of node.free) place = place * variable.size! + (variable.value - variable.start);
    const known = memo[place]!;
    if (known !== UNKNOWN) return known;
    const slot = this.compute(node);
    memo[place] = slot;
    return slot;
  }

  private compute(node: Node): Slot {
    const { tape } = this;
    switch (node.kind) {
      case "unary": {
        const slot = this.evaluate(node.operand);
        if (slot === ABSENT) return FORGIVING.has(node.op) ? tape.constant(0) : ABSENT;
        const { value, da } = scalars.unary(node.op, tape.value(slot));
        return tape.unary(value, slot, da);
      }
      case "binary": {
        // Both sides, whichever is absent: what a reduction held must not depend on the order of a sum.
        const left = this.evaluate(node.left);
        const right = this.evaluate(node.right);
        if (left === ABSENT || right === ABSENT) return ABSENT;
        const { value, da, db } = scalars.binary(node.op, tape.value(left), tape.value(right));
        return tape.binary(value, left, da, right, db);
      }
      case "if":
        return this.evaluate(this.test(node.condition) ? node.yes : node.no);
      case "component":
        return this.evaluate(node.value);
      case "guarded":
        return node.guards.every((guard) => this.test(guard)) ? this.evaluate(node.value) : ABSENT;
      case "reduce":
        return reduce(this, node);
      case "squared_distance":
        return squaredDistance(this, node);
      case "norm":
        return norm(this, node);
      case "solve":
        return solve(this, node);
      case "kmeans":
        return kmeans(this, node);
      default:
        return tape.constant(this.test(node) ? 1 : 0);
    }
  }
}

/** Whether a comparison asks if two indices stand for one sample. */
function comparesSamples(
  node: Node & { kind: "compare" },
): node is typeof node & { readonly left: VariableNode; readonly right: VariableNode } {
  const { op, left, right } = node;
  if (op !== "==" && op !== "!=") return false;
  if (left.kind !== "variable" || right.kind !== "variable") return false;
  return left.variable.samples && right.variable.samples;
}

function outside(index: number, length: number, node: Node): InterpretError {
  const name = node.kind === "element" ? node.input.name : "the batch";
  return new InterpretError(`index ${index} is outside ${name}, which has ${length} elements there`);
}
