/**
 * The loss graph: a hash-consed graph of tensor operations with static shapes. Lowering builds one for each loss, the
 * passes make one of them and rewrite it, emission prints it. Equal expressions are one node, in the end across all
 * losses of a model: that is what shares a similarity matrix between them. Target-neutral and pure.
 */

/** The samples of the batch, and behind them as many as a memory holds: `batch+4096`. */
export type SamplesDim = `batch+${number}`;

/** The classes of a further label of the data set: `classes:coarse`. */
export type LabelDim = `classes:${string}`;

/** A side of a tensor: a number, or a size that is known once the data has been read. */
export type Dim = number | "batch" | "classes" | LabelDim | SamplesDim;

/** The side of a label's classes; of the classes themselves without a name. */
export function classesOf(label: string | undefined): "classes" | LabelDim {
  return label === undefined ? "classes" : `classes:${label}`;
}

/** The further label whose classes such a side counts; undefined for any other side. */
export function labelOn(side: Dim): string | undefined {
  return typeof side === "string" && side.startsWith("classes:") ? side.slice(8) : undefined;
}

/** The side of rows of two tables, one behind the other; undefined for sides that cannot be put so. */
export function joinedDim(first: Dim, second: Dim): Dim | undefined {
  if (typeof second !== "number") return undefined;
  if (typeof first === "number") return first + second;
  return first === "batch" ? `batch+${second}` : undefined;
}

/** What is left of a joined side behind its first part; undefined where the side has no such part. */
export function dimBehind(joined: Dim, first: Dim): number | undefined {
  if (first === "batch") return rememberedOn(joined);
  if (typeof first !== "number" || typeof joined !== "number" || first > joined) return undefined;
  return joined - first;
}

/** How many samples stand behind those of the batch on such a side; undefined for any other side. */
export function rememberedOn(side: Dim): number | undefined {
  return typeof side === "string" && side.startsWith("batch+") ? Number(side.slice(6)) : undefined;
}

/**
 * A side as a number, for these sizes of the batch and of the data. A further label without a size is taken to have as
 * many classes as there are.
 */
export function lengthOf(
  side: Dim,
  sizes: {
    readonly batch: number;
    readonly classes: number;
    readonly labels?: Readonly<Record<string, number>> | undefined;
  },
): number {
  if (typeof side === "number") return side;
  if (side === "classes") return sizes.classes;
  const label = labelOn(side);
  if (label !== undefined) return sizes.labels?.[label] ?? sizes.classes;
  return sizes.batch + (rememberedOn(side) ?? 0);
}

export type ElementType = "real" | "int" | "bool";

export type UnaryOperator =
  | "neg"
  | "exp"
  | "log"
  | "log1p"
  | "sqrt"
  | "abs"
  | "relu"
  | "softplus"
  | "sigmoid"
  | "tanh"
  | "cos"
  | "sin"
  | "acos"
  /** sqrt(1 - c^2): the sine of acos(c). */
  | "sine_of_acos"
  | "square"
  | "not"
  | "real"
  | "stop_gradient"
  | "norm"
  | "normalize";
export type BinaryOperator =
  | "add"
  | "sub"
  | "mul"
  | "div"
  | "ratio"
  | "pow"
  | "max"
  | "min"
  | "eq"
  | "ne"
  | "lt"
  | "le"
  | "gt"
  | "ge"
  | "and"
  | "or";
export type ReduceOperator =
  | "sum"
  | "mean"
  | "mean_active"
  | "max"
  | "min"
  | "logsumexp"
  | "log1p_sum_exp"
  | "any"
  | "all"
  | "count"
  | "argmax"
  | "argmin";

/** How the blocks of a reduction are put together; the last two carry a maximum and a sum. */
export type Combination = "sum" | "logsumexp" | "cross_entropy";

