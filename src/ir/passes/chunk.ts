/**
 * The pass `chunk`: a reduction whose tensors would not fit runs over blocks of its first index, over the batch or over
 * the classes, and recomputes each block in the backward pass. What is small or does not vary with that index is computed once,
 * outside. The number of classes is not known here; it is taken to be large, and the program chooses the rows of a
 * block when it knows better.
 */
import type { Builder } from "../build.ts";
import type { Dim, Node } from "../graph.ts";
import { BlockBody, broadcastShape, lengthOf } from "../graph.ts";
import { inputsFirst, topological } from "../order.ts";
import { isElementwise, rebuild } from "./rebuild.ts";

export interface ChunkSizes {
  readonly batch: number;
  /** Number of classes to be ready for. */
  readonly classes: number;
}

/** Bytes of all its tensors together above which a reduction is cut into blocks. */
const LARGEST_REDUCTION = 2 ** 29;
/**
 * A tensor is computed whole, and its rows handed to the blocks, where neither it nor anything it is computed from takes
 * more: a vector of losses is small, the logits behind it are not.
 */
const SMALL_TENSOR = 2 ** 24;

export function chunk(build: Builder, roots: readonly Node[], sizes: ChunkSizes): Node[] {
  return rebuild(build, roots, (node, inputs) => {
    if (node.operation.kind !== "reduce" || node.shape.length > 0) return undefined;
    return chunked(build, node.operation, inputs, sizes);
  });
}

type Reduce = Extract<Node["operation"], { kind: "reduce" }>;

const bytes = (shape: readonly Dim[], sizes: ChunkSizes): number =>
  4 * shape.reduce<number>((all, side) => all * lengthOf(side, sizes), 1);

function chunked(
  build: Builder,
  operation: Reduce,
  inputs: readonly Node[],
  sizes: ChunkSizes,
): Node | undefined {
  const [body, mask] = inputs as [Node, Node | undefined];
  const full = mask === undefined ? body.shape : broadcastShape(body.shape, mask.shape);
  const { op, axes } = operation;
  const side = full[0];
  if ((side !== "batch" && side !== "classes") || !axes.includes(0)) return undefined;
  const total = topological(inputs)
    .filter((node) => node.shape.includes(side))
    .reduce((sum, node) => sum + bytes(node.shape, sizes), 0);
  if (total <= LARGEST_REDUCTION) return undefined;
  const blocks = (reduction: "sum" | "count", of: Node, where: Node | undefined): Node | undefined =>
    new Blocks(build, sizes, side).over(reduction, of, where, axes, full.length);
  switch (op) {
    case "sum":
    case "count":
      return blocks(op, body, mask);
    case "mean": {
      const sum = blocks("sum", body, mask);
      const count =
        mask === undefined
          ? full.map((side) => build.size(side)).reduce((a, b) => build.binary("mul", a, b))
          : blocks("count", mask, undefined);
      return sum === undefined || count === undefined ? undefined : build.binary("ratio", sum, count);
    }
    case "mean_active": {
      const active = build.binary("gt", build.unary("stop_gradient", body), build.constant(0));
      const sum = blocks("sum", build.unary("relu", body), mask);
      const count = blocks("count", active, mask);
      return sum === undefined || count === undefined ? undefined : build.binary("ratio", sum, count);
    }
    default:
      return undefined;
  }
}

/** Builds the body of one blocked reduction: a graph over slots, and what stands in them. */
class Blocks {
  private readonly build: Builder;
  private readonly sizes: ChunkSizes;
  private readonly side: "batch" | "classes";
  private readonly sliced = new Map<Node, Node>();
  private readonly shared = new Map<Node, Node>();
  private readonly known = new Map<string, Node>();
  private readonly weights = new Map<Node, number>();

  constructor(build: Builder, sizes: ChunkSizes, side: "batch" | "classes") {
    this.build = build;
    this.sizes = sizes;
    this.side = side;
  }

  over(
    op: "sum" | "count",
    body: Node,
    mask: Node | undefined,
    axes: readonly number[],
    rank: number,
  ): Node | undefined {
    const { build } = this;
    const rows = (node: Node): Node => this.aligned(node, 0, rank);
    const root = build.reduce(op, rows(body), mask === undefined ? undefined : rows(mask), axes);
    if (this.sliced.size === 0) return undefined;
    const inputs = [...this.sliced.keys(), ...this.shared.keys()];
    const slots = [...this.sliced.values(), ...this.shared.values()];
    const operation = {
      kind: "in_blocks",
      side: this.side,
      sliced: this.sliced.size,
      body: new BlockBody(root, slots),
    } as const;
    return build.graph.node(operation, inputs, [], "real");
  }

  /** An operand of a broadcast of `rank` axes, with axis `at` of the broadcast cut to the block. */
  private aligned(node: Node, at: number, rank: number): Node {
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
      const own = shape.includes(this.side) ? bytes(shape, this.sizes) : 0;
      return Math.max(own, ...inputs.map(of));
    });
  }

  /** A node with its axis `at` cut to the block. */
  private rows(node: Node, at: number): Node {
    const key = `${node.id} ${at}`;
    const before = this.known.get(key);
    if (before !== undefined) return before;
    const small = this.heaviest(node) <= SMALL_TENSOR;
    const result = (small ? undefined : this.inside(node, at)) ?? this.cut(node, at);
    if (node.hint !== undefined) result.hint ??= node.hint;
    this.known.set(key, result);
    return result;
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
          ? undefined
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
}
