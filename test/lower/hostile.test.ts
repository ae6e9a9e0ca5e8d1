/** Formulas made to blow up: lowering ends in linear time, or in an error that says where. */
import { beforeAll, describe, expect, it } from "vitest";
import { compileLoss } from "../../src/cli/compiled_loss.ts";
import { LoweringError } from "../../src/ir/lower/environment.ts";
import { startEngine } from "../../src/runtime/engine/index.ts";
import { formula, loss } from "../interpret/support.ts";
import { compiled, expectParity, randomBatch } from "./support.ts";

beforeAll(async () => {
  await startEngine("wasm");
});

const chain = (first: string, link: (k: number) => string, length: number): string =>
  [first, ...Array.from({ length }, (_, k) => link(k + 1))].join("\n");

/** Milliseconds that lowering and emission take. */
function timeOf(make: () => unknown): number {
  const start = performance.now();
  make();
  return performance.now() - start;
}

const LINEAR_MS = 3000;

describe("doubling definitions are expanded once", () => {
  it("functions of an index", () => {
    const lets = chain("let f0(i) = 1e-9 * x[i, 0]", (k) => `let f${k}(i) = f${k - 1}(i) + f${k - 1}(i)`, 30);
    const instance = formula("sum[i] f30(i)", lets);
    expect(timeOf(() => compileLoss(instance, [4]))).toBeLessThan(LINEAR_MS);
  });

  it("functions whose index nothing but the innermost tells", () => {
    const lets = chain(
      "let f0(i, j) = 1e-9 * x[i, 0] * x[j, 1]",
      (k) => `let f${k}(i, j) = f${k - 1}(j, i) + f${k - 1}(i, j)`,
      30,
    );
    expect(timeOf(() => compileLoss(formula("sum[i, j] f30(i, j)", lets), [4]))).toBeLessThan(LINEAR_MS);
  });

  it("functions that say nothing of their index", () => {
    const lets = chain("let f0(i) = 1", (k) => `let f${k}(i) = f${k - 1}(i) + f${k - 1}(i)`, 30);
    expect(
      timeOf(() => expect(() => compileLoss(formula("sum[i] f30(i)", lets), [4])).toThrow(LoweringError)),
    ).toBeLessThan(LINEAR_MS);
  });

  it("values", () => {
    const lets = chain("let a0 = 1e-9 * sum[i] x[i, 0]", (k) => `let a${k} = a${k - 1} + a${k - 1}`, 30);
    const instance = formula("a30", lets);
    expect(timeOf(() => compileLoss(instance, [4]))).toBeLessThan(LINEAR_MS);
    const shape = { labels: [0, 0, 1], dim: 4 };
    const batch = randomBatch(formula("sum[i] x[i, 0]"), shape);
    const total = [0, 1, 2].reduce((sum, i) => sum + batch.views[0]!.data[4 * i]!, 0);
    expect(compiled(instance, [4]).evaluate(batch).value).toBeCloseTo(2 ** 30 * 1e-9 * total, 4);
  });

  it("measures", () => {
    const text = chain(
      "distance m0(u, v) = sum[t] (u[t] - v[t])^2",
      (k) => `distance m${k}(u, v) = m${k - 1}(u, v) + m${k - 1}(v, u)`,
      30,
    );
    const instance = loss("probe", `${text}\nloss probe() { 1e-9 * mean[i, j] m30(x[i], x[j]) }`);
    expect(timeOf(() => compileLoss(instance, [4]))).toBeLessThan(LINEAR_MS);
  });
});

describe("deep formulas", () => {
  it("a long sum is as deep as it is wide", () => {
    const terms = Array.from({ length: 600 }, (_, k) => `x[i, 0] * ${k}`).join(" + ");
    const instance = formula(`mean[i] (${terms})`);
    expectParity(instance, randomBatch(instance, { labels: [0, 0, 1], dim: 4 }));
  });

  it("definitions nested ten thousand deep are refused", () => {
    const lets = chain("let a0 = sum[i] x[i, 0]", (k) => `let a${k} = 1 + a${k - 1}`, 10_000);
    expect(() => compileLoss(formula("a10000", lets), [4])).toThrow(LoweringError);
  });

  it("functions nested ten thousand deep are refused", () => {
    const lets = chain("let f0(i) = x[i, 0]", (k) => `let f${k}(i) = 1 + f${k - 1}(i)`, 10_000);
    expect(() => compileLoss(formula("sum[i] f10000(i)", lets), [4])).toThrow(LoweringError);
  });

  it("nested reductions are refused where tensors end", () => {
    const nested = (k: number): string =>
      k === 0
        ? "x[a0, 0] * x[a9, 1]"
        : `sum[a${10 - k}] x[a${10 - k}, 0] * relu(x[a0, 1] + ${nested(k - 1)})`;
    expect(() => compileLoss(formula(nested(10)), [4])).not.toThrow(RangeError);
  });
});

describe("large domains", () => {
  it("a list of lists is refused", () => {
    const list = `[${Array.from({ length: 200 }, (_, k) => k).join(", ")}]`;
    const body = `sum[a in ${list}, b in ${list}, c in ${list}] a * b * c`;
    expect(() => compileLoss(formula(body), [4])).toThrow(LoweringError);
  });
});

describe("what cannot be built says so", () => {
  const CASES: Readonly<Record<string, string>> = {
    "an index without a range": "sum[i] 1",
    "a computed index": "sum[i] x[i + 0.5, 0]",
    "a column that is not there": "mean[i] x[i, 9]",
    "a range beyond the columns": "mean[i] sum[r in 0..9] x[i, r]",
    "labels on an axis that is not of classes": "mean[i] x[i, y[i]]",
    "a vector as a loss": "x[0]",
    "a prefix that is too long": "norm(prefix(x[0], 99))",
    "a sum of vectors of different lengths": "norm(prefix(x[0], 2) + x[0])",
    "a softmax over nothing around it": "sum[i] softmax[k](x[i, 0])",
    "a variance over a list": "variance[m in [1, 2]](m)",
  };
  for (const [name, body] of Object.entries(CASES))
    it(name, () => {
      expect(() => compileLoss(formula(body), [4])).toThrow(LoweringError);
    });
});
