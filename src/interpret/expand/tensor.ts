/**
 * Vectors and matrices while a loss is expanded: the views, parameters, what indexing leaves of them, and what
 * `normalize`, `prefix` and arithmetic make of them. They exist only until they are indexed: every element becomes a
 * node. Used by the other files of this folder. Pure.
 */
import { InterpretError } from "../errors.ts";
import { isBoolean } from "../nodes.ts";
import type { Graph } from "../graph.ts";
import type { Input, Node, Variable } from "../nodes.ts";
import type { Span } from "../../source/source.ts";

/** A tensor of at least one axis; `shape` is of the axes that are left. */
export type Tensor =
  | Input
  | {
      readonly kind: "part";
      readonly id: number;
      readonly of: Tensor;
      readonly indices: readonly Node[];
      readonly shape: readonly number[];
    }
  | {
      readonly kind: "normalize";
      readonly id: number;
      readonly of: Tensor;
      readonly shape: readonly number[];
    }
  | { readonly kind: "prefix"; readonly id: number; readonly of: Tensor; readonly shape: readonly number[] }
  | { readonly kind: "stop"; readonly id: number; readonly of: Tensor; readonly shape: readonly number[] }
  /** The rows of one table, and behind them those of another. */
  | {
      readonly kind: "concat";
      readonly id: number;
      readonly first: Tensor;
      readonly second: Tensor;
      readonly shape: readonly number[];
    }
  | {
      readonly kind: "map";
      readonly id: number;
      readonly operands: readonly Operand[];
      readonly apply: (elements: readonly Node[]) => Node;
      readonly shape: readonly number[];
    };

export type Operand = Node | Tensor;

export function isTensor(operand: Operand): operand is Tensor {
  return "shape" in operand;
}

export class Tensors {
  private readonly graph: Graph;
  private readonly known = new Map<string, Tensor>();
  private readonly norms = new Map<string, Node>();
  private next = 0;

  constructor(graph: Graph) {
    this.graph = graph;
  }

  /** `x[i]`: a node once every axis has an index. Finds the domains of indices that have none yet. */
  at(tensor: Tensor, indices: readonly Node[], span?: Span): Operand {
    if (indices.length > tensor.shape.length)
      throw new InterpretError(`too many indices: it has ${axes(tensor.shape.length)}`, span);
    indices.forEach((index, axis) => {
      if (axis === 0 && isOfFirst(index, tensor)) return;
      claim(index, tensor.shape[axis]!, ofSamples(tensor, axis), span);
    });
    if (indices.length === tensor.shape.length) return this.element(tensor, indices);
    return this.keep(`part ${key(tensor)}[${indices.map((i) => i.id).join()}]`, {
      kind: "part",
      of: tensor,
      indices,
      shape: tensor.shape.slice(indices.length),
    });
  }

  /** Unit length along the last axis; the zero vector stays zero. */
  normalize(tensor: Tensor): Tensor {
    return this.keep(`normalize ${key(tensor)}`, { kind: "normalize", of: tensor, shape: tensor.shape });
  }

  /** The first `size` components of the last axis. */
  prefix(tensor: Tensor, size: number, span: Span): Tensor {
    const whole = tensor.shape.at(-1)!;
    if (!Number.isInteger(size) || size < 1 || size > whole)
      throw new InterpretError(`prefix takes 1 to ${whole} components here, not ${size}`, span);
    const shape = [...tensor.shape.slice(0, -1), size];
    return this.keep(`prefix ${size} ${key(tensor)}`, { kind: "prefix", of: tensor, shape });
  }

  /** The rows of `first`, and behind them those of `second`. */
  concat(first: Tensor, second: Tensor, span: Span): Tensor {
    const [rows, ...rest] = first.shape;
    const [more, ...others] = second.shape;
    if (rest.join() !== others.join())
      throw new InterpretError(`rows of [${rest.join(", ")}] and of [${others.join(", ")}] differ`, span);
    return this.keep(`concat ${key(first)} ${key(second)}`, {
      kind: "concat",
      first,
      second,
      shape: [rows! + more!, ...rest],
    });
  }

  stopGradient(tensor: Tensor): Tensor {
    return this.keep(`stop ${key(tensor)}`, { kind: "stop", of: tensor, shape: tensor.shape });
  }

  /** A function of numbers, element by element; tensors among the operands are of one shape. */
  map(operands: readonly Operand[], apply: (elements: readonly Node[]) => Node, span: Span): Tensor {
    let shape: readonly number[] | undefined;
    for (const operand of operands) {
      if (!isTensor(operand)) continue;
      shape ??= operand.shape;
      if (shape.join() !== operand.shape.join())
        throw new InterpretError(
          `shapes [${shape.join(", ")}] and [${operand.shape.join(", ")}] differ`,
          span,
        );
    }
    return { kind: "map", id: this.next++, operands, apply, shape: shape ?? [] };
  }

  /** Euclidean length of a vector. */
  norm(tensor: Tensor, span?: Span): Node {
    if (tensor.shape.length !== 1) throw new InterpretError("norm takes a vector", span);
    const name = key(tensor);
    let norm = this.norms.get(name);
    if (norm === undefined) {
      const variable = this.graph.variable("t", { start: 0, size: tensor.shape[0]! });
      norm = this.graph.norm(variable, this.element(tensor, [this.graph.reference(variable)]));
      this.norms.set(name, norm);
    }
    return norm;
  }

