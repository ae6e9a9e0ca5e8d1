/** Each of the language's exact rules on a loss small enough to work out by hand. */
import { describe, expect, it } from "vitest";
import { interpretLoss } from "../../src/interpret/index.ts";
import type { LossBatch } from "../../src/interpret/index.ts";
import type { LossInstance } from "../../src/resolve/values.ts";
import { batchOf, formula, loss } from "./support.ts";

/** Samples 0 and 1 are of class 0, 2 of class 1; one number each unless a test says otherwise. */
const labels = [0, 0, 1];
const three = batchOf([[1], [2], [4]], labels);
/** A single sample: no pair of any kind. */
const alone = batchOf([[3]], [0]);

function value(body: string, batch: LossBatch = three, statements = ""): number {
  return interpretLoss(formula(body, statements), batch).value;
}

function slopes(body: string, batch: LossBatch = three, statements = ""): number[] {
  return gradientOf(formula(body, statements), batch);
}

function gradientOf(instance: LossInstance, batch: LossBatch): number[] {
  return [...interpretLoss(instance, batch, { gradient: true }).gradient!.views[0]!];
}

describe("reductions", () => {
  it.each([
    ["sum[i] x[i, 0]", 7],
    ["mean[i] x[i, 0]", 7 / 3],
    ["max[i] x[i, 0]", 4],
    ["min[i] x[i, 0]", 1],
    ["logsumexp[i] x[i, 0]", Math.log(Math.exp(1) + Math.exp(2) + Math.exp(4))],
    ["mean_active[i] (x[i, 0] - 1)", 2],
    ["argmax[i] x[i, 0]", 2],
    ["argmin[i] x[i, 0]", 0],
    ["count[i] x[i, 0] > 1", 2],
    ["variance[i](x[i, 0])", 14 / 9],
    ["sample_variance[i](x[i, 0])", 7 / 3],
    ["sum[i, j | same(i, j)] x[i, 0] * 10 + x[j, 0]", 30 + 3],
    ["sum[i, j | differs(i, j), i < j] x[j, 0]", 8],
    ["sum[i | any[j] same(i, j)] x[i, 0]", 3],
    ["sum[i | all[j] y[j] == 0] x[i, 0]", 0],
    ["sum[r in 0..4] r", 6],
    ["sum[r in 2..5] r", 9],
    ["sum[r in 4] r", 6],
    ["sum[m in [3, 5]] m", 8],
    ["mean[m in [3, 5]] m", 4],
    ["max[m in [3, 5], i] m * x[i, 0]", 20],
    ["sum[k in classes] k", 1],
    ["sum[i] sum[j | same(i, j)] x[j, 0]", 3],
  ])("%s", (body, expected) => {
    // A product belongs to the reduction, a sum does not: the pair above is (Σ 10 xᵢ) + … with its own parentheses.
    const text = body.startsWith("sum[i, j | same")
      ? `sum[i, j | same(i, j)] (x[i, 0] * 10 + x[j, 0])`
      : body;
    expect(value(text)).toBeCloseTo(expected, 12);
  });

  it("takes the product to its right and no further", () => {
    expect(value("sum[i] x[i, 0] * 2 + 1")).toBe(15);
    expect(value("sum[i] -x[i, 0]")).toBe(-7);
  });

  it("divides mean_active by the number of bodies above 0, without gradient of the number", () => {
    expect(slopes("mean_active[i] (x[i, 0] - 1)")).toEqual([0, 0.5, 0.5]);
    expect(value("mean_active[i] (x[i, 0] - 9)")).toBe(0);
    expect(slopes("mean_active[i] (x[i, 0] - 9)")).toEqual([0, 0, 0]);
  });

  it("gives softmax its value at the enclosing index", () => {
    const z = [1, 2, 4].map(Math.exp);
    const total = z.reduce((a, b) => a + b);
    expect(value("sum[i] softmax[i](x[i, 0]) * x[i, 0]")).toBeCloseTo(
      z.reduce((sum, e, i) => sum + (e / total) * [1, 2, 4][i]!, 0),
      12,
    );
    expect(value("sum[i] log_softmax[i](x[i, 0])")).toBeCloseTo(7 - 3 * Math.log(total), 12);
  });

  it("takes softmax over the tuples that pass; elsewhere it is absent", () => {
    expect(value("sum[i] softmax[i | y[i] == 0](x[i, 0])")).toBeCloseTo(1, 12);
    expect(value("mean[i] softmax[i | y[i] == 0](x[i, 0])")).toBeCloseTo(0.5, 12);
  });

  it("takes cross_entropy at the target", () => {
    const total = Math.log(Math.exp(1) + Math.exp(2) + Math.exp(4));
    expect(value("sum[r in 1] cross_entropy[i](x[i, 0], 1)")).toBeCloseTo(total - 2, 12);
    const shifted = batchOf([[1001], [1002], [1004]], labels);
    expect(value("sum[r in 1] cross_entropy[i](x[i, 0], 1)", shifted)).toBeCloseTo(total - 2, 9);
  });
});

