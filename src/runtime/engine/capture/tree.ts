/**
 * Tensors in nested records and lists, flattened and put back: how a function's arguments and results are named when it
 * is captured. Pure; used by `capture.ts`.
 */
import * as tf from "@tensorflow/tfjs-core";

/** A tensor, or a record or list of such trees; a field may be absent. */
export type TensorTree =
  tf.Tensor | undefined | readonly TensorTree[] | { readonly [name: string]: TensorTree };

/** A tree whose tensors are numbered in order of appearance. */
type Shape = number | undefined | readonly Shape[] | { readonly [name: string]: Shape };

/** The tensors of a tree, each once, and how to put others in their places. */
export interface Flattened {
  readonly tensors: readonly tf.Tensor[];
  /** A tree of the same form, with `values` in the places of `tensors`; some may be absent. */
  restore(values: readonly (tf.Tensor | undefined)[]): TensorTree;
}

/** Flattens a tree; a tensor that appears twice is listed once and restored twice. */
export function flatten(tree: TensorTree): Flattened {
  const numbers = new Map<tf.Tensor, number>();
  const visit = (node: TensorTree): Shape => {
    if (node === undefined) return undefined;
    if (node instanceof tf.Tensor) {
      const number = numbers.get(node) ?? numbers.size;
      numbers.set(node, number);
      return number;
    }
    if (isList(node)) return node.map(visit);
    if (typeof node !== "object") throw new Error(`${typeof node} is no tree of tensors`);
    return Object.fromEntries(Object.entries(node).map(([name, child]) => [name, visit(child)]));
  };
  const shape = visit(tree);
  return { tensors: [...numbers.keys()], restore: (values) => place(shape, values) };
}

/** The tensors of two trees of one form, each with the one in its place. */
export function pairsOf(from: TensorTree, to: TensorTree): [tf.Tensor, tf.Tensor][] {
  const successors = new Map<tf.Tensor, tf.Tensor>();
  const visit = (a: TensorTree, b: TensorTree): void => {
    if (a === undefined || b === undefined) return;
    if (a instanceof tf.Tensor) {
      if (b instanceof tf.Tensor) successors.set(a, b);
    } else {
      for (const [name, child] of Object.entries(a))
        visit(child, (b as Readonly<Record<string, TensorTree>>)[name]);
    }
  };
  visit(from, to);
  return [...successors];
}

/** What decides whether a recording fits: types and shapes of the tensors, in order. */
export function signature(tensors: readonly tf.Tensor[]): string {
  return tensors.map(({ dtype, shape }) => `${dtype}[${shape.join()}]`).join(" ");
}

function place(shape: Shape, values: readonly (tf.Tensor | undefined)[]): TensorTree {
  if (shape === undefined) return undefined;
  if (typeof shape === "number") return values[shape];
  if (isList(shape)) return shape.map((child) => place(child, values));
  return Object.fromEntries(Object.entries(shape).map(([name, child]) => [name, place(child, values)]));
}

const isList = <T>(node: T | readonly T[]): node is readonly T[] => Array.isArray(node);
