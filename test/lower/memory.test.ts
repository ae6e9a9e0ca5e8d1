/**
 * Losses against a memory: the compiled form and the interpreter agree on value, validity, gradients and what is
 * remembered, over memories that are empty, partly filled, full and wrapped around, with samples that come again.
 */
import { beforeAll, describe, expect, it } from "vitest";
import { compileLoss } from "../../src/cli/compiled_loss.ts";
import type { CompiledAnswer } from "../../src/cli/compiled_loss.ts";
import type { Interpretation, Memory } from "../../src/interpret/index.ts";
import { interpretLoss } from "../../src/interpret/index.ts";
import type { LossInstance, MinerInstance } from "../../src/resolve/values.ts";
import { startEngine } from "../../src/runtime/engine/index.ts";
import { counterRandom } from "../../src/runtime/random.ts";
import { formula, loss, miner } from "../interpret/support.ts";
import type { Batch } from "./support.ts";
import { randomBatch } from "./support.ts";

beforeAll(async () => {
  await startEngine("wasm");
});

const DIM = 4;
const CLASSES = 4;

const emptyMemory = (size: number): Memory => ({
  size,
  views: [{ rows: 0, columns: DIM, data: new Float64Array() }],
  labels: [],
  ids: [],
});

type Remembered = Batch & { readonly ids: readonly number[]; readonly memory: Memory };

/** A memory of `size` samples with `rows` in it, of which every third is an older embedding of one of the batch. */
function remembered(batch: Batch, ids: readonly number[], size: number, rows: number, seed = 1): Remembered {
  const random = counterRandom(seed, "memory");
  const again = (k: number): boolean => k % 3 === 0;
  const at = Array.from({ length: rows }, () => Math.floor(random.uniform() * ids.length));
  const labels = at.map((row, k) => (again(k) ? batch.labels[row]! : Math.floor(random.uniform() * CLASSES)));
  const data = Float64Array.from({ length: rows * DIM }, () => Math.fround(0.7 * random.normal()));
  return {
    ...batch,
    ids,
    memory: {
      size,
      views: [{ rows, columns: DIM, data }],
      labels,
      ids: at.map((row, k) => (again(k) ? ids[row]! : 1000 + k)),
    },
  };
}

const largest = (values: Iterable<number>): number => Math.max(0, ...[...values].map(Math.abs));

function near(actual: ArrayLike<number>, exact: ArrayLike<number>, what: string): void {
  const wanted = Array.from(exact);
  expect(actual.length, what).toBe(wanted.length);
  const allowed = 3e-5 * largest(wanted) + 2e-6;
  expect(largest(wanted.map((v, k) => actual[k]! - v)), what).toBeLessThanOrEqual(allowed);
}

interface Both {
  readonly exact: Interpretation;
  readonly answer: CompiledAnswer;
}

/** Interpreter and compiled form, held against each other. */
function agree(instance: LossInstance, batch: Remembered, options: { miner?: MinerInstance } = {}): Both {
  const exact = interpretLoss(instance, batch, { gradient: true, ...options });
  const compiled = compileLoss(instance, [DIM], { memory: batch.memory.size, ...options });
  const answer = compiled.evaluate(batch);
  expect(answer.valid).toBe(exact.valid);
  near([answer.value], [exact.value], "value");
  near(answer.gradient.views[0]!, exact.gradient!.views[0]!, "gradient");
  for (const [name, slopes] of answer.gradient.params) near(slopes, exact.gradient!.params.get(name)!, name);
  return { exact, answer };
}

function expectRemembered({ exact, answer }: Both): void {
  expect(answer.memory).toMatchObject({ labels: exact.memory!.labels, ids: exact.memory!.ids });
  near(answer.memory!.views[0]!.data, exact.memory!.views[0]!.data, "what is remembered");
}

const LABELS = [0, 0, 0, 1, 1, 2, 2, 3];
const IDS = [10, 11, 12, 13, 14, 15, 16, 17];
/** Two rows of one sample, twice. */
const TWICE = [10, 10, 12, 13, 13, 15, 16, 17];

