/**
 * With which probabilities the standard library's miners draw, against pytorch-metric-learning's
 * (test/golden/pml/generate_draws.py). A draw changes from one choice to the next where its random number passes a sum of
 * probabilities: there the choice is looked at on both sides.
 */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { interpretLoss } from "../../src/interpret/index.ts";
import type { LossInstance, MinerInstance } from "../../src/resolve/values.ts";
import { batchOf, formula, miner } from "./support.ts";

interface Case {
  readonly use: string;
  readonly embeddings: number[][];
  readonly labels: number[];
  readonly probabilities: number[][];
}

const casesOf = (name: string): Case[] =>
  (
    JSON.parse(readFileSync(new URL(`../golden/pml/draws/${name}.json`, import.meta.url), "utf8")) as {
      cases: Case[];
    }
  ).cases;

/** How far from a boundary a choice is looked at. */
const BESIDE = 1e-9;

/** The sum over the tuples that a miner chooses with these random numbers. */
function chosen(
  probe: LossInstance,
  on: MinerInstance,
  { embeddings, labels }: Case,
  numbers: readonly number[][],
): number {
  const noise = new Map([
    ["miner/sample", { shape: [labels.length, labels.length], data: Float64Array.from(numbers.flat()) }],
  ]);
  return interpretLoss(probe, { ...batchOf(embeddings, labels), noise }, { miner: on }).value;
}

describe("distance_weighted", () => {
  /** The numbers of the negatives, added up over all positive pairs. */
  const NEGATIVES = formula("sum[a, p, n | same(a, p), differs(a, n)] n");
  for (const each of casesOf("distance_weighted"))
    it(`${each.use}, ${each.labels.length} samples of ${each.embeddings[0]!.length}`, () => {
      const on = miner(each.use);
      const zeros = each.labels.map(() => each.labels.map(() => 0));
      const base = chosen(NEGATIVES, on, each, zeros);
      let boundaries = 0;
      each.labels.forEach((label, a) => {
        const p = each.labels.findIndex((other, k) => k !== a && other === label);
        const weights = each.probabilities[a]!;
        const drawable = [...weights.keys()].filter((k) => weights[k]! > 0);
        const negative = (number: number): number => {
          const numbers = zeros.map((row, i) => row.map((zero, j) => (i === a && j === p ? number : zero)));
          return chosen(NEGATIVES, on, each, numbers) - base + drawable[0]!;
        };
        let sum = 0;
        drawable.slice(0, -1).forEach((k, place) => {
          sum += weights[k]!;
          boundaries++;
          expect(negative(sum - BESIDE)).toBe(k);
          expect(negative(sum + BESIDE)).toBe(drawable[place + 1]);
        });
        if (drawable.length > 0) expect(negative(1 - 1e-7)).toBe(drawable.at(-1));
      });
      expect(boundaries).toBeGreaterThan(3);
    });
});

describe("uniform_histogram", () => {
  for (const each of casesOf("uniform_histogram"))
    it(`${each.use}, ${each.labels.length} samples of ${each.embeddings[0]!.length}`, () => {
      const on = miner(each.use);
      for (const guard of ["same", "differs"]) {
        const pairs = formula(`sum[i, j | ${guard}(i, j)] 1`);
        const all = each.probabilities.flatMap((row, i) =>
          row.filter((_, j) => i !== j && (each.labels[i] === each.labels[j]) === (guard === "same")),
        );
        const at = (shift: number): number =>
          chosen(
            pairs,
            on,
            each,
            each.probabilities.map((row) => row.map((taken) => 1 - taken + shift)),
          );
        expect(all.every((taken) => taken > 0)).toBe(true);
        expect(at(BESIDE)).toBe(all.length);
        expect(at(-BESIDE)).toBe(all.filter((taken) => taken === 1).length);
      }
    });
});
