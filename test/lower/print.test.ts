/** The text of the loss graph, and what emitted losses look like. */
import { describe, expect, it } from "vitest";
import { compileLoss } from "../../src/cli/compiled_loss.ts";
import { Graph } from "../../src/ir/graph.ts";
import { lowerLoss } from "../../src/ir/lower/loss.ts";
import { printGraph } from "../../src/ir/print.ts";
import { loss } from "../interpret/support.ts";

function printed(use: string): string {
  const views = [{ name: "pull", dim: 64 }];
  const { value, valid } = lowerLoss(new Graph(), loss(use), { path: "losses/pull", views });
  return printGraph([
    { name: "value", node: value },
    { name: "valid", node: valid },
  ]);
}

describe("the graph as text", () => {
  it("has one line a node, inputs first", () => {
    expect(printed("contrastive(margin: 0.5)")).toMatchInlineSnapshot(`
      "%0 = input("pull") : real[batch, 64]
      %1 = labels() : int[batch]
      %2 = same(%1) : bool[batch, batch]  // positives
      %3 = squared_distance(%0, %0) : real[batch, batch]
      %4 = sqrt(%3) : real[batch, batch]  // euclidean_distance
      %5 = any(%2, over: [0, 1]) : bool
      %6 = mean_active(%4, %2, over: [0, 1]) : real
      %7 = differs(%1) : bool[batch, batch]  // negatives
      %8 = constant(0.5) : real
      %9 = sub(%8, %4) : real[batch, batch]
      %10 = relu(%9) : real[batch, batch]
      %11 = any(%7, over: [0, 1]) : bool
      %12 = mean_active(%10, %7, over: [0, 1]) : real
      %13 = add(%6, %12) : real
      %14 = or(%5, %11) : bool
      value: %13
      valid: %14
      "
    `);
  });

  it("names parameters and sides that the data decides", () => {
    expect(printed("proxy_anchor")).toMatchInlineSnapshot(`
      "%0 = input("pull") : real[batch, 64]
      %1 = labels() : int[batch]
      %2 = param("losses/pull/proxy") : real[classes, 64]
      %3 = iota(from: 0) : int[classes]
      %4 = view(%3, axes: [0, new]) : int[classes, 1]
      %5 = eq(%1, %4) : bool[classes, batch]
      %6 = any(%5, over: [1]) : bool[classes]
      %7 = constant(32) : real
      %8 = constant(-32) : real
      %9 = normalize(%2) : real[classes, 64]
      %10 = normalize(%0) : real[batch, 64]
      %11 = matmul(%9, %10, shared: 0) : real[classes, batch]  // cosine_similarity
      %12 = constant(0.1) : real
      %13 = sub(%11, %12) : real[classes, batch]
      %14 = mul(%8, %13) : real[classes, batch]
      %15 = log1p_sum_exp(%14, %5, over: [1]) : real[classes]
      %16 = mean(%15, %6, over: [0]) : real
      %17 = ne(%1, %4) : bool[classes, batch]
      %18 = add(%11, %12) : real[classes, batch]
      %19 = mul(%7, %18) : real[classes, batch]
      %20 = log1p_sum_exp(%19, %17, over: [1]) : real[classes]
      %21 = mean(%20, over: [0]) : real
      %22 = add(%16, %21) : real
      %23 = constant(1) : bool
      value: %22
      valid: %23
      "
    `);
  });

  it("is the same every time", () => {
    expect(printed("arcface")).toBe(printed("arcface"));
  });
});

describe("emitted statements", () => {
  it("name what the spec names", () => {
    expect(compileLoss(loss("triplet(margin: 0.2)"), [64]).source).toMatchInlineSnapshot(`
      "
      const view0Embeddings = embeddings["view0"]!;
      const euclideanDistance = ops.sqrt(ops.squaredDistances(view0Embeddings, view0Embeddings));
      const difference = tf.sub(tf.expandDims(euclideanDistance, 2), tf.expandDims(euclideanDistance, 1));
      const triplets = tf.logicalAnd(tf.expandDims(ops.sameClass(labels), 2), tf.expandDims(ops.differentClass(labels), 1));
      const loss = { value: ops.meanActive(tf.relu(tf.add(difference, 0.2)), { over: [0, 1, 2], where: triplets }) as tf.Scalar, valid: ops.real(ops.any(triplets, { over: [0, 1, 2] })) as tf.Scalar };"
    `);
  });

  it("are the same every time", () => {
    expect(compileLoss(loss("arcface"), [64]).source).toBe(compileLoss(loss("arcface"), [64]).source);
  });
});