const USES: readonly (readonly [string, LossInstance])[] = [
  ...[
    "contrastive",
    "contrastive(distance: cosine_distance, margin: 0.6)",
    "triplet(margin: 0.4)",
    "triplet(margin: 0.3, smooth: true)",
    "multi_similarity",
    "supcon(temperature: 0.5)",
    "circle(gamma: 8)",
    "smooth_ap(temperature: 0.3)",
    "margin(nu: 0.1, learn_beta: true)",
    "proxy_anchor(alpha: 4)",
    "matryoshka(inner: multi_similarity, sizes: [2])",
  ].map((use) => [use, loss(use)] as const),
  ["no guard", formula("mean[i] logsumexp[j] cosine(x[i], x[j])")],
  [
    "one's own reduction twice",
    formula("(mean[i] norm(x[i])) * (mean[j] sum[k | k != j] euclidean(x[j], x[k]))"),
  ],
  ["argmax", formula("mean[i] euclidean(x[i], x[argmax[j | j != i] cosine(x[i], x[j])])")],
  ["softmax", formula("mean[i] sum[j] softmax[j](cosine(x[i], x[j])) * norm(x[j])")],
  ["softmax of the first index", formula("sum[i] softmax[i](norm(x[i])) * norm(x[i])")],
  ["log_softmax of the first index", formula("mean[i | any[j] same(i, j)] -log_softmax[i](norm(x[i]))")],
  ["a variance", formula("mean[i] variance[j](cosine(x[i], x[j]))")],
  [
    "labels of what is remembered",
    formula("mean[i] sum[j | y[j] != y[i]] w[y[j]] * norm(x[j] - x[i])", "param w: real[classes] = normal()"),
  ],
  ["not same", formula("mean[i, j | not same(i, j)] relu(1 - cosine(x[i], x[j]))")],
  ["any", formula("mean[i | any[j] (differs(i, j) and cosine(x[i], x[j]) > 0.2)] norm(x[i])")],
  ["a number of tuples", formula("mean[i] norm(x[i]) * count[j | j != i] cosine(x[i], x[j]) > 0")],
  ["all", formula("mean[i] (if all[j] cosine(x[i], x[j]) > -0.9 then norm(x[i]) else 0)")],
  ["indices of the batch", formula("mean[i in batch, j in batch | i != j] cosine(x[i], x[j])")],
  ["an index of the batch beside others", formula("mean[i, j in batch | i != j] cosine(x[i], x[j])")],
  ["one compared with an index of the batch", formula("mean[i in batch, j | i != j] cosine(x[i], x[j])")],
  [
    "one compared with an index of the batch alone",
    formula("mean[i in batch] (norm(x[i]) * count[j | j != i] true)"),
  ],
  ["pairs of what is remembered", formula("mean[r in 2, i, j | same(i, j)] euclidean(x[i], x[j])")],
  [
    "ordered pairs beside others",
    formula("(mean[i, j | i < j] cosine(x[i], x[j])) + mean[i, j | j != i] cosine(x[i], x[j])"),
  ],
  [
    "an order in a function",
    formula("sum[r in 1] sum[i, j | before(i, j)] cosine(x[i], x[j])", "let before(a, b) = a < b"),
  ],
  [
    "a let that stands outside",
    formula(
      "mean[i, j | same(i, j)] relu(euclidean(x[i], x[j]) - typical)",
      "let typical = mean[k] norm(x[k])",
    ),
  ],
  [
    "clusters of all samples",
    formula(
      "mean[i] sum[j | j != i] (number(i) == number(j)) * norm(x[j] - x[i])",
      "let number(i) = kmeans[i](x[i], 2)",
    ),
  ],
  [
    "clusters by class",
    formula(
      "mean[i] sum[j | y[j] == y[i]] (number(i, i) == number(i, j)) * norm(x[j])",
      "let number(i, j) = kmeans[j | y[j] == y[i]](x[j], 2)",
    ),
  ],
  [
    "what is computed of all embeddings",
    formula("mean[i, j | differs(i, j)] norm(z[i] - z[j])", "let z = 2 * normalize(x)"),
  ],
  [
    "a state",
    formula(
      "mean[i, j | same(i, j)] relu(euclidean(x[i], x[j]) - m)",
      "state m: real = 0.2 then 0.5 * m + mean[i, j | j != i] euclidean(x[i], x[j])",
    ),
  ],
];

describe.each(USES)("%s", (_, instance) => {
  const batch = randomBatch(instance, { labels: LABELS, dim: DIM, classes: CLASSES, unit: true });
  it.each([
    ["partly filled", 9, 5, IDS],
    ["full", 6, 6, IDS],
    ["smaller than the batch", 3, 2, IDS],
    ["with samples twice in the batch", 7, 6, TWICE],
  ])("a memory that is %s", (_, size, rows, ids) => {
    agree(instance, remembered(batch, ids, size, rows, size));
  });

  it("an empty memory changes nothing", () => {
    const given = { ...batch, ids: IDS, memory: emptyMemory(5) };
    const { answer } = agree(instance, given);
    const plain = compileLoss(instance, [DIM]).evaluate(batch);
    expect(answer.valid).toBe(plain.valid);
    near([answer.value], [plain.value], "value");
    near(answer.gradient.views[0]!, plain.gradient.views[0]!, "gradient");
  });
});

