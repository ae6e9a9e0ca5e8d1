/**
 * Formulas beyond the standard library: losses of the literature, and one small loss for each rule of the language.
 * Compiled value and gradient equal the interpreter's.
 */
import { beforeAll, describe, it } from "vitest";
import { startEngine } from "../../src/runtime/engine/index.ts";
import { formula, loss } from "../interpret/support.ts";
import {
  BATCH_HARD,
  CIRCLE,
  HISTOGRAM,
  LIFTED,
  MARGIN,
  MATRYOSHKA,
  NCA,
  SMOOTH_AP,
  SOFT_TRIPLE,
  SUPCON,
  VICREG,
} from "./published_losses.ts";
import { batchOf, expectParity, FLOAT32, randomBatch } from "./support.ts";

beforeAll(async () => {
  await startEngine("wasm");
});

const RAGGED = [2, 0, 1, 0, 3, 2, 2, 1, 2];
const LABELS: Readonly<Record<string, readonly number[]>> = {
  ragged: RAGGED,
  "one class": [1, 1, 1, 1],
  "all different": [0, 1, 2, 3],
  "one sample": [0],
};

const PUBLISHED: readonly (readonly [use: string, text: string])[] = [
  ["soft_triple(centers: 3)", SOFT_TRIPLE],
  ["soft_triple(centers: 1)", SOFT_TRIPLE],
  ["margin", MARGIN],
  ["margin(nu: 0.1, learn_beta: true)", MARGIN],
  ["circle", CIRCLE],
  ["circle(gamma: 4, margin: 0.25)", CIRCLE],
  ["histogram(nodes: 11)", HISTOGRAM],
  ["smooth_ap(temperature: 0.1)", SMOOTH_AP],
  ["vicreg", VICREG],
  ["matryoshka(inner: triplet(margin: 0.3), sizes: [2, 4])", MATRYOSHKA],
  ["matryoshka(inner: arcface(scale: 8), sizes: [2, 4])", MATRYOSHKA],
  ["matryoshka(inner: contrastive, sizes: [3])", MATRYOSHKA],
  ["supcon", SUPCON],
  ["hardest", BATCH_HARD],
  ["hardest(distance: cosine_distance, margin: 0)", BATCH_HARD],
  ["lifted", LIFTED],
  ["nca", NCA],
];

describe("losses of the literature", () => {
  for (const [use, text] of PUBLISHED) {
    const instance = loss(use, text);
    for (const [name, labels] of Object.entries(LABELS))
      for (const unit of [true, false])
        it(`${use}: ${name}, ${unit ? "unit" : "free"}`, () => {
          expectParity(instance, randomBatch(instance, { labels, classes: 4, unit, seed: 8 }));
        });
  }
});

