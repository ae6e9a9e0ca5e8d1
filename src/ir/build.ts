/**
 * Constructors of graph nodes: each works out shape and type, asks the rewriting rules it was given, and only then makes
 * a node. Lowering and the passes call these. A builder without rules leaves a formula as it is written; the passes
 * `fold` and `stabilise` then bring in theirs, and every pass after them builds with both. What reads a graph without
 * running passes, as the checker does, lowers with every rule at once. Equal nodes are one in any case: without that,
 * thirty nested doublings would be a graph of 2^30 nodes before a pass could see it.
 */
import type {
  BinaryOperator,
  Dim,
  ElementType,
  Graph,
  Node,
  ReduceOperator,
  UnaryOperator,
} from "./graph.ts";
import { broadcastShape, constantOf } from "./graph.ts";
import { evaluateBinary, evaluateComparison, evaluateLogical, evaluateUnary } from "./rules/evaluate.ts";
import { foldBinary, foldLogical, foldMask, foldUnary } from "./rules/fold.ts";
import { stabiliseRatio, stabiliseUnary } from "./rules/stabilise.ts";

const COMPARISONS: ReadonlySet<BinaryOperator> = new Set(["eq", "ne", "lt", "le", "gt", "ge"]);
const LOGICAL: ReadonlySet<BinaryOperator> = new Set(["and", "or"]);

export type Rule = "fold" | "stabilise";
export type Rules = ReadonlySet<Rule>;

export const NO_RULES: Rules = new Set();
export const FOLDING: Rules = new Set(["fold"]);
export const EVERY_RULE: Rules = new Set(["fold", "stabilise"]);

/** Shape that is left after reducing over `axes`. */
function without(shape: readonly Dim[], axes: readonly number[]): Dim[] {
  return shape.filter((_, axis) => !axes.includes(axis));
}

const pairsHint = (kind: "same" | "differs", label: string | undefined): string =>
  `${label === undefined ? "" : `${label}_`}${kind === "same" ? "positives" : "negatives"}`;

export class Builder {
  readonly graph: Graph;

  private readonly folds: boolean;
  private readonly stabilises: boolean;

  constructor(graph: Graph, rules: Rules = EVERY_RULE) {
    this.graph = graph;
    this.folds = rules.has("fold");
    this.stabilises = rules.has("stabilise");
  }

  constant(value: number): Node {
    return this.graph.constant(value);
  }

  unary(op: UnaryOperator, input: Node): Node {
    const rewritten =
      evaluateUnary(this.graph, op, input) ??
      (this.folds ? foldUnary(op, input) : undefined) ??
      (this.stabilises ? stabiliseUnary(this, op, input) : undefined);
    if (rewritten !== undefined) return rewritten;
    const type: ElementType = op === "not" ? "bool" : "real";
    const shape = op === "norm" ? input.shape.slice(0, -1) : input.shape;
    return this.graph.node({ kind: op }, [input], shape, type);
  }

  binary(op: BinaryOperator, left: Node, right: Node): Node {
    if (LOGICAL.has(op)) {
      const folded =
        evaluateLogical(this.graph, op, left, right) ??
        (this.folds ? foldLogical(op, left, right) : undefined);
      if (folded !== undefined) return folded;
      return this.graph.node({ kind: op }, [left, right], broadcastShape(left.shape, right.shape), "bool");
    }
    if (COMPARISONS.has(op)) {
      // Two index-valued sides compare as integers, anything else as reals.
      const exact = left.type === "int" && right.type === "int";
      const a = exact ? left : this.asReal(left);
      const b = exact ? right : this.asReal(right);
      const known = evaluateComparison(this.graph, op, a, b);
      if (known !== undefined) return known;
      return this.graph.node({ kind: op }, [a, b], broadcastShape(a.shape, b.shape), "bool");
    }
    const a = this.asReal(left);
    const b = this.asReal(right);
    const rewritten =
      evaluateBinary(this.graph, op, a, b) ??
      (this.folds ? foldBinary(op, a, b) : undefined) ??
      (this.stabilises && op === "ratio" ? stabiliseRatio(this, a, b) : undefined);
    if (rewritten !== undefined) return rewritten;
    return this.graph.node({ kind: op }, [a, b], broadcastShape(a.shape, b.shape), "real");
  }

  /** A number where a bool or an index stands: 0 or 1, or the index itself; no gradient. */
  asReal(node: Node): Node {
    if (node.type === "real") return node;
    const constant = constantOf(node);
    if (constant !== undefined) return this.graph.constant(constant);
    return this.graph.node({ kind: "real" }, [node], node.shape, "real");
  }

  select(condition: Node, yes: Node, no: Node): Node {
    const known = constantOf(condition);
    if (known !== undefined) return known !== 0 ? yes : no;
    if (yes.type === "bool" && no.type === "bool") {
      const taken = this.binary("and", condition, yes);
      return this.binary("or", taken, this.binary("and", this.unary("not", condition), no));
    }
    const type = yes.type === no.type ? yes.type : "real";
    const a = type === "real" ? this.asReal(yes) : yes;
    const b = type === "real" ? this.asReal(no) : no;
    const shape = broadcastShape(condition.shape, broadcastShape(a.shape, b.shape));
    if (a === b && a.shape.length === shape.length) return a;
    return this.graph.node({ kind: "select" }, [condition, a, b], shape, type);
  }

