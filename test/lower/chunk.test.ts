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
import { wasmRecorder } from "../../src/runtime/engine/wasm/capture/recorder.ts";
import { crossEntropyInBlocks, inBlocks } from "../../src/runtime/ops/in_blocks.ts";
import type { LossInstance } from "../../src/resolve/values.ts";
import { startEngine } from "../../src/runtime/engine/index.ts";
import { formula, loss } from "../interpret/support.ts";
import { CIRCLE, MARGIN, SMOOTH_AP, SOFT_TRIPLE } from "./published_losses.ts";
import { peakBytes } from "./peak_bytes.ts";
import { randomBatch } from "./support.ts";

beforeAll(async () => {
  await startEngine("wasm");
});

const USES: readonly (readonly [string, LossInstance])[] = [
  ...["contrastive", "triplet(margin: 0.4)", "multi_similarity", "normalized_softmax", "arcface"].map(
    (use) => [use, loss(use)] as const,
  ),
  ["proxy_anchor", loss("proxy_anchor")],
  ...["magnet(clusters: 2)", "hpl(levels: [2])", "manifold(proxies: 3)"].map(
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
    "log-sum-exp over some classes",
    formula(
      "mean[i] logsumexp[k in classes | k != y[i], k > 1] (3 * cosine(x[i], w[k]))",
      "param w: real[classes, dim] = normal()",
    ),
  ],
  [
    "log-sum-exp over classes of which there are none",
    formula(
      "mean[i] (norm(x[i]) + logsumexp[k in classes | cosine(x[i], w[k]) > 2] (3 * cosine(x[i], w[k])))",
      "param w: real[classes, dim] = normal()",
    ),
  ],
  [
    "log(1 + sum of exp) over some classes",
    formula(
      "mean[i] log1p(sum[k in classes | k != y[i]] exp(9 * cosine(x[i], w[k])))",
      "param w: real[classes, dim] = normal()",
    ),
  ],
  ["log-sum-exp over pairs", formula("logsumexp[i, j | differs(i, j)] (5 * cosine(x[i], x[j]))")],
  [
    "softmax over classes",
    formula(
      "mean[i] sum[k in classes] softmax[k in classes](4 * cosine(x[i], w[k])) * cosine(x[i], w[k])",
      "param w: real[classes, dim] = normal()",
    ),
  ],
  [
    "means over classes, of every class and of some",
    formula(
      "mean[i] (mean[k in classes] relu(cosine(x[i], w[k])) + mean[k in classes | k != y[i]] norm(w[k]) * cosine(x[i], w[k]))",
      "param w: real[classes, dim] = normal()",
    ),
  ],
  [
    "a state over classes",
    formula(
      "mean[i] sum[k in classes] relu(cosine(x[i], w[k]) - c[k])",
      "param w: real[classes, dim] = normal()\nstate c: real[classes] = 0.1 then c + 0.1",
    ),
  ],
  ["a table of sums over pairs", loss("histogram(nodes: 9)")],
  [
    "a table of means, of which some numbers are absent",
    formula(
      "sum[r in 0..5] (mean[i, j | cosine(x[i], x[j]) > r / 5] relu(cosine(x[i], x[j]) - r / 5)) * (logsumexp[i, j | i < j] r * cosine(x[i], x[j]))",
    ),
  ],
  [
    "a number of tuples",
    formula("(count[i, j | differs(i, j)] cosine(x[i], x[j]) > 0) * mean[i] norm(x[i])"),
  ],
];

