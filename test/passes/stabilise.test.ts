/**
 * Logarithms of sums of several exponentials, and of sums of them: value and gradient are the interpreter's, as far as
 * arguments of some thousands, where the exponentials themselves are infinite.
 */
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { compileLoss } from "../../src/cli/compiled_loss.ts";
import { interpretLoss } from "../../src/interpret/index.ts";
import { startEngine } from "../../src/runtime/engine/index.ts";
import { formula } from "../interpret/support.ts";
import { CONDITIONED, expectParity, randomBatch } from "../lower/support.ts";

beforeAll(async () => {
  await startEngine("wasm");
});

const LABELS = [[0, 0, 1, 1, 2, 2], [0, 1, 0, 2, 1, 0, 2], [1, 1, 1], [0, 1, 2], [0]];
const MEASURES = [
  "euclidean(x[i], x[j])",
  "(0.4 - euclidean(x[i], x[j]))",
  "5 * cosine(x[i], x[j])",
  "(sum[t] x[i, t] * x[j, t])",
];
const TERMS = [
  ...MEASURES.flatMap((measure) => [
    `(sum[j | same(i, j)] exp(${measure}))`,
    `(sum[j | differs(i, j)] exp(-${measure}))`,
    `(sum[j] exp(${measure}))`,
  ]),
  "exp(x[i, 0])",
  "exp(-norm(x[i]) / 2)",
  "(sum[j in batch, k in batch | differs(j, k), j != i] exp(x[j, 0] - x[k, 1]))",
];

/** The text of a logarithm of at least one exponential: in any order, in brackets that go either way. */
const logarithms = fc
  .record({
    first: fc.constantFrom(...TERMS),
    more: fc.array(fc.constantFrom(...TERMS, "1", "0.37", "20"), { minLength: 1, maxLength: 3 }),
    place: fc.nat(),
    nested: fc.boolean(),
    log: fc.constantFrom("log", "log1p"),
  })
  .map(({ first, more, place, nested, log }) => {
    const terms = [...more];
    terms.splice(place % (terms.length + 1), 0, first);
    const [head, ...rest] = terms;
    const sum = nested ? `${head} + (${rest.join(" + ")})` : terms.join(" + ");
    // A term that is never nothing: the logarithm of 0 is no number.
    return log === "log" ? `log(${sum} + exp(x[i, 1]))` : `log1p(${sum})`;
  });

describe("a logarithm of several sums of exponentials", () => {
  it.each([1, 100, 1000])("equals the interpreter's on embeddings of length about %i", (scale) => {
    fc.assert(
      fc.property(
        logarithms,
        fc.constantFrom(...LABELS),
        fc.integer({ min: 1, max: 1e6 }),
        (text, labels, seed) => {
          const instance = formula(`mean[i] ${text}`);
          const batch = randomBatch(instance, { labels, dim: 3, unit: true, scale, seed });
          expect(Number.isFinite(interpretLoss(instance, batch).value)).toBe(true);
          expectParity(instance, batch, CONDITIONED);
        },
      ),
      { numRuns: 40, seed: 4 },
    );
  });

  it("is finite where one sum is infinite and the other empty", () => {
    const instance = formula(
      "mean[a] log((sum[p | same(a, p)] exp(norm(x[a]) * norm(x[p]))) + (sum[n | differs(a, n)] exp(-norm(x[n]))))",
    );
    const batch = randomBatch(instance, { labels: [0, 0, 1], dim: 3, unit: true, scale: 150 });
    const { value } = compileLoss(instance, [3]).evaluate(batch);
    // Two anchors with a positive at 150 * 150, one with negatives alone at -150.
    expect(value).toBeCloseTo((2 * 22500 - 150 + Math.LN2) / 3, 0);
    expectParity(instance, batch);
  });

  it("stays as it is beside terms that are no exponentials, and for long sums", () => {
    const source = (body: string): string => compileLoss(formula(`mean[i] ${body}`), [3]).source;
    expect(source("log((sum[j] exp(x[j, 0])) + norm(x[i]) + 1)")).toContain("ops.log(");
    const many = Array.from({ length: 30 }, (_, k) => `exp(x[i, 0] * ${k}.5)`).join(" + ");
    expect(source(`log(${many})`)).toContain("ops.log(");
    expect(source("log((sum[j] exp(x[j, 0])) + exp(x[i, 1]) + 1)")).not.toContain("ops.log(");
  });
});
