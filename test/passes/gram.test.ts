/** The pass `gram`: one product of a head's embeddings with themselves for distances and cosines, and one for its gradient. */
import * as tf from "@tensorflow/tfjs-core";
import { beforeAll, describe, expect, it } from "vitest";
import { compileLoss } from "../../src/cli/compiled_loss.ts";
import { Builder, NO_RULES } from "../../src/ir/build.ts";
import { Graph, type Node } from "../../src/ir/graph.ts";
import { lowerLoss, rootsOf } from "../../src/ir/lower/loss.ts";
import { topological } from "../../src/ir/order.ts";
import { PASSES, type PassSettings } from "../../src/ir/passes/optimise.ts";
import { startEngine } from "../../src/runtime/engine/index.ts";
import { cosinesFromGram, gram, squaredDistancesFromGram } from "../../src/runtime/ops/index.ts";
import { counterRandom } from "../../src/runtime/random.ts";
import { formula, loss } from "../interpret/support.ts";
import { batchOf, expectParity, randomBatch } from "../lower/support.ts";

beforeAll(async () => {
  await startEngine("wasm");
});

/** Losses by the head they stand on, after all passes. */
function optimised(uses: readonly (readonly [use: string, head: string])[], settings: PassSettings = {}) {
  const graph = new Graph();
  let roots: readonly Node[] = uses.flatMap(([use, name], k) => {
    const inputs = { path: `losses/l${k}`, views: [{ name, dim: 8 }], rules: NO_RULES };
    return rootsOf(lowerLoss(new Graph(), loss(use), inputs));
  });
  for (const pass of PASSES) roots = pass.run(new Builder(graph, pass.rules), roots, settings);
  return roots;
}

const kinds = (roots: readonly Node[]): string[] => topological(roots).map(({ operation }) => operation.kind);

const count = (roots: readonly Node[], kind: string): number =>
  kinds(roots).filter((each) => each === kind).length;

describe("in the graph", () => {
  const PAIRS = ["contrastive", "triplet", "multi_similarity", "circle", "supcon"];

  it("is one product of all losses on one head", () => {
    const roots = optimised(PAIRS.map((use) => [use, "x"]));
    expect(count(roots, "matmul")).toBe(1);
    expect(count(roots, "distance_from_gram")).toBe(1);
    expect(count(roots, "cosine_from_gram")).toBe(1);
    for (const gone of ["squared_distance", "normalize"]) expect(kinds(roots), gone).not.toContain(gone);
  });

  it("is one of each head", () => {
    const roots = optimised(PAIRS.flatMap((use) => ["a", "b"].map((head) => [use, head] as const)));
    expect(count(roots, "matmul")).toBe(2);
  });

  it("leaves cosines that nothing else needs products beside as products of rows of unit length", () => {
    const roots = optimised([
      ["multi_similarity", "x"],
      ["circle", "x"],
    ]);
    expect(count(roots, "matmul")).toBe(1);
    expect(count(roots, "normalize")).toBe(1);
    expect(kinds(roots)).not.toContain("cosine_from_gram");
  });

  it("leaves products with class vectors", () => {
    const roots = optimised([
      ["contrastive", "x"],
      ["normalized_softmax", "x"],
    ]);
    expect(count(roots, "matmul")).toBe(2);
    expect(kinds(roots)).toContain("normalize");
  });

  it("takes the stacked embeddings of several heads", () => {
    const uses = ["a", "b", "c"].map((head) => ["contrastive", head] as const);
    const roots = optimised(uses, { stack: true });
    const [product] = topological(roots).filter(({ operation }) => operation.kind === "matmul");
    expect(product!.shape).toEqual([3, "batch", "batch"]);
    expect(count(roots, "distance_from_gram")).toBe(1);
  });
});

describe("equals the interpreter", () => {
  const both = formula("mean[i, j] euclidean(x[i], x[j]) * (2 + cosine(x[i], x[j]))");
  const labels = [0, 1, 0, 1, 2];

  it.each([0.01, 1, 1e4])("on embeddings of length about %f", (scale) => {
    for (const seed of [1, 2, 3]) expectParity(both, randomBatch(both, { labels, dim: 7, scale, seed }));
  });

  it("on zero vectors, equal and opposite ones", () => {
    const rows = [
      [0, 0, 0],
      [1, 2, -2],
      [1, 2, -2],
      [-0.5, -1, 1],
      [0.3, 0, 0.1],
    ];
    expectParity(both, batchOf(both, rows, labels));
  });

  it("on lengths that differ by a million", () => {
    const rows = [
      [1000, 2000, -1500],
      [0.001, 0.002, 0.001],
      [-700, 100, 900],
      [0.002, -0.001, 0.0005],
      [1, 1, 0],
    ];
    const cosines = formula("mean[i, j] (cosine(x[i], x[j]) * (1 + 0 * euclidean(x[i], x[j])))");
    expectParity(cosines, batchOf(cosines, rows, labels));
  });
});

describe("as emitted", () => {
  const rowsOf = (n: number, d: number, seed = 1): tf.Tensor2D => {
    const random = counterRandom(seed, "rows");
    return tf.tensor2d(
      Float32Array.from({ length: n * d }, () => random.normal()),
      [n, d],
    );
  };

  it("runs two products in a step of losses by distances and by cosines", async () => {
    const instance = formula("mean[i, j] relu(1 - euclidean(x[i], x[j])) + mean[i, j] cosine(x[i], x[j])^2");
    const batch = randomBatch(instance, { labels: [0, 0, 1, 1], dim: 6 });
    const products = async (last?: "chunk"): Promise<number> => {
      const compiled = compileLoss(instance, [6], last === undefined ? {} : { last });
      const { kernels } = await tf.profile(() => {
        compiled.evaluate(batch);
        return [];
      });
      return kernels.filter(({ name }) => name === tf.BatchMatMul).length;
    };
    expect(await products("chunk")).toBe(5);
    expect(await products()).toBe(2);
  });

  it("has equal rows exactly 0 apart, and at a cosine of 1, at any width", () => {
    for (const width of [3, 64, 515]) {
      const [distances, cosines] = tf.tidy(() => {
        const x = rowsOf(9, width);
        const products = gram(tf.concat([x, x]));
        return [squaredDistancesFromGram(products).dataSync(), cosinesFromGram(products).dataSync()];
      });
      for (let i = 0; i < 18; i++) {
        for (const j of [i, (i + 9) % 18]) {
          expect(distances[i * 18 + j]).toBe(0);
          expect(Math.abs(cosines[i * 18 + j]! - 1)).toBeLessThan(3e-7);
        }
      }
    }
  });

  it("has the gradients of each matrix of a stack", () => {
    const slopes = (x: tf.Tensor, f: (products: tf.Tensor) => tf.Tensor): Float32Array =>
      tf.tidy(
        () =>
          tf
            .grad((y) => tf.sum(tf.sin(f(gram(y)))))(x)
            .dataSync() as Float32Array,
      );
    for (const f of [squaredDistancesFromGram, cosinesFromGram]) {
      const [a, b] = [rowsOf(5, 4, 1), rowsOf(5, 4, 2)];
      const stacked = slopes(tf.stack([a, b]), f);
      const single = [...slopes(a, f), ...slopes(b, f)];
      stacked.forEach((v, k) => expect(Math.abs(v - single[k]!)).toBeLessThan(1e-5));
    }
  });
});