describe("absence", () => {
  const none = "max[j | same(0, j)] x[j, 0]";

  it.each([
    ["sum[i, j | same(i, j)] x[i, 0]", 0],
    ["mean[i, j | same(i, j)] x[i, 0]", 0],
    ["mean_active[i, j | same(i, j)] x[i, 0]", 0],
    ["1 + ratio(1, 0) + sum[i] 0 * x[i, 0]", 1],
    ["sum[i] (any[j] same(i, j))", 0],
    ["sum[i] (all[j | same(i, j)] x[j, 0] > 9)", 1],
    ["sum[i] (count[j] same(i, j))", 0],
  ])("over nothing: %s", (body, expected) => expect(value(body, alone)).toBe(expected));

  it.each(["max", "min", "logsumexp", "argmax", "argmin"])(
    "%s over nothing is absent: its mean skips it",
    (op) => {
      expect(value(`mean[i] (${op}[j | same(i, j)] x[j, 0])`, alone)).toBe(0);
      // Sample 2 has no positive: the mean is over the other two.
      const expected = { max: 1.5, min: 1.5, logsumexp: 1.5, argmax: 0.5, argmin: 0.5 }[op]!;
      expect(value(`mean[i] (${op}[j | same(i, j)] x[j, 0])`)).toBe(expected);
    },
  );

  it("makes the log of an empty sum absent, and of a sum of exponentials", () => {
    expect(value("mean[i] log(sum[j | same(i, j)] x[j, 0])")).toBeCloseTo(Math.log(2) / 2, 12);
    expect(value("mean[i] log(sum[j | same(i, j)] exp(x[j, 0]))")).toBeCloseTo(1.5, 12);
  });

  it("makes variance over nothing absent, and the sample variance of one value 0", () => {
    expect(value("count[i] (variance[j | same(i, j)](x[j, 0])) == 0")).toBe(2);
    expect(value("mean[i] (variance[j | same(i, j)](x[j, 0]) + 1)")).toBe(1);
    expect(value("mean[i] (sample_variance[j | same(i, j)](x[j, 0]) + 1)")).toBe(1);
    expect(slopes("mean[i] sample_variance[j | same(i, j)](x[j, 0])")).toEqual([0, 0, 0]);
  });

  it("is kept by arithmetic and functions", () => {
    for (const body of [
      `${none} + 1`,
      `2 * (${none})`,
      `-(${none})`,
      `relu(${none})`,
      `max(${none}, 1)`,
      `ratio(1, ${none})`,
    ])
      expect(value(`mean[i] (${body.replace("same(0, j)", "same(i, j)")})`, alone)).toBe(0);
    expect(value(`sum[i] (1 + (${none.replace("0, j", "i, j")}))`)).toBe(2 + 1 + 2);
  });

  it("ends at exp, softplus and log1p, which give 0 without gradient", () => {
    for (const f of ["exp", "softplus", "log1p"]) {
      expect(value(`mean[i] (1 + ${f}(max[j | same(i, j)] x[j, 0]))`, alone)).toBe(1);
      expect(slopes(`mean[i] (1 + ${f}(max[j | same(i, j)] x[j, 0]))`, alone)).toEqual([0]);
    }
    // Counted: the third tuple is present, with value 0.
    expect(value("mean[i] softplus(max[j | same(i, j)] x[j, 0])")).toBeCloseTo(
      (Math.log1p(Math.exp(2)) + Math.log1p(Math.exp(1))) / 3,
      12,
    );
  });

  it("makes comparisons false, and their negation true", () => {
    const best = "(max[j | same(i, j)] x[j, 0])";
    expect(value(`count[i] ${best} < 100`)).toBe(2);
    expect(value(`count[i] ${best} >= -100`)).toBe(2);
    expect(value(`sum[i | not ${best} < 100] 1`)).toBe(1);
  });

  it("is 0 at the root", () => {
    const result = interpretLoss(formula("max[i, j | same(i, j)] x[i, 0]"), alone, { gradient: true });
    expect(result).toMatchObject({ value: 0, valid: false });
    expect([...result.gradient!.views[0]!]).toEqual([0]);
  });
});