  /** Permutes axes and adds new ones; `axes[k]` is the input's axis that becomes axis k, or null for a new one. */
  view(input: Node, axes: readonly (number | null)[]): Node {
    if (axes.length === input.shape.length && axes.every((axis, k) => axis === k)) return input;
    if (input.shape.length === 0) return input;
    if (input.operation.kind === "view") {
      const inner = input.operation.axes;
      return this.view(
        input.inputs[0]!,
        axes.map((axis) => (axis === null ? null : inner[axis]!)),
      );
    }
    const shape = axes.map((axis): Dim => (axis === null ? 1 : input.shape[axis]!));
    const node = this.graph.node({ kind: "view", axes }, [input], shape, input.type);
    return node;
  }

  /** Reduces `input`, broadcast with `mask` where there is one, over `axes` of the broadcast shape. */
  reduce(op: ReduceOperator, input: Node, mask: Node | undefined, axes: readonly number[]): Node {
    const logical = op === "any" || op === "all" || op === "count";
    const value = logical ? input : this.asReal(input);
    const full = mask === undefined ? value.shape : broadcastShape(value.shape, mask.shape);
    const kept = this.folds ? foldMask(value, mask, full) : mask;
    const inputs = kept === undefined ? [value] : [value, kept];
    const type: ElementType =
      op === "any" || op === "all" ? "bool" : op === "argmax" || op === "argmin" ? "int" : "real";
    return this.graph.node({ kind: "reduce", op, axes }, inputs, without(full, axes), type);
  }

  matmul(left: Node, right: Node, shared: number): Node {
    const [a, b] = [this.asReal(left), this.asReal(right)];
    const shape = [...a.shape.slice(0, -1), ...b.shape.slice(shared, -1)];
    return this.graph.node({ kind: "matmul", shared }, [a, b], shape, "real");
  }

  squaredDistance(left: Node, right: Node): Node {
    const shape = [...left.shape.slice(0, -1), right.shape.at(-2)!];
    return this.graph.node({ kind: "squared_distance" }, [left, right], shape, "real");
  }

  /** Tensors of one shape as one, along a new first axis. */
  stack(parts: readonly Node[]): Node {
    const [{ shape, type }] = parts as [Node];
    return this.graph.node({ kind: "stack" }, parts, [parts.length, ...shape], type);
  }

  take(stacked: Node, index: number): Node {
    return this.graph.node({ kind: "take", index }, [stacked], stacked.shape.slice(1), stacked.type);
  }

  pairedSquaredDistance(left: Node, right: Node): Node {
    const shape = broadcastShape(left.shape, right.shape).slice(0, -1);
    return this.graph.node({ kind: "paired_squared_distance" }, [left, right], shape, "real");
  }

  crossEntropy(logits: Node, target: Node): Node {
    const shape = broadcastShape(logits.shape, target.shape);
    return this.graph.node({ kind: "cross_entropy" }, [logits, target], shape.slice(0, -1), "real");
  }

  softmax(kind: "softmax" | "log_softmax", logits: Node, mask: Node | undefined, axis: number): Node {
    const inputs = mask === undefined ? [logits] : [logits, mask];
    const shape = mask === undefined ? logits.shape : broadcastShape(logits.shape, mask.shape);
    return this.graph.node({ kind, axis }, inputs, shape, "real");
  }

  /** A side as a number. */
  size(dim: Dim): Node {
    if (typeof dim === "number") return this.constant(dim);
    return this.graph.node({ kind: "size", dim }, [], [], "real");
  }

  /** The numbers of an index, [size]. */
  iota(from: number, size: Dim): Node {
    return this.graph.node({ kind: "iota", from }, [], [size], "int");
  }

  /** Which pairs of samples are of one class and different, or of different classes, [batch, batch]. */
  pairs(kind: "same" | "differs", label?: string): Node {
    const node = this.graph.node({ kind }, [this.labels(label)], ["batch", "batch"], "bool");
    node.hint ??= pairsHint(kind, label);
    return node;
  }

  /** The same over samples of batch and memory: labels and identities of the rows [n] and of the columns [m], to [n, m]. */
  pairsAmong(
    kind: "same" | "differs",
    rows: readonly [labels: Node, ids: Node],
    columns: readonly [labels: Node, ids: Node],
    label?: string,
  ): Node {
    const inputs = kind === "same" ? [...rows, ...columns] : [rows[0], columns[0]];
    const shape = [rows[0].shape[0]!, columns[0].shape[0]!];
    const node = this.graph.node({ kind }, inputs, shape, "bool");
    node.hint ??= pairsHint(kind, label);
    return node;
  }

