/**
 * Where carried values are kept in a session: each in a variable of its own, or several side by side in one. Pure;
 * called by `resident_graph.ts`.
 */
import { identity, output, type } from "./graph_def.ts";
import type { GraphNode, NodeOutput } from "./graph_def.ts";
import type { RecordedTensor, Recording } from "./recording.ts";
import { concatenated, splitAt, wholeOf } from "./side_by_side.ts";
import type { Parts } from "./side_by_side.ts";
import { Variable } from "./variable.ts";

/** The current values of some arguments, and those that were kept before. */
export class Store {
  /** The variable of the current values. */
  readonly now: Variable;
  /** TensorFlow's type of the values. */
  readonly dtype: number;
  readonly #last: Variable;
  readonly #recording: Recording;
  readonly #values: readonly RecordedTensor[];
  readonly #parts: Parts;

  /**
   * @param values the arguments.
   * @param parts the shapes in which they are stored together, each of as many elements as the value has.
   */
  constructor(recording: Recording, name: string, values: readonly RecordedTensor[], parts: Parts) {
    this.dtype = values[0]!.dtype;
    this.#recording = recording;
    this.#values = values;
    this.#parts = parts;
    const shape = wholeOf(parts);
    this.now = new Variable(recording, `current_${name}`, this.dtype, shape);
    this.#last = new Variable(recording, `previous_${name}`, this.dtype, shape);
  }

  /**
   * What stands for the arguments in the graph, under the names of their placeholders, so that everything that reads
   * the one reads the other.
   */
  arguments(): GraphNode[] {
    return this.current().map((part, k) => identity(this.#values[k]!.node, part, type(this.dtype)));
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
    const parts = values.map((value, k) => this.#reshaped(value, this.#values[k]!.shape, this.#parts[k]!));
    return this.now.assign(concatenated(this.#recording, parts, this.#parts, type(this.dtype)));
  }

  /** Keeps the current values. */
  keep(): NodeOutput {
    return this.#last.assign(this.now.value());
  }

  /** The arguments' values from what is stored. */
  #taken(whole: NodeOutput): NodeOutput[] {
    const parts = splitAt(this.#recording, whole, this.#parts, type(this.dtype));
    return parts.map((part, k) => this.#reshaped(part, this.#parts[k]!, this.#values[k]!.shape));
  }

  #reshaped(value: NodeOutput, from: readonly number[], to: readonly number[]): NodeOutput {
    if (from.join() === to.join()) return value;
    const { TF_INT32 } = this.#recording.binding;
    const lengths = this.#recording.constant(TF_INT32, [to.length], Int32Array.from(to));
    const attributes = { T: type(this.dtype), Tshape: type(TF_INT32) };
    return output(this.#recording.add("Reshape", [value, lengths], attributes));
  }
}
