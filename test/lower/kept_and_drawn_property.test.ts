/**
 * Random formulas that read a state table, change it and draw at random, over steps: value, gradient and table of the
 * compiled form equal the interpreter's. Kinks are left out as in `property.test.ts`.
 */
import fc from "fast-check";
import { beforeAll, expect, it } from "vitest";
import { compileLoss } from "../../src/cli/compiled_loss.ts";
import { interpretLoss } from "../../src/interpret/index.ts";
import { LoweringError } from "../../src/ir/lower/environment.ts";
import { startEngine } from "../../src/runtime/engine/index.ts";
import { counterRandom } from "../../src/runtime/random.ts";
import { formula } from "../interpret/support.ts";
import { distance, flat, isFinite, ROUNDINGS, TOLERANCE, type Flat } from "./closeness.ts";
import { DIM, FormulaGenerator, STATEMENTS } from "./formula_generator.ts";
import { randomBatch } from "./support.ts";

beforeAll(async () => {
  await startEngine("wasm");
});

const RUNS = 150;
const SHARE_LEFT_OUT = 0.08;
const BATCHES: readonly (readonly number[])[] = [
  [0, 1, 0, 2, 1, 0, 2],
  [2, 2, 2, 2],
  [0, 1, 2],
];

/** Reads the table and draws where the generator reads a parameter or a length. */
const altered = (text: string): string =>
  text
    .replaceAll(/b\[y\[(i\d+)\]\]/g, "h[y[$1], 2]")
    .replaceAll(/norm\(x\[(i\d+)\]\)/g, "norm(x[drawn($1)])")
    .replaceAll(/x\[(i\d+), 3\]/g, "x[pick($1, $1), 3]");

type Answer = Parameters<typeof flat>[0] & {
  readonly states: ReadonlyMap<string, { readonly data: ArrayLike<number> } | ArrayLike<number>>;
};

function whole(answer: Answer): Flat {
  const { value, gradients } = flat(answer);
  const table = answer.states.get("h")!;
  return { value, gradients: [...gradients, Array.from("data" in table ? table.data : table)] };
}

it("random formulas with a state table and draws", () => {
  let compared = 0;
  let leftOut = 0;
  let refused = 0;
  fc.assert(
    fc.property(fc.gen(), fc.nat({ max: BATCHES.length - 1 }), fc.nat({ max: 1000 }), (draw, which, seed) => {
      const generator = new FormulaGenerator((max) => draw(fc.nat, { max }));
      const indices = [
        { name: "k", kind: "class" },
        { name: "r", kind: "number" },
      ] as const;
      const text = altered(generator.body());
      const next = altered(generator.entry(indices)).replaceAll("h[", "before[");
      const statements = `${STATEMENTS}
let drawn(p) = sample[q | differs(p, q)] exp(s(p, q))
let pick(p, o) = sample[q in batch] exp(d(p, q) - d(o, q))
state before[k in classes, r in 0..4]: real = 0.9 then 0.5 * before[k, r] + 0.1
state h[k in classes, r in 0..4]: real = 0.7 then 0.5 * h[k, r] + 0.5 * tanh(${next})`;
      const instance = formula(text, statements);
      const batch = {
        ...randomBatch(instance, { labels: BATCHES[which]!, classes: 3, dim: DIM, seed }),
        randomness: { seed, step: which },
      };
      let compiled: Flat;
      try {
        compiled = whole(compileLoss(instance, [DIM]).evaluate(batch));
      } catch (error) {
        if (!(error instanceof LoweringError))
          throw new Error(`${text}\n${next}\n${String(error)}`, { cause: error });
        refused++;
        return;
      }
      const exact = whole(interpretLoss(instance, batch, { gradient: true }));
      if (!isFinite(exact)) return;
      compared++;
      const error = distance(compiled, exact);
      if (error <= TOLERANCE) return;
      const nearby = Array.from({ length: 6 }, (_, k) => {
        const random = counterRandom(k, "perturb");
        const views = batch.views.map((view) => ({
          ...view,
          data: view.data.map((v) => v * (1 + 1.2e-7 * random.normal())),
        }));
        return distance(whole(interpretLoss(instance, { ...batch, views }, { gradient: true })), exact);
      });
      if (error > ROUNDINGS * Math.max(...nearby))
        throw new Error(
          `${text}\n${next}\nseed ${seed}: ${compiled.value} for ${exact.value}, off by ${error}`,
        );
      leftOut++;
    }),
    { numRuns: RUNS, seed: 21 },
  );
  expect(compared).toBeGreaterThan(0.7 * RUNS);
  expect(leftOut).toBeLessThanOrEqual(SHARE_LEFT_OUT * RUNS);
  expect(refused).toBeLessThanOrEqual(SHARE_LEFT_OUT * RUNS);
});
