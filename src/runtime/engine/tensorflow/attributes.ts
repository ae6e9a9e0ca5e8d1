/**
 * Attributes that tfjs-node's kernels leave out because eager TensorFlow infers them, and a graph must have. Pure;
 * called by `recording.ts`.
 */
import type { AttributeValue } from "./graph_def.ts";

/** By operation: attribute to the number of the input whose type it is. */
const TYPES: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  ExpandDims: { T: 0, Tdim: 1 },
  Softplus: { T: 0 },
  Identity: { T: 0 },
};

/** What is left out of an operation's attributes, given the types of its inputs. */
export function missingAttributes(op: string, inputs: readonly number[]): Record<string, AttributeValue> {
  const types = Object.entries(TYPES[op] ?? {});
  return Object.fromEntries(types.map(([name, input]) => [name, { kind: "type", value: inputs[input]! }]));
}
