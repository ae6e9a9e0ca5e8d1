/** What a recording makes of the calls of tfjs-node's kernels, with a binding that computes nothing. */
import { describe, expect, it } from "vitest";
import { CaptureRefused } from "../../../src/runtime/engine/capture/recorder.ts";
import { inSequence, listening } from "../../../src/runtime/engine/capture/sequence.ts";
import type { Binding, Values } from "../../../src/runtime/engine/tensorflow/binding.ts";
import { Recording } from "../../../src/runtime/engine/tensorflow/recording.ts";

const [FLOAT, INT32, BOOL] = [1, 3, 10];

/** A binding that gives out numbers, and keeps the values it is given. */
function binding(): Binding & { readonly live: Map<number, Values> } {
  let next = 0;
  const live = new Map<number, Values>();
  const make = (values: Values): number => {
    live.set(next, values);
    return next++;
  };
  return {
    live,
    TF_FLOAT: FLOAT,
    TF_INT32: INT32,
    TF_BOOL: BOOL,
    TF_ATTR_STRING: 0,
    TF_ATTR_INT: 1,
    TF_ATTR_FLOAT: 2,
    TF_ATTR_BOOL: 3,
    TF_ATTR_TYPE: 4,
    TF_ATTR_SHAPE: 5,
    TF_Version: "0",
    createTensor: (_shape, _dtype, values) => make(values),
    deleteTensor: (id) => void live.delete(id),
    tensorDataSync: (id) => live.get(id)!,
    executeOp: (_name, _attributes, inputs, outputs) =>
      Array.from({ length: outputs }, () => ({
        id: make(live.get(inputs[0] ?? -1) ?? new Float32Array(1)),
        shape: [1],
        dtype: FLOAT,
      })),
    isUsingGpuDevice: () => false,
    loadSavedModel: () => 0,
    deleteSavedModel: () => undefined,
    runSavedModel: () => [],
  };
}

const T = { name: "T", type: 4, value: FLOAT };

describe("a recording", () => {
  it("has inputs as placeholders, tensors made under way as constants, operations as nodes", () => {
    const real = binding();
    const input = real.createTensor([1], FLOAT, Float32Array.of(7));
    const recording = new Recording(real);
    recording.placeholder(input, FLOAT, [1]);
    const two = recording.binding.createTensor([1], FLOAT, Float32Array.of(2));
    const [sum] = recording.binding.executeOp("AddV2", [T], [input, two], 1);
    expect(recording.nodes.map(({ op }) => op)).toEqual(["Placeholder", "Const", "AddV2"]);
    const [placeholder, constant, add] = recording.nodes;
    expect(add!.inputs.map(({ node }) => node)).toEqual([placeholder!.name, constant!.name]);
    expect(add!.attributes).toEqual({ T: { kind: "type", value: FLOAT } });
    expect(recording.tensor(sum!.id, FLOAT, [1])).toMatchObject({ node: add!.name, varies: true });
    expect(new Set(recording.nodes.map(({ name }) => name)).size).toBe(3);
  });

  it("takes the value of a tensor from before as a constant", () => {
    const real = binding();
    const table = real.createTensor([1], FLOAT, Float32Array.of(42));
    const recording = new Recording(real);
    recording.binding.executeOp("Neg", [T], [table], 1);
    const [constant] = recording.nodes;
    expect(constant!.attributes["value"]).toMatchObject({ kind: "tensor", values: Float32Array.of(42) });
    expect(real.live.size).toBe(2);
  });

  it("fills in the types that eager TensorFlow infers", () => {
    const real = binding();
    const recording = new Recording(real);
    const x = recording.binding.createTensor([1], FLOAT, Float32Array.of(1));
    const axis = recording.binding.createTensor([], INT32, Int32Array.of(0));
    recording.binding.executeOp("ExpandDims", [], [x, axis], 1);
    expect(recording.nodes.at(-1)!.attributes).toEqual({
      T: { kind: "type", value: FLOAT },
      Tdim: { kind: "type", value: INT32 },
    });
  });

  it("writes values in the type TensorFlow keeps them in", () => {
    const recording = new Recording(binding());
    recording.binding.createTensor([2], BOOL, [true, false] as unknown as Values);
    expect(recording.nodes[0]!.attributes["value"]).toMatchObject({ values: Uint8Array.of(1, 0) });
  });

  it("refuses to read back what depends on an input, and lets constants be read", () => {
    const real = binding();
    const input = real.createTensor([1], FLOAT, Float32Array.of(1));
    const recording = new Recording(real);
    recording.placeholder(input, FLOAT, [1]);
    const constant = recording.binding.createTensor([1], FLOAT, Float32Array.of(3));
    const [other] = recording.binding.executeOp("Neg", [T], [constant], 1);
    expect(recording.binding.tensorDataSync(other!.id)[0]).toBe(3);
    const [negative] = recording.binding.executeOp("Neg", [T], [input], 1);
    expect(() => recording.binding.tensorDataSync(negative!.id)).toThrow(CaptureRefused);
  });

  it("refuses random numbers and other graphs", () => {
    const recording = new Recording(binding());
    expect(() => recording.binding.executeOp("RandomUniform", [], [], 1)).toThrow("random numbers");
    expect(() => recording.binding.runSavedModel(0, [], "", "")).toThrow(CaptureRefused);
  });

  it("keeps the order of parts that are to run one after the other, and takes none for the one before", () => {
    const real = binding();
    const input = real.createTensor([1], FLOAT, Float32Array.of(7));
    const recording = new Recording(real);
    recording.placeholder(input, FLOAT, [1]);
    listening(recording, () => {
      inSequence([0, 1], () => void recording.binding.executeOp("Neg", [T], [input], 1));
      recording.binding.executeOp("Neg", [T], [input], 1);
    });
    const [placeholder, first, second, after] = recording.nodes;
    const inputs = [first, second, after].map((node) =>
      node!.inputs.filter(({ output }) => output < 0).map((each) => each.node),
    );
    expect(inputs).toEqual([[placeholder!.name], [first!.name], []]);
  });

  it("forgets a tensor that is deleted: its number may stand for another", () => {
    const real = binding();
    const recording = new Recording(real);
    const id = recording.binding.createTensor([1], FLOAT, Float32Array.of(1));
    recording.binding.deleteTensor(id);
    real.live.set(id, Float32Array.of(5));
    recording.binding.executeOp("Neg", [T], [id], 1);
    const values = recording.nodes
      .filter(({ op }) => op === "Const")
      .map(({ attributes }) => attributes["value"]);
    expect(values).toMatchObject([{ values: Float32Array.of(1) }, { values: Float32Array.of(5) }]);
  });
});
