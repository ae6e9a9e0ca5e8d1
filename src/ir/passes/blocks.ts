/**
 * The body of one reduction in blocks: a graph of its own, from slots for what it is given by rows or whole. What is
 * small is computed once, outside, and so is what does not vary with the side that is cut. Made by the pass `chunk`.
 */
import type { Builder } from "../build.ts";
import type { Combination, Dim, Node } from "../graph.ts";
import { BlockBody, lengthOf } from "../graph.ts";
import { inputsFirst } from "../order.ts";
import { isElementwise } from "./rebuild.ts";

/**
 * A tensor is computed whole, and its rows handed to the blocks, where neither it nor anything it is computed from takes
 * more: a vector of losses is small, the logits behind it are not.
 */
const SMALL_TENSOR = 2 ** 24;

export interface ChunkSizes {
  readonly batch: number;
  /** Number of classes to be ready for. */
  readonly classes: number;
}

/** Bytes of a tensor of real numbers. */
export const bytesOf = (shape: readonly Dim[], sizes: ChunkSizes): number =>
  4 * shape.reduce<number>((all, side) => all * lengthOf(side, sizes), 1);

type Softmax = Extract<Node["operation"], { kind: "softmax" | "log_softmax" }>;

/** Log-sum-exp of logits along an axis where a mask holds, in blocks of its own where it must be. */
type LogSumExp = (logits: Node, mask: Node | undefined, axis: number) => Node;

export class Blocks {
  private readonly build: Builder;
  private readonly sizes: ChunkSizes;
  private readonly side: "batch" | "classes";
  private readonly logSumExp: LogSumExp;
  private readonly sliced = new Map<Node, Node>();
  private readonly shared = new Map<Node, Node>();
  private readonly known = new Map<string, Node>();
  private readonly weights = new Map<Node, number>();

  constructor(build: Builder, sizes: ChunkSizes, side: "batch" | "classes", logSumExp: LogSumExp) {
    this.build = build;
    this.sizes = sizes;
    this.side = side;
    this.logSumExp = logSumExp;
  }

  /** What all blocks come to; undefined if nothing of the body varies with the side. */
  combined(combine: Combination, roots: readonly Node[], shape: readonly Dim[]): Node | undefined {
    if (this.sliced.size === 0) return undefined;
    const given = [...this.sliced, ...this.shared];
    // A block that no gradient leaves need not be recomputed for one.
    const differentiable = roots.some((root) => root.differentiable);
    const inputs = given.map(([input]) =>
      differentiable || !input.differentiable ? input : this.build.unary("stop_gradient", input),
    );
    const body = new BlockBody(
      roots,
      given.map(([, slot]) => slot),
    );
    const { side } = this;
    const operation = { kind: "in_blocks", side, combine, sliced: this.sliced.size, body } as const;
    return this.build.graph.node(operation, inputs, shape, "real");
  }

  /** An operand of a broadcast of `rank` axes, with axis `at` of the broadcast cut to the block. */
  aligned(node: Node, at: number, rank: number): Node {
    const own = at - (rank - node.shape.length);
    return own < 0 || node.shape[own] === 1 ? this.whole(node) : this.rows(node, own);
  }

  /** A node that every block needs whole. */
  private whole(node: Node): Node {
    // Numbers of the program, no tensors.
    if (node.operation.kind === "constant" || node.operation.kind === "size") return node;
    return this.slot(this.shared, node);
  }

  private slot(among: Map<Node, Node>, node: Node): Node {
    const before = among.get(node);
    if (before !== undefined) return before;
    const { differentiable, shape, type } = node;
    // One node can stand in a block both by its rows and whole.
    const operation = { kind: "slot", of: node.id, rows: among === this.sliced, differentiable } as const;
    const made = this.build.graph.node(operation, [], shape, type);
    if (node.hint !== undefined) made.hint ??= node.hint;
    among.set(node, made);
    return made;
  }

  /** Bytes of the largest tensor that computing a node takes, itself included, of those that grow with the side cut. */
  private heaviest(node: Node): number {
    return inputsFirst(node, this.weights, ({ shape, inputs }, of) => {
      return Math.max(this.weight(shape), ...inputs.map(of));
    });
  }

  /** What has a number for each class and sample counts as large however few samples there are. */
  private weight(shape: readonly Dim[]): number {
    if (!shape.includes(this.side)) return 0;
    const byClassAndSample = this.side === "classes" && shape.includes("batch");
    return byClassAndSample ? Number.POSITIVE_INFINITY : bytesOf(shape, this.sizes);
  }

