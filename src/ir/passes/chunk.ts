/**
 * The pass `chunk`: a reduction whose tensors would not fit runs over blocks of the classes, or of the batch where it is
 * its first index, and recomputes each block in the backward pass. Sums add up as the blocks go by; log-sum-exp and
 * cross-entropy carry a maximum and a sum, so that no tensor over all classes of all samples is ever there. The number of
 * classes is not known here; it is taken to be large, and the program chooses the rows of a block when it knows better.
 */
import type { Builder } from "../build.ts";
import type { Combination, Dim, Node, ReduceOperator } from "../graph.ts";
import { broadcastShape } from "../graph.ts";
import { topological } from "../order.ts";
import { Blocks, bytesOf } from "./blocks.ts";
import type { ChunkSizes } from "./blocks.ts";
import { rebuild } from "./rebuild.ts";

export type { ChunkSizes } from "./blocks.ts";

/** Bytes of all its tensors together above which a reduction is cut into blocks. */
const LARGEST_REDUCTION = 2 ** 29;
/** The same for the other reductions of a loss that has one in blocks: what is whole should not outweigh a block. */
const LARGEST_BESIDE_BLOCKS = 2 ** 26;
/** Bytes that one class may take for blocks of classes to be of use. */
const LARGEST_ROW = 2 ** 26;
/** What stands for the log-sum-exp over nothing while blocks are added up. */
const NOTHING = -1e30;

export function chunk(build: Builder, roots: readonly Node[], sizes: ChunkSizes): Node[] {
  const pass = new Chunk(build, sizes, LARGEST_REDUCTION);
  const inBlocks = roots
    .map((root) => topological([root]))
    .filter((nodes) => nodes.some((node) => pass.rewrite(node, node.inputs) !== undefined));
  const besideBlocks = new Set(inBlocks.flat());
  const finer = new Chunk(build, sizes, LARGEST_BESIDE_BLOCKS);
  return rebuild(build, roots, (node, inputs) =>
    (besideBlocks.has(node) ? finer : pass).rewrite(node, inputs),
  );
}

/** The axis along which a reduction is cut, of the shape of its tuples, and what that side is. */
interface Cut {
  readonly at: number;
  readonly rank: number;
  readonly side: "batch" | "classes";
}

class Chunk {
  private readonly build: Builder;
  private readonly sizes: ChunkSizes;
  /** Bytes of the tensors of a reduction that stays as it is. */
  private readonly largest: number;

  constructor(build: Builder, sizes: ChunkSizes, largest: number) {
    this.build = build;
    this.sizes = sizes;
    this.largest = largest;
  }

  rewrite(node: Node, inputs: readonly Node[]): Node | undefined {
    const { operation } = node;
    const [body, mask] = inputs as [Node, Node | undefined];
    if (operation.kind === "reduce") return this.reduced(operation.op, body, mask, operation.axes);
    if (operation.kind !== "cross_entropy") return undefined;
    const last = fullShape(body, mask).length - 1;
    const cut = this.cut([last], body, mask);
    return cut && this.inBlocks(cut, "cross_entropy", inputs, node.shape, (rows) => rows);
  }

  /** A reduction in blocks; undefined where it fits as it is, or has no such form. */
  private reduced(
    op: ReduceOperator,
    body: Node,
    mask: Node | undefined,
    axes: readonly number[],
  ): Node | undefined {
    const { build } = this;
    const cut = this.cut(axes, body, mask);
    if (cut === undefined) return undefined;
    switch (op) {
      case "sum":
      case "count":
        return this.added(cut, op, body, mask, axes);
      case "mean": {
        const sum = this.added(cut, "sum", body, mask, axes);
        return sum && build.binary("ratio", sum, this.tuples(body, mask, axes));
      }
      case "mean_active": {
        const sum = this.added(cut, "sum", build.unary("relu", body), mask, axes);
        const active = build.binary("gt", build.unary("stop_gradient", body), build.constant(0));
        return sum && build.binary("ratio", sum, this.reduce("count", active, mask, axes));
      }
      case "any":
        return build.binary("gt", this.reduce("count", body, mask, axes), build.constant(0));
      case "all": {
        const failing = this.reduce("count", build.unary("not", body), mask, axes);
        return build.binary("eq", failing, build.constant(0));
      }
      case "logsumexp": {
        const value = this.logSumExp(cut, body, mask, axes);
        if (value === undefined || mask === undefined) return value;
        const { own } = maskAxes(fullShape(body, mask), mask, axes);
        return build.select(this.reduce("any", mask, undefined, own), value, build.constant(0));
      }
      case "log1p_sum_exp": {
        const value = this.logSumExp(cut, body, mask, axes);
        return value && build.unary("softplus", value);
      }
      default:
        return undefined;
    }
  }