/** Each of these is the whole body of a loss of one view and, where it says so, statements before it. */
const RULES: Readonly<Record<string, string | readonly [statements: string, body: string]>> = {
  "a constant": "2 + 3 * 4",
  "sizes as numbers": "(sum[i, t] x[i, t]) * batch / (classes + dim)",
  "a sum over nothing is 0": "sum[i, j | same(i, j), differs(i, j)] euclidean(x[i], x[j])",
  "a constant beside a sum over nothing": "5 + sum[i, j | same(i, j), differs(i, j)] x[i, 0]",
  "a mean over nothing is 0": "mean[i] mean[j | same(i, j)] euclidean(x[i], x[j])",
  "an active mean": "mean_active[i, t] x[i, t]",
  "an active mean of a softplus far below 0": "mean_active[i, t] softplus(100 * x[i, t] - 90)",
  "a maximum over nothing is absent": "mean[i] max[j | same(i, j)] euclidean(x[i], x[j])",
  "a minimum over nothing is absent": "mean[i] (1 + min[j | same(i, j)] euclidean(x[i], x[j]))",
  "a log-sum-exp over nothing is absent": "mean[i] logsumexp[j | same(i, j)] cosine(x[i], x[j])",
  "the log of an empty sum is absent": "mean[i] log(sum[j | same(i, j)] euclidean(x[i], x[j]))",
  "an absent root is 0": "max[i, j | same(i, j), differs(i, j)] x[i, 0] * x[j, 1]",
  "exp of absent is 0": "mean[i] exp(max[j | same(i, j)] cosine(x[i], x[j]))",
  "softplus of absent is 0": "mean[i] softplus(max[j | same(i, j)] cosine(x[i], x[j]))",
  "log1p of absent is 0": "mean[i] log1p(max[j | same(i, j)] euclidean(x[i], x[j]))",
  "absence counts as inactive": "mean_active[i] softplus(logsumexp[j | same(i, j)] cosine(x[i], x[j]))",
  "a comparison with an absent side is false":
    "sum[i] (if (max[j | same(i, j)] euclidean(x[i], x[j])) > 0.5 then x[i, 0] else x[i, 1])",
  "not of a comparison with an absent side":
    "sum[i | not ((max[j | same(i, j)] euclidean(x[i], x[j])) > 0.5)] x[i, 0]",
  "absence through arithmetic": "sum[i] (2 * (min[j | same(i, j)] euclidean(x[i], x[j])) - 1)^2",
  "absence in a branch": "mean[i] (if y[i] == 2 then max[j | same(i, j)] x[j, 0] else x[i, 1])",
  "absence in a ratio": "mean[i] ratio(max[j | same(i, j)] x[j, 0], 2)",
  "a ratio to 0": "sum[i, t] ratio(x[i, t], y[i])",
  "an average by ratio":
    "ratio(sum[i, j | same(i, j)] euclidean(x[i], x[j]), count[i, j | same(i, j)] euclidean(x[i], x[j]) > 0)",
  "or, not, parentheses": "sum[i, j | not (same(i, j) or i == j) and i != j] cosine(x[i], x[j])",
  "order guards": "mean[i, j | i < j] euclidean(x[i], x[j])",
  "order guards, at most": "sum[i, j, k | i <= j, j < k] x[i, 0] * x[j, 1] * x[k, 2]",
  "ranges as numbers": "sum[r in 1..4] r * mean[i] sigmoid(x[i, 0] * r)",
  "ranges of columns": "sum[r in 1..4] (mean[i] x[i, r])^2",
  "numbers of samples": "sum[i] i * x[i, 0]",
  "numbers compared": "sum[i, r in 0..3 | r <= y[i]] x[i, r] * r",
  "an empty range": "(sum[r in 2..2] r * 3) + sum[i] x[i, 0]",
  "an unused index in a sum": "sum[i, j in classes] x[i, 0]",
  "an unused index in a mean": "mean[i, j in 5] x[i, 0] + mean[r in 4] 2",
  "an unused index with guards": "sum[i, j, k in 3 | same(i, j)] x[i, 0] * x[i, 1]",
  "an unused index everywhere": "sum[i in 4, j in 3] 2",
  "an unused index in a count": "count[i, r in 6] x[i, 0] > 0",
  "an unused index in an active mean": "mean_active[i, r in 3] x[i, 0]",
  "an unused index in a log-sum-exp": "logsumexp[i, r in 3] x[i, 0]",
  "an unused index in a maximum": "max[i, r in 3] x[i, 0]",
  "an unused index in a sample variance": "sample_variance[i, r in 3](x[i, 0])",
  "a guard that only the outer index decides": "sum[i] sum[j in 3 | y[i] == 2] x[i, 0] * x[i, 1]",
  "a mean that only the outer index decides": "mean[i] mean_active[j in 3 | y[i] == 2] x[i, 0]",
  "a maximum that only the outer index decides": "mean[i] max[j in 3 | y[i] == 2] x[i, 0]",
  "a maximum and its ties": "(max[i, t] relu(x[i, t])) + min[i, t] relu(x[i, t])",
  "max and min of two": "sum[i] max(x[i, 0], x[i, 1]) * min(x[i, 2], 0.1)",
  "any and all":
    "sum[i | any[j] same(i, j)] x[i, 0] + sum[i | all[j | same(i, j)] x[j, 0] > x[i, 1]] x[i, 2]",
  "a count": "mean[i] x[i, 0] * (count[j] same(i, j))",
  "a count of all": "mean[i] x[i, 0] * (count[j | differs(i, j)] x[j, 0] > x[i, 0])",
  "a condition as a number": "sum[i, j] same(i, j) * x[i, 0] * x[j, 1]",
  "a variance": "mean[t] variance[i](x[i, t])",
  "a guarded variance": "mean[i] variance[j | same(i, j)](x[j, 0])",
  "a sample variance": "mean[i] sample_variance[j | differs(i, j)](x[j, 0])",
  "a sample variance over classes": "mean[k in classes] sample_variance[i | y[i] == k](x[i, 0])",
  "a variance over two indices": "variance[i, t](x[i, t])",
  "a softmax": "mean[i] sum[j] softmax[j](cosine(x[i], x[j]) / 0.2) * x[j, 0]",
  "a guarded softmax":
    "mean[i] sum[j | same(i, j)] softmax[j | same(i, j)](cosine(x[i], x[j]) / 0.2) * x[j, 0]",
  "a softmax is absent outside its guards":
    "mean[i] sum[j] softmax[j | differs(i, j)](cosine(x[i], x[j])) * x[j, 0]",
  "a log-softmax": "mean[i, j | i != j] log_softmax[j](cosine(x[i], x[j]) / 0.2)",
  "a guarded log-softmax":
    "mean[i] (-1 * mean[j | same(i, j)] log_softmax[j | i != j](cosine(x[i], x[j]) / 0.3))",
  "a softmax of what does not vary": "mean[i] sum[j in batch] softmax[j in batch](x[i, 0]) * x[j, 1]",
  "a log-softmax of what does not vary": "mean[i, j in batch] log_softmax[j in batch](x[i, 0]) * x[j, 1]",
  "a guarded cross-entropy": [
    "param w: real[classes, dim] = xavier_uniform()",
    "mean[i] cross_entropy[k in classes | k != 3](4 * cosine(x[i], w[k]), y[i])",
  ],
  "a cross-entropy of what does not vary":
    "mean[i] cross_entropy[k in classes](x[i, 0], y[i]) + mean[i] x[i, 1]",
  "a cross-entropy over samples": "mean[i] cross_entropy[j](cosine(x[i], x[j]), i)",
  "an argmax as an index": "mean[i] x[argmax[j | differs(i, j)] cosine(x[i], x[j]), 0]",
  "an argmin that is absent": "sum[i] euclidean(x[i], x[argmin[j | same(i, j)] euclidean(x[i], x[j])])",
  "an argmax in a guard":
    "sum[i, j | j == argmax[k | differs(i, k)] cosine(x[i], x[k])] euclidean(x[i], x[j])",
  "an argmax over a range": "mean[i] (argmax[r in 1..4] x[i, r]) * x[i, 0]",
  "an argmax over two indices": "mean[k] x[argmax[i, j | i != k] x[i, 0] * x[j, 1], 2] * x[k, 3]",
  "a gather of a parameter": ["param b: real[classes] = constant(1)", "mean[i] b[y[i]] * x[i, 0]"],
  "a gather of vectors": [
    "param w: real[classes, dim] = xavier_uniform()",
    "mean[i] euclidean(x[i], w[y[i]])",
  ],
  "a gather on the second axis": [
    "param w: real[3, classes] = xavier_uniform()",
    "mean[i] sum[r in 3] w[r, y[i]] * x[i, r]",
  ],
  "a gather on two axes": [
    "param w: real[classes, classes] = xavier_uniform()",
    "mean[i, j] w[y[i], y[j]] * cosine(x[i], x[j])",
  ],
  "a diagonal": ["param w: real[classes, classes] = xavier_uniform()", "sum[k in classes] w[k, k]^2"],
  "constant indices": ["param w: real[classes, 4] = xavier_uniform()", "mean[i] x[i, 0] * x[0, 1] + w[0, 3]"],
  "a scalar parameter": ["param t: real = constant(2)", "mean[i] sigmoid(t * x[i, 0])"],
  "a parameter in an angle": [
    "param m: real[classes] = constant(0.2)",
    "mean[i] cos(acos(cosine(x[i], x[0])) + m[y[i]]) + mean[i] cos(m[0] - acos(cosine(x[i], x[0])))",
  ],
  "acos by itself": "mean[i, j | i != j] acos(cosine(x[i], x[j]))",
  "acos at its ends": "sum[i] acos(x[i, 0] * 2)",
  "acos of constants at its ends": "sum[i] x[i, 0] * acos(0.9999999) + sum[i] x[i, 1] * acos(-1.5)",
  "a list": "sum[m in [1, 2, 3]] mean[i] relu(x[i, 0] - m / 4)",
  "a list that is named": ["let sizes = [2, 3]", "sum[m in sizes] norm(prefix(x, m)[0])"],
  "a mean over a list": "mean[m in [1, 2, 4], i] sigmoid(m * x[i, 0])",
  "a mean over a list with guards": "mean[m in [0, 1, 2], i | y[i] == m] x[i, m]",
  "an active mean over a list": "mean_active[m in [0, 1, 2], i] x[i, m]",
  "a maximum over a list": "max[m in [0, 1, 2], i | y[i] == m] x[i, m]",
  "a log-sum-exp over a list": "mean[i] logsumexp[m in [0, 1, 2] | y[i] >= m] x[i, m]",
  "a minimum over a list": "mean[i] min[m in [0, 2]] x[i, m]",
  "any over a list": "sum[i | any[m in [0, 2]] x[i, m] > 0.5] x[i, 1]",
  "a count over a list": "mean[i] x[i, 1] * count[m in [0, 2], j | same(i, j)] x[j, m] > 0.2",
  "log of one plus a sum of exponentials":
    "mean[i] log(1 + sum[j | same(i, j)] exp(200 * cosine(x[i], x[j])))",
  "log of one plus an exponential": "mean[i] log(1 + exp(100 * x[i, 0]))",
  "division where the mask is off": "sum[i, j | i != j] x[i, 0] * (1 / euclidean(x[i], x[j]))",
  "a square of what is infinite where the mask is off": "sum[i, j | i != j] (1 / euclidean(x[i], x[j]))^2",
  "logarithms where the mask is off": "sum[i, j | i != j] x[i, 0] * log(euclidean(x[i], x[j]))",
  powers:
    "sum[i, t] abs(x[i, t])^1.5 + sum[i, t] relu(x[i, t])^0.5 + sum[i, t] x[i, t]^3 + mean[i] 2^x[i, 0]",
  "powers at 0": "sum[i, t] relu(x[i, t])^0.7 + sum[i, t] relu(x[i, t])^1",
  "kinks at 0":
    "sum[i] abs(x[i, 0] - x[i, 0]) + sum[i] relu(x[i, 1] - x[i, 1]) + sqrt(sum[i] (x[i, 0] - x[i, 0]))",
  "elementary functions":
    "mean[i, t] tanh(x[i, t]) + mean[i, t] sin(x[i, t]) * cos(2 * x[i, t]) - mean[i, t] sigmoid(30 * x[i, t])",
  stop_gradient: "mean[i] stop_gradient(x[i, 0]) * x[i, 1] + mean[i] norm(x[i] - stop_gradient(x[0]))",
  vectors: "mean[i, j | i < j] norm(x[i] + 2 * x[j]) + mean[i] norm(normalize(x[i]) - normalize(x[0]))",
  "a dot product with the mean": "mean[i] sum[t] x[i, t] * mean[j] x[j, t]",
  covariances: "sum[t, s | t < s] (mean[i] x[i, t] * x[i, s])^2",
  "differences written through a let": [
    "let c(i, t) = x[i, t]",
    "sum[i, j] sqrt(sum[t] (c(i, t) - c(j, t))^2)",
  ],
  "differences of an index and itself": "sum[i] sqrt(sum[t] (x[i, t] - x[i, t])^2)",
  "differences within a class centre": [
    "let centre(i, t) = mean[j | y[j] == y[i]] x[j, t]",
    "mean[i] sum[t] (x[i, t] - centre(i, t))^2",
  ],
  "named arguments": ["let f(a, b) = x[a, 0] - x[b, 1]", "sum[i, j] f(b: i, a: j) * ratio(a: 1, b: 2)"],
  "a let of a let of a let": [
    "let a(i) = x[i, 0] * x[i, 1]\nlet b(i, j) = a(i) - a(j)\nlet c = sum[i, j] b(i, j)^2",
    "c * c + mean[i] b(i, i)",
  ],
  "an if of what is known": "if batch > 3 then sum[i] x[i, 0] else sum[i] x[i, 1]",
  "an if at the root":
    "if (sum[i] x[i, 0]) > 0 then sum[i, j | same(i, j)] x[i, 0] * x[j, 1] else sum[i, j | differs(i, j)] x[i, 1] * x[j, 1]",
};

