/** What is too large is refused with a `BudgetError`, and what only looks large is not. */
import { describe, expect, it } from "vitest";
import { BudgetError, interpretLoss } from "../../src/interpret/index.ts";
import { batchOf, formula, loss, randomBatch } from "./support.ts";

const batch = batchOf([[1], [2]], [0, 1]);

function refuses(body: string, statements = ""): void {
  const instance = formula(body, statements);
  const start = performance.now();
  expect(() => interpretLoss(instance, batch)).toThrow(BudgetError);
  expect(performance.now() - start).toBeLessThan(30_000);
}

const chain = (count: number, first: string, next: (name: string) => string): string =>
  [first, ...Array.from({ length: count }, (_, k) => `let f${k + 1}(i) = ${next(`f${k}(i)`)}`)].join("\n");

describe("budgets", () => {
  it("thirty nested doublings", () => {
    refuses(
      "sum[i] f30(i)",
      chain(30, "let f0(i) = x[i, 0]", (f) => `${f} + ${f}`),
    );
  });

  it("thirty nested reductions", () => {
    refuses(
      "sum[i] f30(i)",
      chain(30, "let f0(i) = x[i, 0]", (f) => `(sum[j] x[j, 0] * ${f}) + ${f}`),
    );
  });

  it("a range of 1e9", () => refuses("sum[r in 0..1e9] r"));

  it("tuples of many ranges", () => refuses("sum[a in 1e5, b in 1e5 | a < -b] 1"));

  it("a system of many equations", () => refuses("sum[v in 5000] solve[q, v](q + v, 1)"));

  it("points of many clusters", () =>
    refuses("count[r] kmeans[r](m[r], 90000) == 0", "state m: real[100000, 1] = 0 then m"));

  it("a definition nested 2000 times", () => {
    refuses(
      "sum[i] f5000(i)",
      chain(5000, "let f0(i) = x[i, 0]", (f) => `relu(${f})`),
    );
  });

  it("a chain of 900 operations is fine", () => {
    const instance = formula(`sum[i] (${Array.from({ length: 900 }, () => "x[i, 0]").join(" + ")})`);
    expect(interpretLoss(instance, batch).value).toBe(2700);
  });

  it("three hundred nested reductions fit the stack, and two thousand are refused", () => {
    const nested = (count: number): string =>
      chain(count, "let f0(i) = x[i, 0]", (f) => `mean[j] x[j, 0]^0 * ${f.replace("(i)", "(j)")}`);
    expect(interpretLoss(formula("sum[i] x[i, 0] * f300(i)", nested(300)), batch).value).toBe(4.5);
    refuses("sum[i] x[i, 0] * f2000(i)", nested(2000));
  });

  it("ten nested doublings are fine", () => {
    const instance = formula(
      "sum[i] f10(i)",
      chain(10, "let f0(i) = x[i, 0]", (f) => `${f} + ${f}`),
    );
    expect(interpretLoss(instance, batch).value).toBe(3 * 1024);
  });
});

it("a batch of 64 with all its triplets takes about a second at most", () => {
  const instance = loss("triplet(margin: 0.2)");
  const large = randomBatch(instance, { classes: 16, samples: 4, dim: 16 });
  const start = performance.now();
  interpretLoss(instance, large, { gradient: true });
  expect(performance.now() - start).toBeLessThan(2000);
});
