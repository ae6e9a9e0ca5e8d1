/** Which updates of a graph are done in the session's variables, and what has to have run before. */
import { describe, expect, it } from "vitest";
import type { GraphNode, NodeOutput } from "../../../src/runtime/engine/tensorflow/graph_def.ts";
import { output } from "../../../src/runtime/engine/tensorflow/graph_def.ts";
import { GraphReading } from "../../../src/runtime/engine/tensorflow/graph_reading.ts";
import { decays, inPlaceUpdates } from "../../../src/runtime/engine/tensorflow/in_place.ts";
import type { RecordedUpdate } from "../../../src/runtime/engine/tensorflow/in_place.ts";
import type { CarriedValue } from "../../../src/runtime/engine/tensorflow/resident_graph.ts";

const node = (name: string, op: string, ...inputs: string[]): GraphNode => ({
  name,
  op,
  inputs: inputs.map((input): NodeOutput =>
    input.startsWith("^") ? { node: input.slice(1), output: -1 } : output(input),
  ),
  attributes: {},
});

const carried = (from: string, to?: string): CarriedValue => {
  const tensor = (name: string) => ({ ...output(name), dtype: 1, shape: [2], varies: true });
  return { from: tensor(from), to: to === undefined ? undefined : tensor(to) };
};

/** A step of a parameter `p` in the shape of a matrix, updated as a vector beside its slots `m` and `v`. */
const nodes = [
  node("p", "Placeholder"),
  node("m", "Placeholder"),
  node("v", "Placeholder"),
  node("x", "Placeholder"),
  node("product", "MatMul", "x", "p"),
  node("gradient", "MatMul", "x", "product"),
  node("flat_gradient", "Reshape", "gradient"),
  node("flat_p", "Reshape", "p"),
  node("first", "Add", "m", "flat_gradient"),
  node("second", "Add", "v", "flat_gradient"),
  node("next", "Sub", "flat_p", "first"),
  node("shaped", "Reshape", "next"),
  node("size", "Sum", "p"),
];

const update: RecordedUpdate = {
  parameter: output("flat_p"),
  start: output("flat_p"),
  gradient: output("flat_gradient"),
  first: output("m"),
  second: output("v"),
  rate: output("x"),
  epsilon: output("x"),
  beta1: 0.9,
  beta2: 0.999,
  next: { parameter: output("next"), first: output("first"), second: output("second") },
};

describe("updates in place", () => {
  const all = [carried("v", "second"), carried("p", "shaped"), carried("m", "first")];

  it("are those whose parameter and slots are all carried, in whatever shape", () => {
    expect(inPlaceUpdates(new GraphReading(nodes), all, [update])).toEqual([
      { update, parameters: [1], first: 2, second: 0 },
    ]);
  });

  it("are none where a slot is not carried, stays as it is, or follows another", () => {
    expect(inPlaceUpdates(new GraphReading(nodes), all.slice(1), [update])).toEqual([]);
    expect(inPlaceUpdates(new GraphReading(nodes), [carried("v"), ...all.slice(1)], [update])).toEqual([]);
    expect(
      inPlaceUpdates(new GraphReading(nodes), [carried("v", "first"), ...all.slice(1)], [update]),
    ).toEqual([]);
  });

  it("are those of parameters that are put end to end and taken apart again", () => {
    const joined = [
      ...nodes,
      node("q", "Placeholder"),
      node("flat_q", "Reshape", "q"),
      node("both", "ConcatV2", "flat_p", "flat_q", "axis"),
      node("sizes", "Const"),
      node("axis", "Const"),
      node("after", "Sub", "both", "first"),
      node("taken", "SplitV", "after", "sizes", "axis"),
      { ...node("next_p", "Reshape"), inputs: [output("taken")] },
      { ...node("next_q", "Reshape"), inputs: [{ node: "taken", output: 1 }] },
    ];
    const own: RecordedUpdate = {
      ...update,
      parameter: output("both"),
      start: output("both"),
      next: { ...update.next, parameter: output("after") },
    };
    const values = [
      carried("q", "next_q"),
      carried("p", "next_p"),
      carried("m", "first"),
      carried("v", "second"),
    ];
    expect(inPlaceUpdates(new GraphReading(joined), values, [own])).toEqual([
      { update: own, parameters: [1, 0], first: 2, second: 3 },
    ]);
    const swapped = [carried("q", "next_p"), carried("p", "next_q"), ...values.slice(2)];
    expect(inPlaceUpdates(new GraphReading(joined), swapped, [own])).toEqual([]);
  });

  it("begin with the parameter, or with what decay has left of it", () => {
    expect(decays(update)).toBe(false);
    expect(decays({ ...update, start: output("next") })).toBe(true);
  });
});

describe("what has to have run before an update", () => {
  it("is what reads the parameter, also in another shape, of what runs at all", () => {
    const needed = new GraphReading(nodes).runningFor([output("flat_gradient")]);
    expect(needed.nodes.map(({ name }) => name)).toEqual(["p", "x", "product", "gradient", "flat_gradient"]);
    expect(needed.memoryReaders("p")).toEqual(["product"]);
    expect(new GraphReading(nodes).memoryReaders("p")).toEqual(["product", "next", "size"]);
  });

  it("includes what is there for its order only", () => {
    const ordered = new GraphReading([...nodes, node("last", "Neg", "x", "^size")]);
    expect(ordered.runningFor([output("last")]).nodes.map(({ name }) => name)).toEqual([
      "p",
      "x",
      "size",
      "last",
    ]);
    expect(ordered.memoryReaders("size")).toEqual([]);
  });
});
