/**
 * Random formulas on random batches: value, validity and gradient of the compiled form equal the interpreter's.
 *
 * Where the two differ, the interpreter is asked again on inputs that are moved by about one rounding of float32. If its
 * own answer changes as much, the formula is at a kink or badly conditioned there, and no float32 form could agree: the
 * case is left out, and few may be.
 */
import fc from "fast-check";
import { beforeAll, expect, it } from "vitest";
import { LoweringError } from "../../src/ir/lower/environment.ts";
import { interpretLoss } from "../../src/interpret/index.ts";
import { startEngine } from "../../src/runtime/engine/index.ts";
import { counterRandom } from "../../src/runtime/random.ts";
import type { LossInstance } from "../../src/resolve/values.ts";
import { formula } from "../interpret/support.ts";
import { DIM, FormulaGenerator, STATEMENTS } from "./formula_generator.ts";
import type { Batch } from "./support.ts";
import { answers, randomBatch } from "./support.ts";

beforeAll(async () => {
  await startEngine("wasm");
});

const RUNS = 300;
const SHARE_LEFT_OUT = 0.05;

const BATCHES: readonly (readonly number[])[] = [[0, 1, 0, 2, 1, 0, 2], [2, 2, 2, 2], [0, 1, 2], [1]];

interface Flat {
  readonly value: number;
  /** Gradients of views and parameters, each in one array. */
  readonly gradients: readonly (readonly number[])[];
}

function flat(answer: {
  readonly value: number;
  readonly gradient?: {
    readonly views: readonly ArrayLike<number>[];
    readonly params: ReadonlyMap<string, ArrayLike<number>>;
  };
}): Flat {
  const { views, params } = answer.gradient!;
  const named = ["w", "b"].map((name) => Array.from(params.get(name)!));
  return { value: answer.value, gradients: [...views.map((view) => Array.from(view)), ...named] };
}

const isFinite = ({ value, gradients }: Flat): boolean =>
  [value, ...gradients.flat()].every((v) => Number.isFinite(v) && Math.abs(v) < 1e6);

/** Largest difference, as a share of the value and of each gradient's largest element (at least 1). */
function distance(a: Flat, b: Flat): number {
  const apart = (x: readonly number[], y: readonly number[]): number => {
    const scale = Math.max(1, ...y.map(Math.abs));
    const most = Math.max(...x.map((v, k) => Math.abs(v - y[k]!))) / scale;
    return Number.isNaN(most) ? Number.POSITIVE_INFINITY : most;
  };
  const gradients = a.gradients.map((gradient, k) => apart(gradient, b.gradients[k]!));
  return Math.max(apart([a.value], [b.value]), ...gradients);
}

/** How far the interpreter's answer moves when the inputs do, by about one rounding of float32. */
function sensitivity(instance: LossInstance, batch: Batch, exact: Flat): number {
  let most = 0;
  for (let seed = 0; seed < 6; seed++) {
    const random = counterRandom(seed, "perturb");
    const moved = (data: Float64Array): Float64Array => data.map((v) => v * (1 + 1.2e-7 * random.normal()));
    const nearby = {
      ...batch,
      views: batch.views.map((view) => ({ ...view, data: moved(view.data) })),
      params: new Map([...batch.params].map(([name, p]) => [name, { ...p, data: moved(p.data) }])),
    };
    most = Math.max(most, distance(flat(interpretLoss(instance, nearby, { gradient: true })), exact));
  }
  return most;
}

it("random formulas", () => {
  let leftOut = 0;
  let compared = 0;
  let refused = 0;
  fc.assert(
    fc.property(fc.gen(), fc.nat({ max: BATCHES.length - 1 }), fc.nat(), (draw, which, seed) => {
      const text = new FormulaGenerator((max) => draw(fc.nat, { max })).body();
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
      if (error <= 2e-5) return;
      if (error <= 30 * sensitivity(instance, batch, exact)) {
        leftOut++;
        return;
      }
      throw new Error(
        `${text}\nlabels ${labels.join()}, seed ${seed}: ${both.compiled.value} for ${exact.value}, off by ${error}`,
      );
    }),
    { numRuns: RUNS, seed: 20 },
  );
  expect(compared).toBeGreaterThan(0.8 * RUNS);
  expect(leftOut).toBeLessThanOrEqual(SHARE_LEFT_OUT * RUNS);
  expect(refused).toBeLessThanOrEqual(SHARE_LEFT_OUT * RUNS);
});