describe("miners choose among what is remembered", () => {
  it.each([
    ["triplet(margin: 0.4)", "semi_hard"],
    ["triplet(margin: 0.4)", "batch_hard"],
    ["multi_similarity", "multi_similarity"],
    ["contrastive", "multi_similarity(epsilon: 0.3)"],
    ["margin", "semi_hard(margin: 0.5)"],
  ])("%s on %s", (use, mining) => {
    const instance = loss(use);
    const batch = randomBatch(instance, { labels: LABELS, dim: DIM, classes: CLASSES, unit: true, seed: 3 });
    for (const [size, rows] of [
      [9, 5],
      [6, 6],
      [4, 0],
    ] as const)
      agree(instance, remembered(batch, IDS, size, rows), { miner: miner(mining) });
  });

  it("a row it assigns is no sample", () => {
    const nearest = miner(
      "nearest",
      "miner nearest() for (a, j) { j = argmax[k | k != a] cosine(x[a], x[k]) }",
    );
    const instance = loss("contrastive");
    const batch = randomBatch(instance, { labels: LABELS, dim: DIM, classes: CLASSES, unit: true, seed: 3 });
    agree(instance, remembered(batch, TWICE, 9, 7), { miner: nearest });
  });
});

describe("what is remembered", () => {
  it.each([
    [5, 3],
    [12, 4],
    [4, 9],
  ])("a memory of %i over batches of %i", (size, count) => {
    const instance = loss("multi_similarity");
    let memory = emptyMemory(size);
    for (let step = 0; step < 5; step++) {
      const labels = Array.from({ length: count }, (_, k) => (k + step) % CLASSES);
      const batch = randomBatch(instance, { labels, dim: DIM, classes: CLASSES, seed: step + 1 });
      // Samples come again after two steps.
      const ids = labels.map((_, k) => (step % 2) * count + k);
      const both = agree(instance, { ...batch, ids, memory });
      expectRemembered(both);
      memory = both.answer.memory!;
    }
    expect(memory.labels.length).toBe(size);
  });

  it("numbers up to 2^24 come back as they were", () => {
    const instance = loss("contrastive");
    const batch = randomBatch(instance, { labels: [0, 0, 1], dim: DIM, classes: CLASSES });
    const ids = [2 ** 24, 2 ** 24 - 1, 2 ** 23 + 1];
    const { answer } = agree(instance, { ...batch, ids, memory: emptyMemory(3) });
    expect(answer.memory!.ids).toEqual(ids);
  });
});

describe("shares of the samples", () => {
  it.each([
    "contrastive",
    "triplet(margin: 0.4)",
    "multi_similarity",
    "supcon",
    "smooth_ap(temperature: 0.3)",
  ])("of %s add up to the loss", (use) => {
    const instance = loss(use);
    const batch = randomBatch(instance, { labels: LABELS, dim: DIM, classes: CLASSES, unit: true });
    const given = remembered(batch, IDS, 9, 5);
    const { value } = interpretLoss(instance, given);
    const compiled = compileLoss(instance, [DIM], { memory: 9, shares: true }).evaluate(given);
    const { perSample, constant } = compiled.shares!;
    expect(perSample.length).toBe(LABELS.length);
    near([perSample.reduce((sum, v) => sum + v, 0) / LABELS.length + constant], [value], "value");
  });
});

describe("passes", () => {
  const SORTED = [0, 0, 0, 1, 1, 1, 2, 2, 2];
  it.each([
    "contrastive",
    "triplet(margin: 0.4)",
    "multi_similarity",
    "supcon",
    "margin",
    "histogram(nodes: 9)",
  ])("%s on sorted batches, and in blocks", (use) => {
    const instance = loss(use);
    const batch = randomBatch(instance, { labels: SORTED, dim: DIM, classes: CLASSES, unit: true });
    const given = remembered(batch, [...SORTED.keys()], 9, 5);
    const exact = interpretLoss(instance, given, { gradient: true });
    const blocks = { batch: 4096, classes: 100_000, blockBytes: 2 ** 11 };
    for (const options of [{ samples: 3 }, { chunk: blocks }, { samples: 3, chunk: blocks }]) {
      const answer = compileLoss(instance, [DIM], { memory: 9, ...options }).evaluate(given);
      near([answer.value], [exact.value], "value");
      near(answer.gradient.views[0]!, exact.gradient!.views[0]!, "gradient");
    }
  });
});
