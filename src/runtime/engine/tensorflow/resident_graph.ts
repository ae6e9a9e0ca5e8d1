/**
 * Turns arguments of a recorded graph into variables of its session: see `resident.ts`. Pure; called by `recorder.ts`.
 *
 * Each carried value has a variable for the current generation, which the graph reads in place of its argument and
 * writes its result to, and one for the generation before, which gets what was read. A value that the function returns
 * as it came has the first only, and nothing writes to it but a load.
 */
import type { AttributeValue, GraphNode, NodeOutput } from "./graph_def.ts";
import type { RecordedTensor, Recording } from "./recording.ts";

/** A carried value: its argument, and the result that follows it; undefined if it stays the same. */
export interface CarriedValue {
  readonly from: RecordedTensor;
  readonly to: RecordedTensor | undefined;
}

/** Names of outputs, to feed or to fetch. */
export interface ResidentGraph {
  readonly nodes: readonly GraphNode[];
  /** Fetched with a run: all variables have been written. */
  readonly done: string;
  /** Fetched with `feeds` fed: the current variables have been written from outside. */
  readonly loaded: string;
  readonly feeds: readonly string[];
  /** The current variables' values, and the previous ones'. */
  readonly current: readonly string[];
  readonly previous: readonly string[];
}

export function residentGraph(recording: Recording, values: readonly CarriedValue[]): ResidentGraph {
  const { nodes } = recording;
  const reads = new Map<string, GraphNode>();
  const feeds: string[] = [];
  const current: string[] = [];
  const previous: string[] = [];
  const written: NodeOutput[] = [];
  const loads: NodeOutput[] = [];
  values.forEach(({ from, to }, place) => {
    const dtype: AttributeValue = { kind: "type", value: from.dtype };
    const shape: AttributeValue = { kind: "shape", value: from.shape };
    const variable = (name: string): NodeOutput =>
      output(
        recording.add("VarHandleOp", [], {
          dtype,
          shape,
          shared_name: { kind: "string", value: `${name}_${place}` },
        }),
      );
    const assign = (to_: NodeOutput, value: NodeOutput, after: NodeOutput[] = []): NodeOutput =>
      before(recording.add("AssignVariableOp", [to_, value, ...after], { dtype }));
    const read = (of: NodeOutput): string => `${recording.add("ReadVariableOp", [of], { dtype })}:0`;

    const now = variable("current");
    // Under the name of the argument's placeholder, so that everything that reads the one reads the other.
    reads.set(from.node, { name: from.node, op: "ReadVariableOp", inputs: [now], attributes: { dtype } });
    const feed = output(recording.add("Placeholder", [], { dtype, shape }));
    feeds.push(`${feed.node}:0`);
    loads.push(assign(now, feed));
    current.push(read(now));
    if (to === undefined) {
      previous.push(read(now));
      return;
    }
    const last = variable("previous");
    written.push(assign(last, output(from.node)), assign(now, to, [before(from.node)]));
    previous.push(read(last));
  });
  const done = `${signal(recording, written)}:0`;
  const loaded = `${signal(recording, loads)}:0`;
  return { nodes: nodes.map((node) => reads.get(node.name) ?? node), done, loaded, feeds, current, previous };
}

const output = (node: string): NodeOutput => ({ node, output: 0 });
const before = (node: string): NodeOutput => ({ node, output: -1 });

/** Something to fetch once all of these have run. */
function signal(recording: Recording, after: readonly NodeOutput[]): string {
  const { TF_INT32: dtype } = recording.binding;
  return recording.add("Const", after, {
    dtype: { kind: "type", value: dtype },
    value: { kind: "tensor", dtype, shape: [], values: Int32Array.of(0) },
  });
}