  /** A reduction, in blocks where it must be. */
  private reduce(op: ReduceOperator, body: Node, mask: Node | undefined, axes: readonly number[]): Node {
    return this.reduced(op, body, mask, axes) ?? this.build.reduce(op, body, mask, axes);
  }

  /**
   * Where to cut, if its tensors do not fit: along the classes, or along the batch of a reduction to one number or to a
   * table of them.
   */
  private cut(axes: readonly number[], ...inputs: readonly (Node | undefined)[]): Cut | undefined {
    const given = inputs.filter((input) => input !== undefined);
    const full = fullShape(...(given as [Node, Node | undefined]));
    const rank = full.length;
    const along = (side: Cut["side"]): number =>
      topological(given)
        .filter((node) => node.shape.includes(side))
        .reduce((sum, node) => sum + bytesOf(node.shape, this.sizes), 0);
    const byBatch = full[0] === "batch" && axes.length === rank;
    const at = axes.find((axis) => full[axis] === "classes");
    if (at !== undefined) {
      const total = along("classes");
      const fits = total / this.sizes.classes <= LARGEST_ROW;
      if (total > this.largest && (fits || !byBatch)) return { at, rank, side: "classes" };
    }
    // A table of sums over all samples, with no number of a sample left.
    const table = without(full, axes).includes("batch") ? undefined : axes.find((k) => full[k] === "batch");
    const first = byBatch ? 0 : table;
    return first !== undefined && along("batch") > this.largest
      ? { at: first, rank, side: "batch" }
      : undefined;
  }

  /** A sum or a count, added up block by block. */
  private added(
    cut: Cut,
    op: "sum" | "count",
    body: Node,
    mask: Node | undefined,
    axes: readonly number[],
  ): Node | undefined {
    const shape = without(fullShape(body, mask), axes);
    return this.inBlocks(cut, "sum", [body, mask], shape, ([part, where]) => [
      this.build.reduce(op, part!, where, axes),
    ]);
  }

  /** Log-sum-exp; of nothing a number far below all others. */
  private logSumExp(cut: Cut, body: Node, mask: Node | undefined, axes: readonly number[]): Node | undefined {
    const { build } = this;
    const shape = without(fullShape(body, mask), axes);
    return this.inBlocks(cut, "logsumexp", [body, mask], shape, ([part, where]) => {
      const value = build.reduce("logsumexp", part!, where, axes);
      if (where === undefined) return [value];
      const { own } = maskAxes(fullShape(part!, where), where, axes);
      const some = build.reduce("any", where, undefined, own);
      return [build.select(some, value, build.constant(NOTHING))];
    });
  }

  /** How many tuples a reduction has, at each place that is left. */
  private tuples(body: Node, mask: Node | undefined, axes: readonly number[]): Node {
    const { build } = this;
    const full = fullShape(body, mask);
    const { own, repeated } = maskAxes(full, mask, axes);
    const times = repeated
      .map((axis) => build.size(full[axis]!))
      .reduce((a, b) => build.binary("mul", a, b), build.constant(1));
    return mask === undefined
      ? times
      : build.binary("mul", this.reduce("count", mask, undefined, own), times);
  }

  /** What `parts` makes of the blocks' rows of the operands, put together. */
  private inBlocks(
    { at, rank, side }: Cut,
    combine: Combination,
    operands: readonly (Node | undefined)[],
    shape: readonly Dim[],
    parts: (rows: readonly (Node | undefined)[]) => readonly (Node | undefined)[],
  ): Node | undefined {
    const blocks = new Blocks(this.build, this.sizes, side, (logits, mask, axis) =>
      this.reduce("logsumexp", logits, mask, [axis]),
    );
    const rows = operands.map((operand) => operand && blocks.aligned(operand, at, rank));
    return blocks.combined(
      combine,
      parts(rows).filter((part) => part !== undefined),
      shape,
    );
  }
}

const fullShape = (body: Node, mask: Node | undefined): readonly Dim[] =>
  mask === undefined ? body.shape : broadcastShape(body.shape, mask.shape);

/**
 * The axes of a reduction as axes of its mask, and those along which the mask, having none or only one entry there, says
 * the same of every tuple.
 */
function maskAxes(
  full: readonly Dim[],
  mask: Node | undefined,
  axes: readonly number[],
): { own: readonly number[]; repeated: readonly number[] } {
  if (mask === undefined) return { own: [], repeated: axes };
  const missing = full.length - mask.shape.length;
  const own = axes.filter((axis) => axis >= missing).map((axis) => axis - missing);
  const repeated = axes.filter(
    (axis) => axis < missing || (mask.shape[axis - missing] === 1 && full[axis] !== 1),
  );
  return { own, repeated };
}

const without = (shape: readonly Dim[], axes: readonly number[]): Dim[] =>
  shape.filter((_, axis) => !axes.includes(axis));