const IN_BLOCKS = /ops\.(inBlocks|logSumExpInBlocks|crossEntropyInBlocks)\(/;

const close = (a: ArrayLike<number>, b: ArrayLike<number>, of?: string): void => {
  const largest = Math.max(1e-3, ...Array.from(a, Math.abs));
  Array.from(a).forEach((v, k) => expect(Math.abs(v - b[k]!), of).toBeLessThanOrEqual(2e-5 * largest));
};

describe.each(USES)("%s", (_, instance) => {
  it.each([1, 3000, 1e9])("is the same in blocks of %i bytes", (blockBytes) => {
    const labels = [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3];
    const batch = randomBatch(instance, { labels, dim: 6, unit: true, seed: 5 });
    const whole = compileLoss(instance, [6]).evaluate(batch);
    // Made ready for a batch so large that nothing with two sides of it would fit.
    const inParts = compileLoss(instance, [6], { chunk: { batch: 1e5, classes: 1e5, blockBytes } });
    expect(inParts.source).toMatch(IN_BLOCKS);
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
  ["histogram", loss("histogram"), 1024],
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

it.each([1, 7])("over %i classes, of which the last block may have fewer", (classes) => {
  const labels = Array.from({ length: 6 }, (_, k) => Math.floor(k / 2) % classes);
  for (const [name, instance] of USES) {
    const batch = randomBatch(instance, { labels, classes, dim: 6, unit: true, seed: 3 });
    const whole = compileLoss(instance, [6]).evaluate(batch);
    for (const blockBytes of [1, 2000, 5000]) {
      const chunk = { batch: 1e5, classes: 1e5, blockBytes };
      const parts = compileLoss(instance, [6], { chunk }).evaluate(batch);
      close([whole.value], [parts.value], name);
      close(whole.gradient.views[0]!, parts.gradient.views[0]!, name);
      for (const [param, gradient] of whole.gradient.params)
        close(gradient, parts.gradient.params.get(param)!, name);
    }
  }
});

it("what fits stays whole", () => {
  const sizes = { batch: 64, classes: 100_000, blockBytes: 1 };
  for (const use of ["contrastive", "triplet", "multi_similarity", "arcface"])
    expect(compileLoss(loss(use), [64], { samples: 4, chunk: sizes }).source).not.toMatch(IN_BLOCKS);
});

describe("memory of a step, value and gradients", () => {
  const instance = loss("soft_triple", SOFT_TRIPLE);
  const compiled = compileLoss(instance, [8], {
    chunk: { batch: 1e5, classes: 1e5, blockBytes: 2 ** 20 },
  });
  const peak = (size: number, classes: number): number => {
    const labels = Array.from({ length: size }, (_, k) => k % 2);
    const batch = randomBatch(instance, { labels, classes, dim: 8, unit: true, seed: 1 });
    return peakBytes(() => compiled.evaluate(batch));
  };

  it("does not grow with the batch", () => {
    const [few, many] = [peak(16, 1000), peak(128, 1000)];
    expect(many).toBeLessThan(1.2 * few);
  });

  it("grows by a few times the parameter with the classes, not by what is there for each sample", () => {
    const [few, many] = [peak(64, 500), peak(64, 2500)];
    const parameter = 4 * 2000 * 10 * 8;
    expect(many - few).toBeLessThan(7 * parameter);
    // Fewer bytes than two numbers for each class, centre and sample.
    expect(many).toBeLessThan(2 * 4 * 2500 * 10 * 64);
  });
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

it("a step in blocks is one static graph: its record gives the same for other numbers", () => {
  const target = tf.cast(tf.oneHot(tf.tensor1d([0, 3, 6], "int32"), 7), "bool");
  const loss = (x: tf.Tensor, w: tf.Tensor): tf.Tensor =>
    tf.sum(
      crossEntropyInBlocks(
        1,
        [w, tf.transpose(target)],
        [x],
        (rows, at, all) => [
          tf.matMul(all as tf.Tensor2D, rows as tf.Tensor2D, false, true),
          tf.transpose(at!),
        ],
        2,
      ),
    );
  const step = (inputs: readonly tf.Tensor[]): tf.Tensor[] =>
    tf.tidy(() => {
      const { value, grads } = tf.valueAndGrads((x, w) => loss(x!, w!))([...inputs]);
      return [value, ...grads];
    });
  const inputs = (seed: number): tf.Tensor[] => [
    tf.randomNormal([3, 5], 0, 1, "float32", seed),
    tf.randomNormal([7, 5], 0, 1, "float32", seed + 1),
  ];
  const { recording } = wasmRecorder.record("blocks", step, inputs(1));
  for (const seed of [1, 5]) {
    const replayed = recording.replay(inputs(seed));
    step(inputs(seed)).forEach((expected, k) => close(expected.dataSync(), replayed[k]!.dataSync()));
  }
  recording.dispose();
});
