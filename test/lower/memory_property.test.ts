/**
 * Random formulas against a memory, full or in part: value, validity and gradient of the compiled form equal the
 * interpreter's.
 */
import fc from "fast-check";
import { beforeAll, expect, it } from "vitest";
import { compileLoss } from "../../src/cli/compiled_loss.ts";
import { InterpretError, interpretLoss } from "../../src/interpret/index.ts";
import type { LossInstance } from "../../src/resolve/values.ts";
import { LoweringError } from "../../src/ir/lower/environment.ts";
import { startEngine } from "../../src/runtime/engine/index.ts";
import { counterRandom } from "../../src/runtime/random.ts";
import { formula } from "../interpret/support.ts";
import { distance, flat, isFinite, ROUNDINGS, sensitivity, TOLERANCE } from "./closeness.ts";
import { DIM, FormulaGenerator, STATEMENTS } from "./formula_generator.ts";
import type { Batch } from "./support.ts";
import { randomBatch } from "./support.ts";

beforeAll(async () => {
  await startEngine("wasm");
});

const RUNS = 150;
const SHARE_LEFT_OUT = 0.05;
const LABELS = [0, 1, 0, 2, 1];
const IDS = [0, 1, 2, 3, 4];

type Remembered = Batch & Pick<Parameters<typeof interpretLoss>[1], "ids" | "memory">;

/** A batch with up to four samples remembered, the second an older embedding of one of its own. */
function batchFor(instance: LossInstance, seed: number): Remembered {
  const random = counterRandom(seed, "memory");
  const rows = 4 - Math.max(0, (seed % 8) - 3);
  const data = Float64Array.from({ length: rows * DIM }, () => Math.fround(random.normal()));
  return {
    ...randomBatch(instance, { labels: LABELS, classes: 3, dim: DIM, seed }),
    ids: IDS,
    memory: {
      size: 4,
      views: [{ rows, columns: DIM, data }],
      labels: [2, 0, 1, 1].slice(0, rows),
      ids: [7, 2, 8, 9].slice(0, rows),
    },
  };
}

it("random formulas", () => {
  let leftOut = 0;
  let compared = 0;
  let unbound = 0;
  fc.assert(
    fc.property(fc.gen(), fc.nat(), (draw, seed) => {
      // Without a stated domain an index of samples may reach the memory; one that no use binds is refused.
      const generated = new FormulaGenerator((max) => draw(fc.nat, { max })).body();
      // The number of a remembered row says nothing: the places of a memory that are free come first in compiled form.
      const text = generated.replaceAll(" in batch", "").replaceAll(/\(0\.1 \* i\d+\)/g, "0.1");
      const instance = formula(text, STATEMENTS);
      let batch: Remembered;
      let exact: ReturnType<typeof interpretLoss>;
      try {
        batch = batchFor(instance, seed);
        exact = interpretLoss(instance, batch, { gradient: true });
      } catch (error) {
        if (!(error instanceof InterpretError)) throw error;
        unbound++;
        return;
      }
      let compiled: ReturnType<ReturnType<typeof compileLoss>["evaluate"]>;
      try {
        compiled = compileLoss(instance, [DIM], { memory: 4 }).evaluate(batch);
      } catch (error) {
        if (!(error instanceof LoweringError)) throw new Error(`${text}\n${String(error)}`, { cause: error });
        unbound++;
        return;
      }
      if (!isFinite(flat(exact))) return;
      compared++;
      expect(compiled.valid, text).toBe(exact.valid);
      const error = distance(flat(compiled), flat(exact));
      if (error <= TOLERANCE) return;
      if (error > ROUNDINGS * sensitivity(instance, batch, flat(exact)))
        throw new Error(`${text}\nseed ${seed}: ${compiled.value} for ${exact.value}, off by ${error}`);
      leftOut++;
    }),
    { numRuns: RUNS, seed: 21 },
  );
  expect(compared).toBeGreaterThan(0.5 * RUNS);
  expect(unbound).toBeLessThan(0.4 * RUNS);
  expect(leftOut).toBeLessThanOrEqual(SHARE_LEFT_OUT * RUNS);
});
