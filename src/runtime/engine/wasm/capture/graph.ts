/**
 * What a recorded function is: kernel calls over values, in an order in which they can run. Written by `record.ts`,
 * rewritten by `simplify.ts`, grouped and compiled by the rest of this folder. Types, and what can be asked of them.
 */
import * as tf from "@tensorflow/tfjs-core";

/** Types of elements in the engine's memory: 4 bytes, 4 bytes, 1 byte. */
export type ElementType = "float32" | "int32" | "bool";

/** One buffer of elements. Tensors that share data, as a reshaped one does, are one value. */
export interface Value {
  readonly id: number;
  readonly type: ElementType;
  /** Number of elements. */
  readonly size: number;
}

/** A value seen in a shape; the product of the shape is the value's size. */
export interface View {
  readonly value: Value;
  readonly shape: readonly number[];
}

/** One call of a kernel. */
export interface Node {
  readonly kernel: string;
  /** By the kernel's own names, in order; `0`, `1`, .. where it takes a list. */
  readonly inputs: Readonly<Record<string, View>>;
  /** Whether the kernel takes its inputs as a list. */
  readonly list: boolean;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly outputs: readonly View[];
}

/** A value known when the function was recorded: one number for all elements, or all elements as bytes. */
export type Constant =
  { readonly uniform: number } | { readonly uniform: undefined; readonly bytes: Uint8Array };

/** A result: one of the arguments itself, or a new tensor over a value. */
export type Result = { readonly argument: number } | { readonly view: View };

export interface Graph {
  readonly nodes: readonly Node[];
  /** The arguments' values, in order. */
  readonly arguments: readonly Value[];
  readonly constants: ReadonlyMap<Value, Constant>;
  readonly results: readonly Result[];
}

export const sizeOf = (shape: readonly number[]): number => shape.reduce((size, length) => size * length, 1);

export const bytesOf = ({ type, size }: Value): number => (type === "bool" ? size : 4 * size);

/** Makes values with numbers of their own. */
export class Values {
  #next = 0;

  make(type: ElementType, size: number): Value {
    return { id: this.#next++, type, size };
  }
}

/** The number all elements of a view are, if it is such a constant. */
export const uniformOf = ({ constants }: Pick<Graph, "constants">, { value }: View): number | undefined =>
  constants.get(value)?.uniform;

/** The axes a reduction kernel reduces, ascending; tfjs calls them `axis` or `reductionIndices`. */
export function reducedAxes(attributes: Node["attributes"], shape: readonly number[]): number[] {
  const { axis, reductionIndices } = attributes as Record<string, number | number[] | undefined>;
  const axes = axis ?? reductionIndices ?? shape.map((_, index) => index);
  return tf.util.parseAxisParam(axes, [...shape]).sort((a, b) => a - b);
}

/** Strides in elements of a view's axes, right-aligned to `rank` axes; 0 where it repeats. */
export function stridesOf(shape: readonly number[], rank: number): number[] {
  const strides = Array<number>(rank).fill(0);
  let stride = 1;
  for (let back = 1; back <= shape.length; back++) {
    const length = shape.at(-back)!;
    if (length !== 1) strides[rank - back] = stride;
    stride *= length;
  }
  return strides;
}
