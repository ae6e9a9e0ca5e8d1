/**
 * The pass `chunk`: a reduction in blocks of rows gives the value and gradients of the whole, and no tensor of the
 * program holds what the blocks were made for.
 */
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, it } from "vitest";
import { compileLoss } from "../../src/cli/compiled_loss.ts";
import { Builder } from "../../src/ir/build.ts";
import type { Dim } from "../../src/ir/graph.ts";
import { Graph, lengthOf } from "../../src/ir/graph.ts";
import { lowerLoss } from "../../src/ir/lower/loss.ts";
import { topological } from "../../src/ir/order.ts";
import { chunk } from "../../src/ir/passes/chunk.ts";
import { inBlocks } from "../../src/runtime/ops/in_blocks.ts";
import type { LossInstance } from "../../src/resolve/values.ts";
import { startEngine } from "../../src/runtime/engine/index.ts";
import { formula, loss } from "../interpret/support.ts";
import { CIRCLE, MARGIN, SMOOTH_AP, SOFT_TRIPLE } from "./published_losses.ts";
import { randomBatch } from "./support.ts";

beforeAll(async () => {
  await startEngine("wasm");
});

const USES: readonly (readonly [string, LossInstance])[] = [
  ...["contrastive", "triplet(margin: 0.4)", "multi_similarity", "normalized_softmax", "arcface"].map(
    (use) => [use, loss(use)] as const,
  ),
  ["margin", loss("margin(nu: 0.1)", MARGIN)],
  ["circle", loss("circle", CIRCLE)],
  ["soft_triple", loss("soft_triple(centers: 3)", SOFT_TRIPLE)],
  ["smooth_ap", loss("smooth_ap(temperature: 0.2)", SMOOTH_AP)],
  [
    "a plain mean",
    formula(
      "mean[i] softplus(sum[k in classes] cosine(x[i], w[k]))",
      "param w: real[classes, dim] = normal()",
    ),
  ],
  [
    "a number of tuples",
    formula("(count[i, j | differs(i, j)] cosine(x[i], x[j]) > 0) * mean[i] norm(x[i])"),
  ],
];

const close = (a: ArrayLike<number>, b: ArrayLike<number>): void => {
  const largest = Math.max(1e-3, ...Array.from(a, Math.abs));
  Array.from(a).forEach((v, k) => expect(Math.abs(v - b[k]!)).toBeLessThanOrEqual(2e-5 * largest));
};

describe.each(USES)("%s", (_, instance) => {
  it.each([1, 3000, 1e9])("is the same in blocks of %i bytes", (blockBytes) => {
    const labels = [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3];
    const batch = randomBatch(instance, { labels, dim: 6, unit: true, seed: 5 });
    const whole = compileLoss(instance, [6]).evaluate(batch);
    // Made ready for a batch so large that nothing with two sides of it would fit.
    const inParts = compileLoss(instance, [6], { chunk: { batch: 1e5, classes: 1e5, blockBytes } });
    expect(inParts.source).toContain("ops.inBlocks(");
    const parts = inParts.evaluate(batch);
    expect(parts.valid).toBe(whole.valid);
    close([whole.value], [parts.value]);
    close(whole.gradient.views[0]!, parts.gradient.views[0]!);
    for (const [name, gradient] of whole.gradient.params) close(gradient, parts.gradient.params.get(name)!);
  });
});

it.each([
  ["soft_triple", loss("soft_triple", SOFT_TRIPLE), 64],
  ["arcface", loss("arcface"), 4096],
  ["triplet", loss("triplet(margin: 0.4)"), 2048],
  ["smooth_ap", loss("smooth_ap", SMOOTH_AP), 2048],
] as const)("nothing large is left outside the blocks: %s", (_, instance, batch) => {
  const sizes = { batch, classes: 100_000 };
  const bytes = (shape: readonly Dim[]): number =>
    4 * shape.reduce<number>((all, side) => all * lengthOf(side, sizes), 1);
  const graph = new Graph();
  const lowered = lowerLoss(graph, instance, { path: "losses/l", views: [{ name: "x", dim: 16 }] });
  const before = topological([lowered.value]).filter((node) => node.shape.includes("batch"));
  const [root] = chunk(new Builder(graph), [lowered.value], sizes);
  const after = topological([root!]).filter((node) => node.shape.includes("batch"));
  expect(Math.max(...before.map((node) => bytes(node.shape)))).toBeGreaterThan(2 ** 25);
  expect(Math.max(...after.map((node) => bytes(node.shape)))).toBeLessThanOrEqual(2 ** 24);
});

it("what fits stays whole", () => {
  const sizes = { batch: 64, classes: 100_000, blockBytes: 1 };
  for (const use of ["contrastive", "triplet", "multi_similarity", "arcface"])
    expect(compileLoss(loss(use), [64], { samples: 4, chunk: sizes }).source).not.toContain("inBlocks");
});

it("blocks hold one block's tensors at a time, and leave nothing behind", () => {
  const x = tf.randomNormal([64, 8], 0, 1, "float32", 1);
  const w = tf.randomNormal([5000, 8], 0, 1, "float32", 2);
  const rows = (a: tf.Tensor, b: tf.Tensor): tf.Tensor =>
    tf.sum(tf.exp(tf.mul(0.1, tf.matMul(a as tf.Tensor2D, b as tf.Tensor2D, false, true))));
  let most = 0;
  const watched = (a: tf.Tensor, b: tf.Tensor): tf.Tensor => {
    const value = rows(a, b);
    most = Math.max(most, tf.memory().numBytes);
    return value;
  };
  const before = tf.memory();
  const gradient = tf.tidy(() =>
    tf.grads((a, b) => inBlocks(4 * 5000, [a!], [b!], watched as never, 4 * 5000 * 2))([x, w]),
  );
  // Two rows at a time: their products, not those of all 64.
  expect(most - before.numBytes).toBeLessThan(4 * 5000 * 64);
  tf.dispose(gradient);
  expect(tf.memory().numTensors).toBe(before.numTensors);
  tf.dispose([x, w]);
});
