/**
 * The tuples that the standard library's miners choose against pytorch-metric-learning's
 * (test/golden/pml/generate_classes.py). What is chosen shows in a sum over the tuples of a product that tells them
 * apart, and in its gradient.
 *
 * Departures, of which there is no golden: among tuples of one distance the library's batch_easy_hard and hdc choose by
 * order; its angular miner adds 1e-6 to every difference, which makes an angle of three equal points.
 */
import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { interpretLoss } from "../../src/interpret/index.ts";
import type { LossInstance } from "../../src/resolve/values.ts";
import { batchOf, formula, miner } from "./support.ts";

interface Golden {
  batches: Record<string, { embeddings: number[][]; labels: number[]; classes: number }>;
  cases: { use: string; batch: string; triplets?: number[][]; pairs?: number[][][] }[];
}

const TRIPLETS = formula("sum[a, p, n | same(a, p), differs(a, n)] (1 + x[a, 0] * x[p, 1] * x[n, 2])");
const POSITIVES = formula("sum[i, j | same(i, j)] (1 + x[i, 0] * x[j, 1])");
const NEGATIVES = formula("sum[i, j | differs(i, j)] (1 + x[i, 0] * x[j, 1])");

/** Σ over the tuples of 1 + Π x[tuple[k], k], and its gradient. */
function summed(rows: readonly number[][], tuples: readonly number[][]): number[] {
  const columns = rows[0]!.length;
  const gradient = rows.flatMap((row) => row.map(() => 0));
  let value = 0;
  for (const tuple of tuples) {
    const factors = tuple.map((row, k) => rows[row]![k]!);
    value += 1 + factors.reduce((a, b) => a * b, 1);
    tuple.forEach((row, k) => {
      gradient[row * columns + k]! += factors.reduce((a, b, at) => (at === k ? a : a * b), 1);
    });
  }
  return [value, ...gradient];
}

const folder = new URL("../golden/pml/tuples/", import.meta.url);
const files = readdirSync(folder).filter((name) => name.endsWith(".json"));
it("has golden files", () => expect(files.length).toBeGreaterThanOrEqual(5));

for (const file of files)
  describe(file, () => {
    const golden = JSON.parse(readFileSync(new URL(file, folder), "utf8")) as Golden;
    for (const { use, batch, triplets, pairs } of golden.cases)
      it(`${use}, ${batch}`, () => {
        const { embeddings, labels, classes } = golden.batches[batch]!;
        const expectChosen = (probe: LossInstance, tuples: readonly number[][]): void => {
          const options = { gradient: true, miner: miner(use) };
          const { value, gradient } = interpretLoss(probe, batchOf(embeddings, labels, classes), options);
          const found = [value, ...gradient!.views[0]!];
          summed(embeddings, tuples).forEach((each, k) => expect(found[k]).toBeCloseTo(each, 9));
        };
        if (triplets !== undefined) expectChosen(TRIPLETS, triplets);
        if (pairs !== undefined) {
          expectChosen(POSITIVES, pairs[0]!);
          expectChosen(NEGATIVES, pairs[1]!);
        }
      });
    it("chooses some tuples, and not all", () => {
      const counts = golden.cases.map(({ triplets, pairs }) => (triplets ?? pairs!.flat()).length);
      expect(Math.max(...counts)).toBeGreaterThan(Math.min(...counts));
    });
  });