describe("validity", () => {
  it("is that of the outermost reductions", () => {
    const valid = (body: string, batch: LossBatch): boolean => interpretLoss(formula(body), batch).valid;
    expect(valid("mean[i, j | same(i, j)] x[i, 0]", three)).toBe(true);
    expect(valid("mean[i, j | same(i, j)] x[i, 0]", alone)).toBe(false);
    expect(valid("(mean[i, j | same(i, j)] x[i, 0]) + (mean[i, j | differs(i, j)] x[i, 0])", three)).toBe(
      true,
    );
    expect(valid("mean[i] (sum[j | same(i, j)] x[i, 0])", alone)).toBe(true);
    expect(valid("sum[m in [1, 2]] (sum[i, j | same(i, j)] m)", alone)).toBe(false);
    expect(valid("sum[i] log(sum[j | same(i, j)] x[j, 0])", alone)).toBe(false);
  });

  it("a batch without a valid tuple gives 0 with zero gradients", () => {
    const instance = formula("w^2 + mean[i, j | same(i, j)] x[i, 0]", "param w: real = constant(3)");
    const params = new Map([["w", { shape: [], data: Float64Array.of(3) }]]);
    const of = (batch: LossBatch) => interpretLoss(instance, { ...batch, params }, { gradient: true });
    expect(of(three).value).toBe(9 + 1.5);
    expect([...of(three).gradient!.params.get("w")!]).toEqual([6]);
    expect(of(alone).value).toBe(0);
    expect([...of(alone).gradient!.params.get("w")!]).toEqual([0]);
  });
});

describe("masks", () => {
  it("apply before an operation: what is masked out is never computed", () => {
    const batch = batchOf([[0], [2], [4]], labels);
    expect(value("sum[i | x[i, 0] > 0] log(x[i, 0])", batch)).toBeCloseTo(Math.log(8), 12);
    expect(slopes("sum[i | x[i, 0] > 0] sqrt(x[i, 0]) / x[i, 0]", batch).every(Number.isFinite)).toBe(true);
  });

  it("if evaluates the branch it takes only", () => {
    const batch = batchOf([[0], [2], [4]], labels);
    expect(slopes("sum[i] (if x[i, 0] > 0 then log(x[i, 0]) else 0)", batch)).toEqual([0, 0.5, 0.25]);
  });
});