/**
 * What a node computes. `inputs` are positional and broadcast like in tfjs.
 * - `input`: an embedding [batch, dim], of a further view where one is named (1, 2, …); `labels`: class indices [batch], or those of a further label; `param`: a parameter of a loss; `state`: a state; `noise`: random numbers of the step, uniform in [0, 1).
 * - `ids`: the identities of the batch's samples [batch].
 * - `joined`: the rows of the batch, and behind them those of a memory; `batch_rows`: those of the batch again, along
 *   `axis`; `remember`: a memory after a batch has joined it, from the memory and the batch's rows.
 * - `concat`: the rows of two tables, one behind the other; `rows`: of a tensor along `axis`, as many as its shape says
 *   from `from` on.
 * - `size`: a side as a number; `iota`: from, from + 1, … [n].
 * - `view`: the input's axes permuted, `null` for a new axis of size 1.
 * - `same`, `differs`: from the labels, [batch, batch]; against a memory from labels and identities (`differs`: labels) of
 *   the rows, then of the columns.
 * - `matmul`: sum over the last axis of both; the first `shared` axes are those of both, the rest of each stay:
 *   [s, i, t] x [s, j, t] -> [s, i, j].
 * - `squared_distance`: between the rows of two matrices, [i, t] x [j, t] -> [i, j], or of two stacks of as many
 *   matrices, [k, i, t] x [k, j, t] -> [k, i, j], with the cancellation rule.
 * - `distance_from_gram`, `cosine_from_gram`: squared distances, with the cancellation rule, and cosines of rows, from the
 *   products of all of them with one another, [i, i] or [k, i, i].
 * - `stack`: tensors of one shape along a new first axis; `take`: one of them again.
 * - `paired_squared_distance`: sum over the last axis of (a - b)^2 (broadcast), with the same rule.
 * - `select`: inputs condition, then, else. `norm` and `normalize` act on the last axis.
 * - `reduce`: over `axes` of the first input broadcast with the optional second, a mask of the tuples that count.
 * - `softmax`, `log_softmax`: over `axis`; the optional second input is a mask.
 * - `cross_entropy`: inputs logits and a mask that is true at the target, over the last axis.
 * - `inverse`: of matrices [s, n, n]; zeros with zero gradient for a singular one. `solve`: of inverses [s, u, q] and right
 *   sides [s, q, r] the solutions [s, u, r], where s stands for `stacked` axes and r for any number.
 * - `kmeans`: of points [n, t] the numbers of their clusters [n], or of those that a mask [s, n] lets in, [s, n].
 * - `cumulative_sum`: along `axis`, each number added to those before it.
 * - `gather`: rows of the first input at the int indices of the second. `prefix`: the first columns.
 * - Of batches sorted by class into blocks of M: `within_class`, the entries of [batch, batch] in each row's own block;
 *   `classmates`, the entries of [batch, ...] in each sample's own block; `other_classmates`, from the labels, which of
 *   the block are not the sample itself; all [batch, M, ...].
 * - `in_blocks`: its body over blocks of rows along `side`, put together: the first `sliced` inputs by their rows, the
 *   rest whole, each standing in the `slot` of the body at its place. The roots of the body are a block's sum, or its
 *   log-sum-exp, or its logits and target.
 */
export type Operation =
  | { readonly kind: "input"; readonly name: string; readonly view?: number }
  | { readonly kind: "labels"; readonly label?: string }
  | { readonly kind: "ids" }
  | { readonly kind: "joined" }
  | { readonly kind: "batch_rows"; readonly axis: number }
  | { readonly kind: "remember" }
  | { readonly kind: "concat" }
  | { readonly kind: "rows"; readonly axis: number; readonly from: Dim }
  | { readonly kind: "param"; readonly name: string }
  | { readonly kind: "state"; readonly name: string }
  | { readonly kind: "noise"; readonly name: string }
  | { readonly kind: "constant"; readonly value: number }
  | { readonly kind: "size"; readonly dim: Dim }
  | { readonly kind: "iota"; readonly from: number }
  | { readonly kind: "same" }
  | { readonly kind: "differs" }
  | { readonly kind: UnaryOperator }
  | { readonly kind: BinaryOperator }
  | { readonly kind: "select" }
  | { readonly kind: "view"; readonly axes: readonly (number | null)[] }
  | { readonly kind: "reduce"; readonly op: ReduceOperator; readonly axes: readonly number[] }
  | { readonly kind: "matmul"; readonly shared: number }
  | { readonly kind: "squared_distance" }
  | { readonly kind: "distance_from_gram" | "cosine_from_gram" }
  | { readonly kind: "stack" }
  | { readonly kind: "take"; readonly index: number }
  | { readonly kind: "paired_squared_distance" }
  | { readonly kind: "cross_entropy" }
  | { readonly kind: "inverse" }
  | { readonly kind: "solve"; readonly stacked: number }
  | { readonly kind: "kmeans"; readonly clusters: number }
  | { readonly kind: "softmax"; readonly axis: number }
  | { readonly kind: "log_softmax"; readonly axis: number }
  | { readonly kind: "prefix"; readonly size: number }
  | { readonly kind: "gather" }
  | { readonly kind: "cumulative_sum"; readonly axis: number }
  | { readonly kind: "within_class" }
  | { readonly kind: "classmates" }
  | { readonly kind: "other_classmates" }
  | { readonly kind: "slot"; readonly of: number; readonly rows: boolean; readonly differentiable: boolean }
  | {
      readonly kind: "in_blocks";
      readonly side: "batch" | "classes";
      readonly combine: Combination;
      readonly sliced: number;
      readonly body: BlockBody;
    };

