/**
 * Random formulas on random batches: value, validity and gradient of the compiled form equal the interpreter's. Where a
 * formula is at a kink or badly conditioned (`closeness.ts`), the case is left out, and few may be.
 */
import fc from "fast-check";
import { expect } from "vitest";
import { LoweringError } from "../../src/ir/lower/environment.ts";
import { formula } from "../interpret/support.ts";
import { distance, flat, isFinite, ROUNDINGS, sensitivity, TOLERANCE } from "./closeness.ts";
import { DIM, FormulaGenerator, STATEMENTS } from "./formula_generator.ts";
import { answers, randomBatch } from "./support.ts";

const SHARE_LEFT_OUT = 0.05;

const BATCHES: readonly (readonly number[])[] = [[0, 1, 0, 2, 1, 0, 2], [2, 2, 2, 2], [0, 1, 2], [1]];

/**
 * Compares `runs` formulas that `written` makes of a form and of what the generator draws. Fails at one that differs, and
 * where too many were not compared.
 */
export function compareFormulas<Form>(
  forms: fc.Arbitrary<Form>,
  written: (generator: FormulaGenerator, form: Form) => string,
  { runs, seed: start }: { readonly runs: number; readonly seed: number },
): void {
  let leftOut = 0;
  let compared = 0;
  let refused = 0;
  fc.assert(
    fc.property(fc.gen(), forms, fc.nat({ max: BATCHES.length - 1 }), fc.nat(), (draw, form, which, seed) => {
      const text = written(new FormulaGenerator((max) => draw(fc.nat, { max })), form);
      const instance = formula(text, STATEMENTS);
      const labels = BATCHES[which]!;
      const batch = randomBatch(instance, { labels, classes: 3, dim: DIM, seed });
      let both: ReturnType<typeof answers>;
      try {
        both = answers(instance, batch);
      } catch (error) {
        if (!(error instanceof LoweringError)) throw new Error(`${text}\n${String(error)}`, { cause: error });
        refused++;
        return;
      }
      const exact = flat(both.interpreted);
      if (!isFinite(exact)) return;
      compared++;
      expect(both.compiled.valid, text).toBe(both.interpreted.valid);
      const error = distance(flat(both.compiled), exact);
      if (error <= TOLERANCE) return;
      if (error <= ROUNDINGS * sensitivity(instance, batch, exact)) {
        leftOut++;
        return;
      }
      throw new Error(
        `${text}\nlabels ${labels.join()}, seed ${seed}: ${both.compiled.value} for ${exact.value}, off by ${error}`,
      );
    }),
    { numRuns: runs, seed: start },
  );
  expect(compared).toBeGreaterThan(0.8 * runs);
  expect(leftOut).toBeLessThanOrEqual(SHARE_LEFT_OUT * runs);
  expect(refused).toBeLessThanOrEqual(SHARE_LEFT_OUT * runs);
}
