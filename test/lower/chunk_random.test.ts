/** Random formulas in blocks: the pass `chunk`, made ready for sizes at which everything is cut, changes no answer. */
import fc from "fast-check";
import { beforeAll, expect, it } from "vitest";
import { compileLoss } from "../../src/cli/compiled_loss.ts";
import type { CompiledAnswer } from "../../src/cli/compiled_loss.ts";
import { LoweringError } from "../../src/ir/lower/environment.ts";
import { startEngine } from "../../src/runtime/engine/index.ts";
import { formula } from "../interpret/support.ts";
import { DIM, FormulaGenerator, STATEMENTS } from "./formula_generator.ts";
import { randomBatch } from "./support.ts";

beforeAll(async () => {
  await startEngine("wasm");
});

const RUNS = 300;
const BATCHES: readonly (readonly number[])[] = [[0, 1, 0, 2, 1, 0, 2], [2, 2, 2, 2], [0, 1, 2], [1]];

/** Value, validity and gradients, one after the other. */
const numbers = ({ value, valid, gradient }: CompiledAnswer): number[] => [
  value,
  Number(valid),
  ...gradient.views.flatMap((view) => [...view]),
  ...[...gradient.params.values()].flatMap((param) => [...param]),
];

it("random formulas are the same in blocks", () => {
  let inBlocks = 0;
  const property = fc.property(
    fc.gen(),
    fc.nat({ max: BATCHES.length - 1 }),
    fc.nat(),
    fc.constantFrom(1, 200, 1000),
    (draw, which, seed, blockBytes) => {
      const text = new FormulaGenerator((max) => draw(fc.nat, { max })).body();
      const instance = formula(text, STATEMENTS);
      const batch = randomBatch(instance, { labels: BATCHES[which]!, classes: 3, dim: DIM, seed });
      const chunk = { batch: 1e5, classes: 1e5, blockBytes };
      try {
        const parts = compileLoss(instance, [DIM], { chunk });
        if (!/[iI]nBlocks\(/.test(parts.source)) return;
        inBlocks++;
        const whole = numbers(compileLoss(instance, [DIM]).evaluate(batch));
        const largest = Math.max(1, ...whole.map(Math.abs));
        if (!(largest < 1e6)) return;
        numbers(parts.evaluate(batch)).forEach((value, k) =>
          expect(Math.abs(value - whole[k]!), text).toBeLessThanOrEqual(2e-5 * largest),
        );
      } catch (error) {
        if (!(error instanceof LoweringError)) throw error;
      }
    },
  );
  fc.assert(property, { numRuns: RUNS, seed: 20, endOnFailure: true });
  expect(inBlocks).toBeGreaterThan(0.2 * RUNS);
});