describe("indices", () => {
  it("gathers by class, and takes labels for indices", () => {
    const instance = formula("sum[i] b[y[i]] * x[i, 0]", "param b: real[classes] = constant(0)");
    const params = new Map([["b", { shape: [2], data: Float64Array.of(10, 100) }]]);
    const result = interpretLoss(instance, { ...three, params }, { gradient: true });
    expect(result.value).toBe(430);
    expect([...result.gradient!.params.get("b")!]).toEqual([3, 4]);
  });

  it("takes same for two samples of one class, differs for two classes", () => {
    expect(value("count[i, j] same(i, j)")).toBe(2);
    expect(value("count[i, j] differs(i, j)")).toBe(4);
    expect(value("count[i, j] y[i] == y[j]")).toBe(5);
  });

  it("divides as real numbers, and takes conditions for 0 and 1", () => {
    expect(value("sum[i in batch] batch / 2")).toBe(4.5);
    expect(value("sum[i] (y[i] == 0) * 3")).toBe(6);
    expect(value("sum[i in batch] (dim + classes + batch)")).toBe(18);
  });

  it("expands let functions hygienically", () => {
    const statements = "let shift = 1\nlet f(j) = sum[i] x[i, 0] * x[j, 0] + shift";
    // The i inside f is not the i outside.
    expect(value("sum[i] f(i)", three, statements)).toBe(7 * 7 + 3);
  });

  it("takes let functions of vectors and tensors", () => {
    const batch = batchOf(
      [
        [3, 4],
        [6, 8],
        [0, 1],
      ],
      labels,
    );
    expect(value("sum[i] length(x[i])", batch, "let length(u) = sqrt(sum[t] u[t]^2)")).toBe(16);
    expect(value("total(x)", batch, "let total(z) = sum[i, t] z[i, t]")).toBe(22);
    expect(value("total(normalize(x))", batch, "let total(z) = sum[i, t] z[i, t]")).toBeCloseTo(3.8, 12);
    expect(value("total(prefix(x, 1))", batch, "let total(z) = sum[i, t] z[i, t]")).toBe(9);
    expect(value("sum[i] norm(x[i] - 2 * x[0])", batch)).toBeCloseTo(5 + 0 + Math.hypot(6, 7), 12);
  });

  it("refuses an index of samples on rows that are none, of the same number", () => {
    const text = `loss outer(inner: loss) { param w: real[classes, dim] = normal()
 mean[i] cosine(x[i], w[y[i]]) + inner(x: w) }`;
    const use = loss("outer(inner: contrastive)", text);
    const batch = batchOf(
      [
        [1, 0],
        [0, 1],
      ],
      [0, 1],
    );
    const params = new Map([["w", { shape: [2, 2], data: Float64Array.of(1, 0, 0, 1) }]]);
    expect(() => interpretLoss(use, { ...batch, params })).toThrow(/runs over samples in one place/);
  });

  it("refuses an index on axes of different lengths, and one that nothing bounds", () => {
    const batch = batchOf(
      [
        [3, 4],
        [6, 8],
        [0, 1],
      ],
      labels,
    );
    expect(() => value("sum[i] x[i, i]", batch)).toThrow(/runs over 3 elements elsewhere and over 2/);
    expect(() => value("sum[i] 1", batch)).toThrow(/nothing says what i runs over/);
    expect(() => value("sum[r in 0..9] x[r, 0]", batch)).toThrow(/outside x/);
  });
});

