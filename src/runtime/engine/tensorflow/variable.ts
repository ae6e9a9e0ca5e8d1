/** A variable of a session as nodes of its graph: read, written, kept. Pure; called by `store.ts`. */
import { before, output, type } from "./graph_def.ts";
import type { AttributeValue, NodeOutput } from "./graph_def.ts";
import type { Recording } from "./recording.ts";

export class Variable {
  /** Its handle. */
  readonly handle: NodeOutput;
  readonly #recording: Recording;
  readonly #dtype: AttributeValue;

  constructor(recording: Recording, name: string, dtype: number, shape: readonly number[]) {
    this.#recording = recording;
    this.#dtype = type(dtype);
    this.handle = output(
      recording.add("VarHandleOp", [], {
        dtype: this.#dtype,
        shape: { kind: "shape", value: shape },
        shared_name: { kind: "string", value: name },
      }),
    );
  }

  /** The value, read whenever it is asked for. */
  value(): NodeOutput {
    return output(this.#recording.add("ReadVariableOp", [this.handle], { dtype: this.#dtype }));
  }

  /**
   * Writes a value; gives what tells that it has been written. The value of another variable is then shared by both
   * until one is written to.
   */
  assign(value: NodeOutput, after: readonly NodeOutput[] = []): NodeOutput {
    const attributes = { dtype: this.#dtype };
    return before(this.#recording.add("AssignVariableOp", [this.handle, value, ...after], attributes));
  }
}