  /** The classes of the batch's samples, or what they are by a further label of the data set. */
  labels(label?: string): Node {
    const operation =
      label === undefined ? ({ kind: "labels" } as const) : ({ kind: "labels", label } as const);
    return this.graph.node(operation, [], ["batch"], "int");
  }

  /** A head's embeddings of one view of the batch; view 0 is the first. */
  input(name: string, dim: number, view = 0): Node {
    const operation =
      view === 0 ? ({ kind: "input", name } as const) : ({ kind: "input", name, view } as const);
    return this.graph.node(operation, [], ["batch", dim], "real");
  }

  /** Identities of the batch's samples: two rows with one identity are one sample. */
  ids(): Node {
    return this.graph.node({ kind: "ids" }, [], ["batch"], "int");
  }

  /** The rows of the batch, and behind them those of a memory [N, …]; of the batch's type. */
  joined(ofBatch: Node, memory: Node): Node {
    const [size, ...rest] = memory.shape;
    const shape: Dim[] = [`batch+${size as number}`, ...rest];
    return this.graph.node({ kind: "joined" }, [ofBatch, memory], shape, ofBatch.type);
  }

  /** Of a tensor over the samples of batch and memory along `axis`, those of the batch. */
  batchRows(input: Node, axis: number): Node {
    const { operation, inputs } = input;
    const [first] = inputs as [Node];
    switch (operation.kind) {
      case "joined":
        return first;
      case "concat":
        if (axis === 0 && first.shape[0] === "batch") return first;
        break;
      case "stop_gradient":
      case "normalize":
        return this.unary(operation.kind, this.batchRows(first, axis));
      case "prefix":
        return this.prefix(this.batchRows(first, axis), operation.size);
      default:
        break;
    }
    const shape = input.shape.map((side, k) => (k === axis ? "batch" : side));
    return this.graph.node({ kind: "batch_rows", axis }, [input], shape, input.type);
  }

  /** The rows of `first` and behind them those of `second`; `side` is how many that makes. */
  concat(first: Node, second: Node, side: Dim): Node {
    const [a, b] = [this.asReal(first), this.asReal(second)];
    return this.graph.node({ kind: "concat" }, [a, b], [side, ...a.shape.slice(1)], "real");
  }

  /** `count` rows along `axis`, from `from` on. */
  rows(input: Node, axis: number, from: Dim, count: number): Node {
    if (input.operation.kind === "concat" && axis === 0 && input.inputs[0]!.shape[0] === from)
      return input.inputs[1]!;
    const shape = input.shape.map((side, k) => (k === axis ? count : side));
    return this.graph.node({ kind: "rows", axis, from }, [input], shape, input.type);
  }

  /** Solutions of linear systems: matrices [s, q, u] and right sides [s, q, r] give [s, u, r]. */
  solve(matrix: Node, right: Node, stacked: number): Node {
    const [a, b] = [this.asReal(matrix), this.asReal(right)];
    const shape = [...a.shape.slice(0, stacked), a.shape.at(-1)!, ...b.shape.slice(stacked + 1)];
    // One inverse for all right sides.
    const inverse = this.graph.node({ kind: "inverse" }, [a], a.shape, "real");
    return this.graph.node({ kind: "solve", stacked }, [inverse, b], shape, "real");
  }

  /** Numbers of the clusters of points [n, t], of those that a mask [s, n] lets in. */
  kmeans(points: Node, where: Node | undefined, clusters: number): Node {
    const inputs = where === undefined ? [points] : [points, where];
    const shape = [...(where?.shape.slice(0, -1) ?? []), points.shape[0]!];
    return this.graph.node({ kind: "kmeans", clusters }, inputs, shape, "int");
  }

  /** A memory [N, …] after the rows of a batch have joined it. */
  remember(memory: Node, ofBatch: Node): Node {
    const rows = ofBatch.differentiable ? this.unary("stop_gradient", ofBatch) : ofBatch;
    return this.graph.node({ kind: "remember" }, [memory, rows], memory.shape, "real");
  }

  param(name: string, shape: readonly Dim[]): Node {
    return this.graph.node({ kind: "param", name }, [], shape, "real");
  }

  state(name: string, shape: readonly Dim[]): Node {
    return this.graph.node({ kind: "state", name }, [], shape, "real");
  }

  /** Random numbers of the step, uniform in [0, 1). */
  noise(name: string, shape: readonly Dim[]): Node {
    return this.graph.node({ kind: "noise", name }, [], shape, "real");
  }

  cumulativeSum(input: Node, axis: number): Node {
    return this.graph.node({ kind: "cumulative_sum", axis }, [this.asReal(input)], input.shape, "real");
  }

  gather(table: Node, indices: Node): Node {
    return this.graph.node(
      { kind: "gather" },
      [table, indices],
      [...indices.shape, ...table.shape.slice(1)],
      table.type,
    );
  }

  prefix(input: Node, size: number): Node {
    return this.graph.node({ kind: "prefix", size }, [input], [...input.shape.slice(0, -1), size], "real");
  }
}