describe("rules of the language", () => {
  for (const [name, body] of Object.entries(RULES)) {
    const instance = typeof body === "string" ? formula(body) : formula(body[1], body[0]);
    for (const [batch, labels] of Object.entries(LABELS))
      it(`${name}: ${batch}`, () => {
        expectParity(instance, randomBatch(instance, { labels, classes: 4, seed: 11 }));
      });
  }

  it("log of a sum of exponentials that overflow one by one", () => {
    const instance = formula("mean[i] log(sum[j] exp(300 * cosine(x[i], x[j])))");
    // The factor 300 is one on the rounding of the cosine, too.
    const tolerance = { ...FLOAT32, absolute: 300 * 6e-8 };
    for (const labels of Object.values(LABELS))
      expectParity(instance, randomBatch(instance, { labels, seed: 11 }), tolerance);
  });

  it("angles close to 0 and 180 degrees, where the cosine has lost its digits", () => {
    const pushed = formula("mean[i, j | i != j] cos(acos(cosine(x[i], x[j])) + 0.5)");
    const bare = formula("mean[i, j | i != j] acos(cosine(x[i], x[j]))");
    for (const angle of [0, 1e-4, 3e-4, 1e-3, 1.2e-3])
      for (const turn of [0, Math.PI]) {
        const rows = [1, 1 + angle + turn].map((direction) => [Math.cos(direction), Math.sin(direction)]);
        expectParity(pushed, batchOf(pushed, rows, [0, 1]));
        expectParity(bare, batchOf(bare, rows, [0, 1]));
      }
    // Outside, a cosine counts with the digits it has: of 1 - c² = 1e-4, two or three.
    const apart = [
      [1, 0],
      [Math.cos(1e-2), Math.sin(1e-2)],
    ];
    expectParity(pushed, batchOf(pushed, apart, [0, 1]), { ...FLOAT32, relative: 1e-2 });
  });

  it("ties of an argmax go to the lowest index", () => {
    const instance = formula("sum[i] x[argmax[j | i != j] x[j, 0], 1] * x[i, 2]");
    expectParity(
      instance,
      batchOf(
        instance,
        [
          [1, 2, 3],
          [1, 5, 6],
          [0, 8, 9],
          [1, 1, 4],
        ],
        [0, 0, 1, 1],
      ),
    );
  });

  it("ties of a maximum split the gradient", () => {
    const instance = formula("(max[i] x[i, 0]) + sum[i] max(x[i, 1], x[i, 2])");
    expectParity(
      instance,
      batchOf(
        instance,
        [
          [1, 2, 2],
          [1, 5, 6],
          [0, 8, 8],
        ],
        [0, 0, 1],
      ),
    );
  });
});