  /** A node with its axis `at` cut to the block. */
  private rows(node: Node, at: number): Node {
    // Chains of operations may be deep: what stands below each is cut before it, on a stack of their own.
    const open: (readonly [Node, number])[] = [[node, at]];
    for (let last = open.at(-1); last !== undefined; last = open.at(-1)) {
      const waiting = this.chained(...last).filter(([input, own]) => !this.known.has(`${input.id} ${own}`));
      if (waiting.length > 0) {
        open.push(...waiting);
        continue;
      }
      this.rowsOf(...last);
      open.pop();
    }
    return this.rowsOf(node, at);
  }

  private rowsOf(node: Node, at: number): Node {
    const key = `${node.id} ${at}`;
    const before = this.known.get(key);
    if (before !== undefined) return before;
    const result = (this.isSmall(node) ? undefined : this.inside(node, at)) ?? this.cut(node, at);
    if (node.hint !== undefined) result.hint ??= node.hint;
    this.known.set(key, result);
    return result;
  }

  private isSmall(node: Node): boolean {
    return this.heaviest(node) <= SMALL_TENSOR;
  }

  /** The inputs whose rows an elementwise operation is computed from, each with the axis that is cut. */
  private chained(node: Node, at: number): (readonly [Node, number])[] {
    if (this.isSmall(node) || !isElementwise(node)) return [];
    return node.inputs.flatMap((input) => {
      const own = at - (node.shape.length - input.shape.length);
      return own < 0 || input.shape[own] === 1 ? [] : [[input, own] as const];
    });
  }

  /** Computed whole, its rows handed to the blocks. */
  private cut(node: Node, at: number): Node {
    if (at === 0) return this.slot(this.sliced, node);
    const rest = node.shape.map((_, k) => k).filter((k) => k !== at);
    const order = [at, ...rest];
    const first = this.slot(this.sliced, this.build.view(node, order));
    return this.build.view(
      first,
      node.shape.map((_, k) => order.indexOf(k)),
    );
  }

  /** Computed from the block's rows of its inputs; undefined for what has no such form. */
  private inside(node: Node, at: number): Node | undefined {
    const { build } = this;
    const { operation, inputs } = node;
    const rank = node.shape.length;
    const again = (made: readonly Node[]): Node => build.graph.node(operation, made, node.shape, node.type);
    if (isElementwise(node)) return again(inputs.map((input) => this.aligned(input, at, rank)));
    switch (operation.kind) {
      case "view": {
        const side = operation.axes[at];
        return side === null || side === undefined
          ? undefined
          : build.view(this.rows(inputs[0]!, side), operation.axes);
      }
      case "normalize":
      case "norm":
      case "prefix":
        return at === inputs[0]!.shape.length - 1 ? undefined : again([this.rows(inputs[0]!, at)]);
      case "matmul": {
        const [left, right] = inputs as [Node, Node];
        const leftSides = left.shape.length - 1;
        if (at < operation.shared) return again([this.rows(left, at), this.rows(right, at)]);
        return at < leftSides
          ? again([this.rows(left, at), this.whole(right)])
          : again([this.whole(left), this.rows(right, operation.shared + at - leftSides)]);
      }
      case "squared_distance": {
        const [left, right] = inputs as [Node, Node];
        return again(
          at === 0 ? [this.rows(left, 0), this.whole(right)] : [this.whole(left), this.rows(right, 0)],
        );
      }
      case "paired_squared_distance":
      case "cross_entropy":
        return again(inputs.map((input) => this.aligned(input, at, rank + 1)));
      case "softmax":
      case "log_softmax":
        return operation.axis === at
          ? this.shares(operation, inputs, at, rank)
          : again(inputs.map((input) => this.aligned(input, at, rank)));
      case "reduce": {
        const fullRank = rank + operation.axes.length;
        const sides = Array.from({ length: fullRank }, (_, k) => k).filter(
          (k) => !operation.axes.includes(k),
        );
        return again(inputs.map((input) => this.aligned(input, sides[at]!, fullRank)));
      }
      case "gather": {
        const [table, indices] = inputs as [Node, Node];
        return at < indices.shape.length ? again([this.whole(table), this.rows(indices, at)]) : undefined;
      }
      default:
        return undefined;
    }
  }
  /** Rows of a softmax along the side that is cut, from the log-sum-exp over all blocks, which comes first. */
  private shares({ kind, axis }: Softmax, [logits, mask]: readonly Node[], at: number, rank: number): Node {
    const { build } = this;
    const total = this.logSumExp(logits!, mask, axis);
    const kept = Array.from({ length: rank }, (_, k) => (k === axis ? null : k < axis ? k : k - 1));
    const shift = build.view(this.whole(total), kept);
    const rows = build.binary("sub", this.aligned(logits!, at, rank), shift);
    const where = mask === undefined ? undefined : this.aligned(mask, at, rank);
    const zero = build.constant(0);
    const log = where === undefined ? rows : build.select(where, rows, zero);
    if (kind === "log_softmax") return log;
    const share = build.unary("exp", log);
    return where === undefined ? share : build.select(where, share, zero);
  }
}