/** What a block computes: a graph of its own, from slots to roots. */
export class BlockBody {
  readonly roots: readonly Node[];
  /** Leaves of the body in the order of the inputs of `in_blocks`. */
  readonly slots: readonly Node[];

  constructor(roots: readonly Node[], slots: readonly Node[]) {
    this.roots = roots;
    this.slots = slots;
  }

  /** For the identity of the node that holds it. */
  toJSON(): string {
    return `${this.roots.map((root) => `%${root.id}`).join(",")}(${this.slots.map((slot) => slot.id).join(",")})`;
  }
}

export interface Node {
  readonly id: number;
  readonly operation: Operation;
  readonly inputs: readonly Node[];
  readonly shape: readonly Dim[];
  readonly type: ElementType;
  /** Whether a gradient can flow to an embedding or a parameter through it. */
  readonly differentiable: boolean;
  /** A name for people, from the spec where there is one; set once, never part of the node's identity. */
  hint?: string;
}

/** Builds nodes, each once. */
export class Graph {
  readonly nodes: Node[] = [];
  private readonly known = new Map<string, Node>();

  node(operation: Operation, inputs: readonly Node[], shape: readonly Dim[], type: ElementType): Node {
    const key = `${JSON.stringify(operation)}(${inputs.map((input) => input.id).join(",")})${type}[${shape.join(",")}]`;
    const before = this.known.get(key);
    if (before !== undefined) return before;
    const leaf =
      operation.kind === "input" ||
      operation.kind === "param" ||
      (operation.kind === "slot" && operation.differentiable);
    const stops = type !== "real" || operation.kind === "stop_gradient";
    const node: Node = {
      id: this.nodes.length,
      operation,
      inputs,
      shape,
      type,
      differentiable: leaf || (!stops && inputs.some((input) => input.differentiable)),
    };
    this.nodes.push(node);
    this.known.set(key, node);
    return node;
  }

  /** Whether a node is one of this graph. */
  holds(node: Node): boolean {
    return this.nodes[node.id] === node;
  }

  constant(value: number, type: ElementType = "real"): Node {
    return this.node({ kind: "constant", value }, [], [], type);
  }
}

/** Whether a node is the products of the rows of one matrix, or of each of a stack, with one another. */
export function isGram({ operation, inputs: [left, right] }: Node): boolean {
  return operation.kind === "matmul" && left === right && operation.shared === left!.shape.length - 2;
}

/** The value of a constant node. */
export function constantOf(node: Node): number | undefined {
  return node.operation.kind === "constant" ? node.operation.value : undefined;
}

/** The shape two operands broadcast to; sides must agree or be 1. Lowering aligns axes first, so a clash is a bug. */
export function broadcastShape(a: readonly Dim[], b: readonly Dim[]): Dim[] {
  const rank = Math.max(a.length, b.length);
  const out: Dim[] = [];
  for (let i = 0; i < rank; i++) {
    const left = a[a.length - rank + i] ?? 1;
    const right = b[b.length - rank + i] ?? 1;
    if (left !== right && left !== 1 && right !== 1) {
      throw new Error(`cannot broadcast [${a.join(", ")}] with [${b.join(", ")}]`);
    }
    out.push(left === 1 ? right : left);
  }
  return out;
}
