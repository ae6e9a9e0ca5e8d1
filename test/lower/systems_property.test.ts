/**
 * Random entries in linear systems, and random guards of clusterings: value, validity and gradient of the compiled form
 * equal the interpreter's. Where a formula is at a kink or badly conditioned (`closeness.ts`) the case is left out.
 */
import fc from "fast-check";
import { beforeAll, expect, it } from "vitest";
import { LoweringError } from "../../src/ir/lower/environment.ts";
import { startEngine } from "../../src/runtime/engine/index.ts";
import { formula } from "../interpret/support.ts";
import { distance, flat, isFinite, ROUNDINGS, sensitivity, TOLERANCE } from "./closeness.ts";
import type { Index } from "./formula_generator.ts";
import { DIM, FormulaGenerator, STATEMENTS } from "./formula_generator.ts";
import { answers, randomBatch } from "./support.ts";

beforeAll(async () => {
  await startEngine("wasm");
});

const RUNS = 120;
const BATCHES: readonly (readonly number[])[] = [[0, 1, 0, 2, 1, 0, 2], [2, 2, 2, 2], [0, 1, 2], [1]];

const OUTER: Index = { name: "o", kind: "sample" };
const DOMAINS = { sample: "batch", class: "classes", column: "dim" } as const;

/** A system whose matrix has a diagonal above the rest of its row, so that it is regular. */
function system(generator: FormulaGenerator, kind: keyof typeof DOMAINS): string {
  const [q, u]: Index[] = [
    { name: "q", kind },
    { name: "u", kind },
  ];
  const entry = generator.entry([OUTER, q!, u!]);
  const right = generator.entry([OUTER, q!]);
  const weight = generator.entry([OUTER, u!]);
  const solution = `solve[q in ${DOMAINS[kind]}, u in ${DOMAINS[kind]}](4 * (q == u) + 0.4 * tanh(${entry}), ${right})`;
  return `mean[o in batch] (sum[u in ${DOMAINS[kind]}] ${solution} * tanh(${weight}))`;
}

/** Clusters of the samples that a random number lets in, seen from another sample. */
function clustering(generator: FormulaGenerator, count: number): string {
  const guard = generator.entry([OUTER, { name: "p", kind: "sample" }]);
  const number = `kmeans[p | ${guard} > 0.0371](x[p], ${count})`;
  return `mean[o in batch] (sum[p in batch] (${number} == 1) * ${generator.entry([OUTER, { name: "p", kind: "sample" }])})`;
}

it("random systems and clusterings", () => {
  let leftOut = 0;
  let compared = 0;
  fc.assert(
    fc.property(
      fc.gen(),
      fc.constantFrom<keyof typeof DOMAINS | number>("sample", "class", "column", 2, 3),
      fc.nat({ max: BATCHES.length - 1 }),
      fc.nat(),
      (draw, form, which, seed) => {
        const generator = new FormulaGenerator((max) => draw(fc.nat, { max }));
        const text = typeof form === "number" ? clustering(generator, form) : system(generator, form);
        const instance = formula(text, STATEMENTS);
        const batch = randomBatch(instance, { labels: BATCHES[which]!, classes: 3, dim: DIM, seed });
        let both: ReturnType<typeof answers>;
        try {
          both = answers(instance, batch);
        } catch (error) {
          if (error instanceof LoweringError) return;
          throw new Error(`${text}\n${String(error)}`, { cause: error });
        }
        const exact = flat(both.interpreted);
        if (!isFinite(exact)) return;
        compared++;
        expect(both.compiled.valid, text).toBe(both.interpreted.valid);
        const error = distance(flat(both.compiled), exact);
        if (error <= TOLERANCE) return;
        if (error <= ROUNDINGS * sensitivity(instance, batch, exact)) leftOut++;
        else throw new Error(`${text}\nbatch ${which}, seed ${seed}: off by ${error}`);
      },
    ),
    { numRuns: RUNS, seed: 31 },
  );
  expect(compared).toBeGreaterThan(0.8 * RUNS);
  expect(leftOut).toBeLessThanOrEqual(0.05 * RUNS);
});
