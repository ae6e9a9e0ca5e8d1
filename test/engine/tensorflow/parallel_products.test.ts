/** Which products with parameters are found to be one, in graphs written by hand; what they compute: `advance.test.ts`. */
import { describe, expect, it } from "vitest";
import { output } from "../../../src/runtime/engine/tensorflow/graph_def.ts";
import type { GraphNode, NodeOutput } from "../../../src/runtime/engine/tensorflow/graph_def.ts";
import { GraphReading } from "../../../src/runtime/engine/tensorflow/graph_reading.ts";
import type { InPlaceUpdate } from "../../../src/runtime/engine/tensorflow/in_place.ts";
import { parallelProducts } from "../../../src/runtime/engine/tensorflow/parallel_products.ts";
import type { CarriedValue } from "../../../src/runtime/engine/tensorflow/resident_graph.ts";

const node = (name: string, op: string, inputs: string[], transposed = "--"): GraphNode => ({
  name,
  op,
  inputs: inputs.map(output),
  attributes:
    op === "MatMul"
      ? {
          transpose_a: { kind: "bool", value: transposed[0] === "t" },
          transpose_b: { kind: "bool", value: transposed[1] === "t" },
        }
      : {},
});

/** One head `w` on x in the form of images: forward, and both gradients from `dy` of the head. */
const head = (k: number, x = "x"): GraphNode[] => [
  node(`w${k}`, "Placeholder", []),
  node(`rows${k}`, "Reshape", [x, "shape"]),
  node(`y${k}`, "MatMul", [`rows${k}`, `w${k}`]),
  node(`dy${k}`, "Square", [`y${k}`]),
  node(`dw${k}`, "MatMul", [`rows${k}`, `dy${k}`], "t-"),
  node(`flat${k}`, "Reshape", [`dw${k}`, "shape"]),
  node(`dx${k}`, "MatMul", [`dy${k}`, `w${k}`], "-t"),
  node(`image${k}`, "Reshape", [`dx${k}`, "image_shape"]),
];

const sum = [
  node("other", "Neg", ["x"]),
  node("sum1", "Add", ["image1", "other"]),
  node("sum2", "Add", ["sum1", "image2"]),
  node("sum3", "Add", ["sum2", "image3"]),
  node("backbone", "Neg", ["sum3"]),
];

const start = [node("x", "Placeholder", []), node("shape", "Const", []), node("image_shape", "Const", [])];
const three = [...start, ...head(1), ...head(2), ...head(3), ...sum];

const value = (name: string): CarriedValue => ({
  from: { ...output(name), dtype: 1, shape: [4, 2], varies: true },
  to: undefined,
});
const values = ["w1", "w2", "w3"].map(value);

const update = (k: number, rate = "rate", gradient: NodeOutput = output(`flat${k}`)): InPlaceUpdate => ({
  parameters: [k - 1],
  first: 10 + k,
  second: 20 + k,
  update: {
    parameter: output(`w${k}`),
    start: output(`w${k}`),
    gradient,
    rate: output(rate),
    epsilon: output("e"),
    first: output(`m${k}`),
    second: output(`v${k}`),
    beta1: 0.9,
    beta2: 0.999,
    next: { parameter: output("next"), first: output("next"), second: output("next") },
  },
});

/** The names of the products found together, and of the sums of their gradients. */
const found = (nodes: GraphNode[], updates = [1, 2, 3].map((k) => update(k))): unknown[] =>
  parallelProducts(new GraphReading(nodes), values, updates).map(({ members, sum: root }) => ({
    members: members.map(({ forward }) => forward.name),
    ...(root === undefined ? {} : { root: root.root.name, others: root.others.map((other) => other.node) }),
  }));

describe("products of one tensor with several parameters", () => {
  it("are one, with the gradient by the tensor where they are all added up", () => {
    expect(found(three)).toEqual([{ members: ["y1", "y2", "y3"], root: "sum3", others: ["other"] }]);
  });

  it("have no such gradient where nothing wants it", () => {
    const without = three.filter(({ name }) => !/^(dx|image\d|sum|backbone)/.test(name));
    expect(found(without)).toEqual([{ members: ["y1", "y2", "y3"] }]);
  });

  it("are apart at another rate, for another tensor, and where it is one alone", () => {
    expect(found(three, [update(1), update(2, "other_rate"), update(3, "a_third")])).toEqual([]);
    const another = [...start, ...head(1), ...head(2, "z"), ...head(3, "u"), ...sum];
    expect(found(another)).toEqual([]);
    expect(found(three, [update(1)])).toEqual([]);
  });

  it("are one for one of two groups whose gradients by the tensor are added up", () => {
    const four = [...three, ...head(4), node("sum4", "Add", ["sum3", "image4"])];
    const updates = [update(1), update(2, "other_rate"), update(3), update(4, "other_rate")];
    const all = [...values, value("w4")];
    const groups = parallelProducts(
      new GraphReading(
        four.map((each) => (each.name === "backbone" ? node("backbone", "Neg", ["sum4"]) : each)),
      ),
      all,
      updates,
    );
    expect(groups.map(({ members }) => members.map(({ forward }) => forward.name))).toEqual([["y1", "y3"]]);
  });

  it("leave out a parameter that something else reads, and take its gradient for another term", () => {
    const penalised = [...three, node("penalty", "Square", ["w2"])];
    expect(found(penalised)).toEqual([{ members: ["y1", "y3"], root: "sum3", others: ["other", "image2"] }]);
  });

  it("are apart where a sum on the way is read by itself", () => {
    expect(found([...three, node("norm", "L2Loss", ["sum2"])])).toEqual([]);
    expect(found([...three, node("norm", "L2Loss", ["dx2"])])).toEqual([]);
  });

  it("are apart where what comes from the sum enters one of them", () => {
    const circular = three.map((each) => (each.name === "dy3" ? node("dy3", "Mul", ["y3", "sum2"]) : each));
    expect(found(circular)).toEqual([]);
    const late = three.map((each) => (each.name === "dy3" ? node("dy3", "Mul", ["y3", "image1"]) : each));
    expect(found(late)).toEqual([]);
  });

  it("are one under a common factor of the gradients, and apart under different ones", () => {
    const clipped = [...three, ...[1, 2, 3].map((k) => node(`c${k}`, "Mul", [`flat${k}`, "factor"]))];
    const updates = [1, 2, 3].map((k) => update(k, "rate", output(`c${k}`)));
    expect(found(clipped, updates)).toHaveLength(1);
    const own = clipped.map((each) =>
      each.op === "Mul" ? node(each.name, "Mul", [each.inputs[0]!.node, `${each.name}_own`]) : each,
    );
    expect(found(own, updates)).toEqual([]);
  });
});