describe("kinks", () => {
  const at = (v: number): LossBatch => batchOf([[v]], [0]);
  const row = (...v: number[]): LossBatch => batchOf([v], [0]);

  it.each([
    ["relu", 0, 0],
    ["abs", 0, 0],
    ["sqrt", 0, 0],
    ["acos", 1, 0],
    ["acos", -1, 0],
    ["acos", 1.5, 0],
    ["sigmoid", -800, 0],
  ])("%s'(%d) = %d", (f, v, slope) => {
    expect(slopes(`sum[i] ${f}(x[i, 0])`, at(v)).map(Math.abs)).toEqual([slope]);
    expect(value(`sum[i] ${f}(x[i, 0])`, at(v))).toSatisfy(Number.isFinite);
  });

  it("of norm, normalize and cosine at the zero vector", () => {
    expect(slopes("sum[i] norm(x[i])", row(0, 0))).toEqual([0, 0]);
    expect(slopes("sum[i, t] normalize(x)[i, t]", row(0, 0))).toEqual([0, 0]);
    const pair = batchOf(
      [
        [0, 0],
        [1, 2],
      ],
      [0, 0],
    );
    expect(value("sum[i, j | same(i, j)] cosine(x[i], x[j])", pair)).toBe(0);
    expect(slopes("sum[i, j | same(i, j)] cosine(x[i], x[j])", pair)).toEqual([0, 0, 0, 0]);
  });

  it("of a ratio over 0", () => {
    expect(slopes("sum[i] ratio(x[i, 1], x[i, 0])", row(0, 5))).toEqual([0, 0]);
  });

  it("of max and argmax at ties", () => {
    const tied = batchOf([[4], [4], [1]], labels);
    expect(slopes("max[i] x[i, 0]", tied)).toEqual([0.5, 0.5, 0]);
    expect(slopes("min[i] -x[i, 0]", tied)).toEqual([-0.5, -0.5, 0]);
    expect(slopes("sum[i] max(x[i, 0], 4)", tied)).toEqual([0.5, 0.5, 0]);
    expect(value("argmax[i] x[i, 0]", tied)).toBe(0);
  });

  it("of powers at 0", () => {
    expect(slopes("sum[i] x[i, 0]^2", at(0))).toEqual([0]);
    expect(slopes("sum[i] x[i, 0]^0.5", at(0))).toEqual([0]);
    expect(slopes("sum[i] x[i, 0]^1", at(0))).toEqual([1]);
  });

  it("stop_gradient keeps the value only", () => {
    expect(value("sum[i] stop_gradient(x[i, 0]) * x[i, 0]")).toBe(21);
    expect(slopes("sum[i] stop_gradient(x[i, 0]) * x[i, 0]")).toEqual([1, 2, 4]);
    expect(slopes("sum[i, t] stop_gradient(x)[i, t]")).toEqual([0, 0, 0]);
  });
});

describe("stability", () => {
  const large = batchOf([[1000], [-1000]], [0, 0]);

  it("log(1 + Σ exp), log(Σ exp) and softplus do not overflow", () => {
    for (const body of [
      "log1p(sum[i] exp(x[i, 0]))",
      "log(1 + (sum[i] exp(x[i, 0])))",
      "log((sum[i] exp(x[i, 0])) + 1)",
      "log(sum[i] exp(x[i, 0]))",
    ]) {
      expect(value(body, large)).toBe(1000);
      expect(slopes(body, large)).toEqual([1, 0]);
    }
    expect(value("sum[i] log1p(exp(x[i, 0]))", large)).toBe(1000);
    expect(value("sum[i] log(1 + exp(-x[i, 0]))", large)).toBe(1000);
    expect(value("log1p(sum[i] exp(x[i, 0]))", batchOf([[-50]], [0]))).toBeCloseTo(Math.exp(-50), 30);
  });

  it("cos(acos(c)) is c, and cos(acos(c) ± m) has a finite gradient at the ends", () => {
    expect(slopes("sum[i] cos(acos(x[i, 0]))", batchOf([[1]], [0]))).toEqual([1]);
    expect(slopes("sum[i] cos(acos(x[i, 0]) + 0.5)", batchOf([[1]], [0]))).toEqual([Math.cos(0.5)]);
    for (const [text, at] of [
      ["acos(x[i, 0]) + 0.5", 0.5],
      ["0.5 + acos(x[i, 0])", 0.5],
      ["acos(x[i, 0]) - 0.5", -0.5],
    ] as const)
      expect(value(`sum[i] cos(${text})`, batchOf([[0.3]], [0]))).toBeCloseTo(
        Math.cos(Math.acos(0.3) + at),
        14,
      );
    const through = "let angle(i) = acos(x[i, 0])\nlet pushed(t) = cos(t + 30deg)";
    expect(slopes("sum[i] pushed(angle(i))", batchOf([[-1]], [0]), through)).toEqual([Math.cos(Math.PI / 6)]);
  });

  it("acos and its sine are exact, with zero gradient, where 1 - c² is at most 2e-6", () => {
    const end = Math.sqrt(1 - 2e-6);
    for (const c of [1, end + 1e-9, 1.5]) {
      expect(value("sum[i] acos(x[i, 0])", batchOf([[c]], [0]))).toBe(0);
      expect(value("sum[i] acos(x[i, 0])", batchOf([[-c]], [0]))).toBe(Math.PI);
      expect(slopes("sum[i] acos(x[i, 0])", batchOf([[c], [-c]], [0, 0])).map(Math.abs)).toEqual([0, 0]);
      const pushed = "sum[i] cos(acos(x[i, 0]) + 0.5)";
      expect(value(pushed, batchOf([[c]], [0]))).toBe(c * Math.cos(0.5));
      expect(slopes(pushed, batchOf([[c]], [0]))).toEqual([Math.cos(0.5)]);
    }
    const inside = end - 1e-9;
    const s = Math.sqrt((1 - inside) * (1 + inside));
    expect(value("sum[i] acos(x[i, 0])", batchOf([[inside]], [0]))).toBeCloseTo(Math.acos(inside), 14);
    expect(slopes("sum[i] acos(x[i, 0])", batchOf([[inside]], [0]))[0]).toBeCloseTo(-1 / s, 6);
    const [slope] = slopes("sum[i] cos(acos(x[i, 0]) + 0.5)", batchOf([[inside]], [0]));
    expect(slope).toBeCloseTo(Math.cos(0.5) + (inside / s) * Math.sin(0.5), 6);
  });

  it("squared distances of nearly equal vectors are 0 with zero gradient, in that form only", () => {
    const near = batchOf(
      [
        [1, 0],
        [1, 1.4e-3],
      ],
      [0, 0],
    );
    const far = batchOf(
      [
        [1, 0],
        [1, 1.5e-3],
      ],
      [0, 0],
    );
    const form = "sum[i, j | same(i, j)] (sum[t] (x[i, t] - x[j, t])^2)";
    expect(value(form, near)).toBe(0);
    expect(slopes(form, near)).toEqual([0, 0, 0, 0]);
    expect(value(form, far)).toBeCloseTo(2 * 1.5e-3 ** 2, 15);
    expect(
      value(form.replace("(x[i, t] - x[j, t])^2", "(x[i, t] - x[j, t]) * (x[i, t] - x[j, t])"), near),
    ).toBeGreaterThan(0);
    // After expansion: through a let and a measure.
    const through = "let gap(i, j, t) = x[i, t] - x[j, t]";
    expect(value("sum[i, j | same(i, j)] (sum[t] gap(i, j, t)^2)", near, through)).toBe(0);
    expect(value("sum[i, j | same(i, j)] euclidean(x[i], x[j])", near)).toBe(0);
    expect(value("sum[i, j | same(i, j)] euclidean(normalize(x)[i], normalize(x)[j])", near)).toBe(0);
  });
});

