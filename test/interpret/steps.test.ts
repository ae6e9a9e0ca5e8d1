/**
 * Losses that keep a state, over several steps, against golden values (test/golden/pml/generate_steps.py): value, gradient
 * and state of each step, by the interpreter and as compiled.
 */
import { readdirSync, readFileSync } from "node:fs";
import { beforeAll, describe, expect, it } from "vitest";
import { compileLoss } from "../../src/cli/compiled_loss.ts";
import { interpretLoss } from "../../src/interpret/index.ts";
import type { Tensor } from "../../src/interpret/index.ts";
import { startEngine } from "../../src/runtime/engine/index.ts";
import { batchOf, loss } from "./support.ts";

type Nested = readonly (number | Nested)[];

interface Run {
  readonly use: string;
  readonly classes: number;
  readonly states: Readonly<Record<string, Nested>>;
  readonly steps: readonly {
    readonly embeddings: number[][];
    readonly labels: number[];
    readonly value: number;
    readonly gradient: number[][];
    readonly states: Readonly<Record<string, Nested>>;
  }[];
}

const folder = new URL("../golden/pml/steps/", import.meta.url);
const files = readdirSync(folder).filter((name) => name.endsWith(".json"));

/** The library normalises inside. */
const INSIDE = "loss on_unit(inner: loss) { inner(x: normalize(x)) }";

const flat = (nested: Nested): number[] =>
  nested.flatMap((each) => (typeof each === "number" ? [each] : flat(each)));

function tensor(nested: Nested): Tensor {
  const shape: number[] = [];
  for (let level: number | Nested = nested; typeof level !== "number"; level = level[0]!)
    shape.push(level.length);
  return { shape, data: Float64Array.from(flat(nested)) };
}

const tensors = (states: Run["states"]): Map<string, Tensor> =>
  new Map(Object.entries(states).map(([name, nested]) => [name, tensor(nested)]));

/** The largest difference as a share of the largest golden element, or of 1e-3 where all are smaller. */
function apart(actual: ArrayLike<number>, golden: readonly number[]): number {
  expect(actual.length).toBe(golden.length);
  const scale = Math.max(1e-3, ...golden.map(Math.abs));
  return Math.max(...golden.map((each, k) => Math.abs(actual[k]! - each))) / scale;
}

beforeAll(async () => {
  await startEngine("wasm");
});

it("has golden files", () => expect(files.length).toBeGreaterThanOrEqual(2));

for (const file of files)
  describe(file, () => {
    const { runs } = JSON.parse(readFileSync(new URL(file, folder), "utf8")) as { runs: Run[] };
    runs.forEach(({ use, classes, states, steps }, at) => {
      const instance = use.startsWith("center") ? loss(use) : loss(`on_unit(${use})`, INSIDE);
      it(`${use}, run ${at}, interpreted`, () => {
        let before = tensors(states);
        for (const step of steps) {
          const batch = { ...batchOf(step.embeddings, step.labels, classes), states: before };
          const answer = interpretLoss(instance, batch, { gradient: true });
          expect(apart([answer.value], [step.value])).toBeLessThan(1e-9);
          expect(apart(answer.gradient!.views[0]!, step.gradient.flat())).toBeLessThan(1e-9);
          for (const [name, nested] of Object.entries(step.states))
            expect(apart(answer.states.get(name)!.data, flat(nested)), name).toBeLessThan(1e-9);
          before = new Map(answer.states);
        }
      });

      it(`${use}, run ${at}, compiled`, () => {
        const compiled = compileLoss(instance, [steps[0]!.embeddings[0]!.length]);
        let before = tensors(states);
        for (const step of steps) {
          const batch = batchOf(step.embeddings, step.labels, classes);
          const answer = compiled.evaluate({ ...batch, params: new Map(), states: before });
          expect(apart([answer.value], [step.value])).toBeLessThan(1e-5);
          expect(apart(answer.gradient.views[0]!, step.gradient.flat())).toBeLessThan(1e-5);
          for (const [name, nested] of Object.entries(step.states))
            expect(apart(answer.states.get(name)!, flat(nested)), name).toBeLessThan(1e-5);
          before = tensors(step.states);
        }
      });
    });
  });
