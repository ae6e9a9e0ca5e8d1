/**
 * A variable of a session as nodes of its graph: read, written, kept. Its value may be stored in another shape than the
 * graph knows it in, so that operations that want it beside others of that shape can write to it. Pure; called by
 * `resident_graph.ts`.
 */
import { before, output, type } from "./graph_def.ts";
import type { GraphNode, NodeOutput } from "./graph_def.ts";
import type { RecordedTensor, Recording } from "./recording.ts";

/** A node that has no name yet. */
type Unnamed = Omit<GraphNode, "name">;

export class Variable {
  /** Its handle. */
  readonly handle: NodeOutput;
  readonly #recording: Recording;
  /** The value in the graph. */
  readonly #known: RecordedTensor;
  readonly #stored: readonly number[];

  /** @param stored the shape it is stored in, of as many elements. */
  constructor(recording: Recording, name: string, known: RecordedTensor, stored = known.shape) {
    this.#recording = recording;
    this.#known = known;
    this.#stored = stored;
    this.handle = this.#add({
      op: "VarHandleOp",
      inputs: [],
      attributes: {
        dtype: type(known.dtype),
        shape: { kind: "shape", value: stored },
        shared_name: { kind: "string", value: name },
      },
    });
  }

  /** The node that gives the value. */
  reading(): Unnamed {
    return this.#stored === this.#known.shape
      ? this.#read()
      : this.#reshape(this.#add(this.#read()), this.#known.shape);
  }

  /** The value, read whenever it is asked for. */
  value(): NodeOutput {
    return this.#add(this.reading());
  }

  /** Writes `value`, of the graph's shape or the stored one; gives what tells that it has been written. */
  assign(value: NodeOutput, after: readonly NodeOutput[] = []): NodeOutput {
    const same = this.#stored === this.#known.shape;
    return this.#assign(same ? value : this.#add(this.#reshape(value, this.#stored)), after);
  }

  /** Writes what another variable of the same form holds: both share the memory until one is written to. */
  copy(from: Variable): NodeOutput {
    return this.#assign(this.#add(from.#read()), []);
  }

  #read(): Unnamed {
    return { op: "ReadVariableOp", inputs: [this.handle], attributes: { dtype: type(this.#known.dtype) } };
  }

  #assign(value: NodeOutput, after: readonly NodeOutput[]): NodeOutput {
    const attributes = { dtype: type(this.#known.dtype) };
    return before(this.#recording.add("AssignVariableOp", [this.handle, value, ...after], attributes));
  }

  #reshape(value: NodeOutput, shape: readonly number[]): Unnamed {
    const { TF_INT32 } = this.#recording.binding;
    const lengths = this.#recording.constant(TF_INT32, [shape.length], Int32Array.from(shape));
    const attributes = { T: type(this.#known.dtype), Tshape: type(TF_INT32) };
    return { op: "Reshape", inputs: [value, lengths], attributes };
  }

  #add({ op, inputs, attributes }: Unnamed): NodeOutput {
    return output(this.#recording.add(op, inputs, attributes));
  }
}