describe("state", () => {
  it("reads the value before the step and gives the one after it", () => {
    const instance = formula(
      "mean[i] x[i, 0] * m",
      "let e = mean[i] x[i, 0]\nstate m: real = 1 then 0.5 * m + 0.5 * stop_gradient(e)",
    );
    const first = interpretLoss(instance, three);
    expect(first.value).toBeCloseTo(7 / 3, 12);
    expect(first.states.get("m")!.data[0]).toBeCloseTo(0.5 + 7 / 6, 12);
    const second = interpretLoss(instance, { ...three, states: first.states });
    expect(second.value).toBeCloseTo((7 / 3) * (0.5 + 7 / 6), 12);
  });
});

describe("higher-order losses", () => {
  it("are on the embeddings they are given, with parameters of their own", () => {
    const instance = loss(
      "doubled(inner: proxied)",
      `loss proxied() {
  param w: real[classes, dim] = constant(1)
  sum[i, t] w[y[i], t] * x[i, t]
}
loss doubled(inner: loss) { inner(x: x) + sum[m in [1, 2]] inner(x: prefix(x, m)) }`,
    );
    const batch = batchOf([[1, 2]], [0]);
    const one = (...shape: number[]) => ({ shape, data: new Float64Array(shape[0]! * shape[1]!).fill(1) });
    const params = new Map([
      ["w", one(1, 2)],
      ["w_2", one(1, 1)],
      ["w_3", one(1, 2)],
    ]);
    expect(interpretLoss(instance, { ...batch, params }).value).toBe(3 + 1 + 3);
  });
});
