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
      %1 = squared_distance(%0, %0) : real[batch, batch]
      %2 = sqrt(%1) : real[batch, batch]  // euclidean_distance
      %3 = labels() : int[batch]
      %4 = same(%3) : bool[batch, batch]  // positives
      %5 = mean_active(%2, %4, over: [0, 1]) : real
      %6 = constant(0.5) : real
      %7 = sub(%6, %2) : real[batch, batch]
      %8 = relu(%7) : real[batch, batch]
      %9 = differs(%3) : bool[batch, batch]  // negatives
      %10 = mean_active(%8, %9, over: [0, 1]) : real
      %11 = add(%5, %10) : real
      %12 = any(%4, over: [0, 1]) : bool
      %13 = any(%9, over: [0, 1]) : bool
      %14 = or(%12, %13) : bool
      value: %11
      valid: %14
      "
    `);
  });

  it("names parameters and sides that the data decides", () => {
    expect(printed("proxy_anchor")).toMatchInlineSnapshot(`
      "%0 = constant(-32) : real
      %1 = param("losses/pull/proxy") : real[classes, 64]
      %2 = normalize(%1) : real[classes, 64]
      %3 = input("pull") : real[batch, 64]
      %4 = normalize(%3) : real[batch, 64]
      %5 = matmul(%2, %4, shared: 0) : real[classes, batch]  // cosine_similarity
      %6 = constant(0.1) : real
      %7 = sub(%5, %6) : real[classes, batch]
      %8 = mul(%0, %7) : real[classes, batch]
      %9 = labels() : int[batch]
      %10 = iota(from: 0) : int[classes]
      %11 = view(%10, axes: [0, new]) : int[classes, 1]
      %12 = eq(%9, %11) : bool[classes, batch]
      %13 = log1p_sum_exp(%8, %12, over: [1]) : real[classes]
      %14 = any(%12, over: [1]) : bool[classes]
      %15 = mean(%13, %14, over: [0]) : real
      %16 = constant(32) : real
      %17 = add(%5, %6) : real[classes, batch]
      %18 = mul(%16, %17) : real[classes, batch]
      %19 = ne(%9, %11) : bool[classes, batch]
      %20 = log1p_sum_exp(%18, %19, over: [1]) : real[classes]
      %21 = mean(%20, over: [0]) : real
      %22 = add(%15, %21) : real
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
      const euclideanDistance = ops.sqrt(ops.squaredDistancesFromGram(ops.gram(view0Embeddings)));
      const difference = tf.sub(tf.expandDims(euclideanDistance, 2), tf.expandDims(euclideanDistance, 1));
      const positives = ops.sameClass(labels);
      const negatives = ops.differentClass(labels);
      const triplets = tf.logicalAnd(tf.expandDims(positives, 2), tf.expandDims(negatives, 1));
      const pairs = tf.logicalAnd(positives, tf.expandDims(ops.any(negatives, { over: [1] }), 1));
      const loss = { value: ops.meanActive(tf.relu(tf.add(difference, 0.2)), { over: [0, 1, 2], where: triplets }) as tf.Scalar, valid: ops.real(ops.any(pairs, { over: [0, 1] })) as tf.Scalar };"
    `);
  });

  it("are the same every time", () => {
    expect(compileLoss(loss("arcface"), [64]).source).toBe(compileLoss(loss("arcface"), [64]).source);
  });
});
