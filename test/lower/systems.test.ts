/**
 * `solve`, `kmeans` and `concat` as compiled against the interpreter, with the engine's own kernel for inverses and put
 * together from tfjs operations.
 */
import * as tf from "@tensorflow/tfjs-core";
import "@tensorflow/tfjs-backend-cpu";
import { beforeAll, describe, expect, it } from "vitest";
import { startEngine } from "../../src/runtime/engine/index.ts";
import { formula } from "../interpret/support.ts";
import { CONDITIONED, batchOf, expectParity, randomBatch } from "./support.ts";

const SYMMETRIC = `param w: real[3, dim] = normal()
  let z = concat(x, w)
  let near(u, v) = exp(cosine(z[u], z[v]))
  let f(u, v) = solve[q, u](4 * (q == u) - 0.1 * near(q, u), q == v)`;

const FORMULAS: Readonly<Record<string, readonly [body: string, statements?: string]>> = {
  "a solution along its own index": [
    "sum[u] solve[q, u](3 * (q == u) + cosine(x[q], x[u]), x[q, 0]) * norm(x[u])",
  ],
  "one matrix for each sample": [
    "sum[i, v in 3] x[i, 0] * solve[q, v](w[q, v] + 5 * (q == v) * norm(x[i]), x[i, 1] * b[q])",
    "param w: real[3, 3] = normal()\n  param b: real[3] = normal()",
  ],
  "one right side for each pair": [
    "sum[i, j, v in 3 | i < j] solve[q, v](w[q, v] + 4 * (q == v), b[q] * x[i, 1] * x[j, 0])",
    "param w: real[3, 3] = normal()\n  param b: real[3] = normal()",
  ],
  "a right side that is one number": [
    "sum[v in 3] b[v] * solve[q, v](w[q, v] + 4 * (q == v), 2)",
    "param w: real[3, 3] = normal()\n  param b: real[3] = normal()",
  ],
  "over samples and parameters together": [
    "(sum[i in batch, p in 3] x[i, 0] * f(i, batch + p) * w[p, 1]) + (sum[p in 3, i in batch] f(batch + p, i)) + sum[u] f(u, u)",
    SYMMETRIC,
  ],
  "products of solutions": [
    "sum[i in batch, p in 3] x[i, 0] * (sum[c in batch + 3] f(i, c) * f(batch + p, c))",
    SYMMETRIC,
  ],
  "a solution at a computed place": [
    "sum[i in batch] f(i, batch + (argmax[p in 3] cosine(x[i], w[p])))",
    SYMMETRIC,
  ],
  "a singular matrix": [
    "1 + (sum[v in 3] b[v] * solve[q, v](b[q] * b[v], b[q]))",
    "param b: real[3] = normal()",
  ],
  "clusters of all samples": ["sum[i] (1 + number(i)) * norm(x[i])", "let number(i) = kmeans[i](x[i], 3)"],
  "clusters by class": [
    "sum[i, j] (y[i] == y[j] and number(i, j) == number(i, i)) * (sum[t] x[i, t] * x[j, t])",
    "let number(i, j) = kmeans[j | y[j] == y[i]](x[j], 2)",
  ],
  "clusters for each class, of a table": [
    "sum[k in classes, i | number(k, i) == 0] x[i, 0]",
    "let number(k, i) = kmeans[i | y[i] == k](x[i], 2)",
  ],
  "the cluster of the sample's class": [
    "sum[i] b[number(y[i])] * x[i, 0]",
    "param w: real[classes, dim] = normal()\n  param b: real[3] = normal()\n  let number(k) = kmeans[k](w[k], 3)",
  ],
  "clusters of some, absent at the others": [
    "(sum[i] norm(x[i]) * (if number(i) == 1 then 3 else 1)) + (count[i] number(i) >= 0)",
    "let number(i) = kmeans[i | x[i, 0] > 0](x[i], 2)",
  ],
};

const LABELS = [0, 1, 0, 2, 1, 0, 2, 3, 1, 0];

async function start(backend: string): Promise<void> {
  if (backend === "wasm") await startEngine("wasm");
  else await tf.setBackend("cpu");
}

describe.each(["wasm", "cpu"])("on %s", (backend) => {
  beforeAll(() => start(backend));

  describe.each(Object.entries(FORMULAS))("%s", (_, [body, statements]) => {
    const instance = formula(body, statements);

    it.each([1, 2])("random batch %i", (seed) => {
      expectParity(instance, randomBatch(instance, { labels: LABELS, dim: 4, seed }), CONDITIONED);
    });

    it("duplicates and a single class", () => {
      const [e, f] = [[0.3, -1, 0.5, 2], [1, 0.2, -0.7, 0.1]]; // prettier-ignore
      expectParity(instance, batchOf(instance, [e, e, f, f, e], [0, 0, 1, 1, 0]), CONDITIONED);
      expectParity(instance, batchOf(instance, [e, f, f], [1, 1, 1]), CONDITIONED);
    });
  });
});

it("a step of many unknowns stays as exact as single precision", async () => {
  await startEngine("wasm");
  const { inverses } = await import("../../src/runtime/ops/solve.ts");
  const n = 120;
  const entries = Float32Array.from({ length: n * n }, (_, k) =>
    k % (n + 1) === 0 ? 2 : Math.sin(k * 12.9898) / n,
  );
  const residual = (): number =>
    tf.tidy(() => {
      const matrix = tf.tensor3d(entries, [1, n, n]);
      const product = tf.matMul(matrix, inverses(matrix));
      return tf.max(tf.abs(tf.sub(tf.squeeze(product, [0]), tf.eye(n)))).dataSync()[0]!;
    });
  expect(residual()).toBeLessThan(2e-6);
  await tf.setBackend("cpu");
  expect(residual()).toBeLessThan(2e-6);
});
