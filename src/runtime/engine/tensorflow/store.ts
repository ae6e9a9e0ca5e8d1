/**
 * Where carried values are kept in a session: each in a variable of its own, or matrices side by side in one. Pure;
 * called by `resident_graph.ts`.
 */
import { identity, output, type } from "./graph_def.ts";
import type { AttributeValue, GraphNode, NodeOutput } from "./graph_def.ts";
import type { RecordedTensor, Recording } from "./recording.ts";
import { concatenated, splitAt, wholeOf } from "./side_by_side.ts";
import { Variable } from "./variable.ts";

/** How values are stored. */
export type Form =
  /** One value, in this shape of as many elements. */
  | { readonly shape: readonly number[] }
  /** Several in these shapes: matrices of as many rows side by side, or vectors end to end. */
  | { readonly parts: readonly (readonly number[])[] };

/** The current values of some arguments, and those that were kept before. */
export class Store {
  /** The variable of the current values. */
  readonly now: Variable;
  readonly #last: Variable;
  readonly #recording: Recording;
  readonly #values: readonly RecordedTensor[];
  readonly #form: Form;

  /** @param values the arguments. */
  constructor(recording: Recording, name: string, values: readonly RecordedTensor[], form?: Form) {
    const [first] = values as readonly [RecordedTensor];
    this.#recording = recording;
    this.#values = values;
    this.#form = form ?? { shape: first.shape };
    const whole = "shape" in this.#form ? first : { ...first, shape: wholeOf(this.#form.parts) };
    const stored = "shape" in this.#form ? this.#form.shape : whole.shape;
    this.now = new Variable(recording, `current_${name}`, whole, stored);
    this.#last = new Variable(recording, `previous_${name}`, whole, stored);
  }

  /**
   * What stands for the arguments in the graph, under the names of their placeholders, so that everything that reads
   * the one reads the other.
   */
  arguments(): GraphNode[] {
    if ("shape" in this.#form) return [{ ...this.now.reading(), name: this.#values[0]!.node }];
    return this.current().map((part, k) => identity(this.#values[k]!.node, part, this.#type));
  }

  /** The current values, read whenever they are asked for. */
  current(): NodeOutput[] {
    return this.#taken(this.now.value());
  }

  /** Those that were kept. */
  previous(): NodeOutput[] {
    return this.#taken(this.#last.value());
  }

  /** Writes values of the arguments' shapes; gives what tells that they have been written. */
  load(values: readonly NodeOutput[]): NodeOutput {
    return this.now.assign(this.#put(values));
  }

  /** Keeps the current values. */
  keep(): NodeOutput {
    return this.#last.copy(this.now);
  }

  /** TensorFlow's type of the values. */
  get dtype(): number {
    return this.#values[0]!.dtype;
  }

  get #type(): AttributeValue {
    return type(this.dtype);
  }

  /** The arguments' values from what is stored. */
  #taken(whole: NodeOutput): NodeOutput[] {
    if ("shape" in this.#form) return [whole];
    const parts = splitAt(this.#recording, whole, this.#form.parts, this.#type);
    return parts.map((part, k) => this.#reshaped(part, this.#values[k]!.shape));
  }

  /** What is stored, from the arguments' values. */
  #put(values: readonly NodeOutput[]): NodeOutput {
    if ("shape" in this.#form) return values[0]!;
    const { parts } = this.#form;
    const shaped = values.map((value, k) => this.#reshaped(value, parts[k]!));
    return concatenated(this.#recording, shaped, parts, this.#type);
  }

  #reshaped(value: NodeOutput, shape: readonly number[]): NodeOutput {
    const { TF_INT32 } = this.#recording.binding;
    const lengths = this.#recording.constant(TF_INT32, [shape.length], Int32Array.from(shape));
    const attributes = { T: this.#type, Tshape: type(TF_INT32) };
    return output(this.#recording.add("Reshape", [value, lengths], attributes));
  }
}