  /** The element at a full list of indices. */
  private element(tensor: Tensor, indices: readonly Node[]): Node {
    const { graph } = this;
    switch (tensor.kind) {
      case "input":
        return graph.element(tensor, indices);
      case "part":
        return this.element(tensor.of, [...tensor.indices, ...indices]);
      case "prefix":
        return this.element(tensor.of, indices);
      case "stop":
        return graph.component(
          graph.unary("stop_gradient", this.element(tensor.of, indices)),
          indices.at(-1)!,
        );
      case "normalize": {
        const rows = indices.slice(0, -1);
        const row =
          rows.length === 0
            ? tensor.of
            : this.keep(`part ${key(tensor.of)}[${rows.map((i) => i.id).join()}]`, {
                kind: "part",
                of: tensor.of,
                indices: rows,
                shape: tensor.of.shape.slice(rows.length),
              });
        const length = this.norm(row);
        return graph.component(
          graph.binary("ratio", this.element(tensor.of, indices), length),
          indices.at(-1)!,
        );
      }
      case "concat": {
        const [row, ...rest] = indices as [Node, ...Node[]];
        const size = graph.number(tensor.first.shape[0]!);
        const behind = graph.binary("-", row, size);
        const value = graph.choose(
          graph.compare("<", row, size),
          this.element(tensor.first, indices),
          this.element(tensor.second, [behind, ...rest]),
        );
        return graph.component(value, indices.at(-1)!);
      }
      case "map":
        return tensor.apply(
          tensor.operands.map((operand) => (isTensor(operand) ? this.element(operand, indices) : operand)),
        );
    }
  }

  private keep(name: string, bare: Bare): Tensor {
    let tensor = this.known.get(name);
    if (tensor === undefined) {
      tensor = { ...bare, id: this.next++ } as Tensor;
      this.known.set(name, tensor);
    }
    return tensor;
  }
}

type Bare = Tensor extends infer T ? (T extends { id: number } ? Omit<T, "id"> : never) : never;

/** A name that no other operand of the same loss has. */
export function key(operand: Operand): string {
  if (!isTensor(operand)) return `n${operand.id}`;
  return operand.kind === "input" ? `i${operand.id}` : `t${operand.id}`;
}

/** Whether an axis has an element for each sample. */
function ofSamples(tensor: Tensor, axis: number): boolean {
  switch (tensor.kind) {
    case "input":
      return axis === 0 && (tensor.role === "view" || tensor.role === "labels");
    case "part":
      return ofSamples(tensor.of, axis + tensor.indices.length);
    case "concat":
      return axis > 0 && ofSamples(tensor.first, axis);
    case "map":
      return tensor.operands.some((operand) => isTensor(operand) && ofSamples(operand, axis));
    default:
      return ofSamples(tensor.of, axis);
  }
}

/** Whether an index is known to run over the first of two tables that stand one behind the other. */
function isOfFirst(index: Node, tensor: Tensor): boolean {
  if (tensor.kind !== "concat" || index.kind !== "variable" || index.variable.size === undefined)
    return false;
  return index.variable.size <= tensor.first.shape[0]!;
}

/**
 * An index's domain is the axis it stands on; on two axes of different lengths it has none. `samples`: whether the axis
 * has an element for each sample.
 */
export function claim(index: Node, length: number, samples: boolean, span?: Span): void {
  if (isBoolean(index)) throw new InterpretError("a condition is no index", span);
  if (index.kind !== "variable") return;
  const { variable } = index;
  const settled = variable.size !== undefined && !variable.declared;
  if (variable.size === undefined) {
    variable.size = length;
  } else if (!variable.declared && variable.size !== length) {
    throw new InterpretError(
      `the index ${variable.name} runs over ${variable.size} elements elsewhere and over ${length} here`,
      span,
    );
  } else if (settled && variable.samples !== samples) {
    throw new InterpretError(
      `the index ${variable.name} runs over samples in one place and over something else in another`,
      span,
    );
  }
  variable.samples ||= samples;
}

/**
 * Gives an index without a domain that of the index it is compared with: of samples, all `samples` there are, though the
 * other stay in the batch.
 */
export function unify(left: Node, right: Node, samples: number): void {
  if (left.kind !== "variable" || right.kind !== "variable") return;
  const copy = (from: Variable, to: Variable): void => {
    to.start = from.start;
    to.size = from.samples ? samples : from.size;
    to.samples = from.samples;
  };
  if (left.variable.size === undefined) copy(right.variable, left.variable);
  else if (right.variable.size === undefined) copy(left.variable, right.variable);
}

/** Indices that are ordered stay in the batch. */
export function order(left: Node, right: Node): void {
  if (left.kind !== "variable" || right.kind !== "variable") return;
  left.variable.staysInBatch = true;
  right.variable.staysInBatch = true;
}

function axes(count: number): string {
  return count === 1 ? "one axis" : `${count} axes`;
}
