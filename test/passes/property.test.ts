/**
 * Random formulas before and after every pass: value, validity and gradient of what a pass leaves equal the
 * interpreter's, on batches of any labels and on batches sorted by class, for losses of one view and of two.
 */
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { compileLoss, type CompileOptions } from "../../src/cli/compiled_loss.ts";
import { LoweringError } from "../../src/ir/lower/environment.ts";
import { PASS_NAMES, type PassName } from "../../src/ir/passes/optimise.ts";
import { interpretLoss } from "../../src/interpret/index.ts";
import type { LossInstance } from "../../src/resolve/values.ts";
import { startEngine } from "../../src/runtime/engine/index.ts";
import { formula } from "../interpret/support.ts";
import { distance, flat, isFinite, ROUNDINGS, sensitivity, TOLERANCE } from "../lower/closeness.ts";
import { DIM, FormulaGenerator, STATEMENTS } from "../lower/formula_generator.ts";
import { randomBatch } from "../lower/support.ts";

beforeAll(async () => {
  await startEngine("wasm");
});

const RUNS = 30;
/** Formulas that may be left out: at a kink, badly conditioned, or not to be built. */
const SHARE_LEFT_OUT = 0.08;
/** A batch so large that reductions over two of its sides run in blocks, of so many bytes. */
const chunk = { batch: 1e5, classes: 1e5, blockBytes: 500 };

interface Batches {
  readonly labels: readonly (readonly number[])[];
  readonly samples?: number;
}

const BATCHES: Readonly<Record<string, Batches>> = {
  "any labels": { labels: [[0, 1, 0, 2, 1, 0, 2], [2, 2, 2, 2], [0, 1, 2], [1]] },
  "batches of 3 classes of 3, sorted": { labels: [[0, 0, 0, 1, 1, 1, 2, 2, 2]], samples: 3 },
  "batches of 2 classes of 2, sorted": { labels: [[2, 2, 0, 0]], samples: 2 },
};

/** A formula of one view x as the sum of itself on two views, u and v. */
function onTwoViews(text: string): LossInstance {
  const on = (view: string, part: string): string =>
    part.replace(/\bx\[/g, `${view}[`).replace(/\b([sd])\(/g, `${view}_$1(`);
  const [params, functions] = [/^param .*$/gm, /^let .*$/gm].map((lines) => STATEMENTS.match(lines)!);
  const own = ["u", "v"].flatMap((view) =>
    functions!.filter((line) => line.includes("x[")).map((line) => on(view, line)),
  );
  const rest = functions!.filter((line) => !line.includes("x["));
  const statements = [...params!, ...own, ...rest].join("\n");
  return formula(`(${on("u", text)}) + (${on("v", text)})`, statements, " of (u, v)");
}

/** Compiled up to each pass; a pass that leaves the program as it was is not run again. */
function forms(instance: LossInstance, dims: readonly number[], samples: number | undefined) {
  const options: CompileOptions = { chunk, stack: true, ...(samples === undefined ? {} : { samples }) };
  const all: { readonly after: PassName | "none"; readonly loss: ReturnType<typeof compileLoss> }[] = [];
  for (const after of ["none", ...PASS_NAMES] as const) {
    const loss = compileLoss(instance, dims, { ...options, last: after });
    if (loss.source !== all.at(-1)?.loss.source) all.push({ after, loss });
  }
  return all;
}

describe.each(Object.entries(BATCHES))("%s", (_, { labels: choices, samples }) => {
  it.each([1, 2])("random formulas of %i view(s)", (views) => {
    let compared = 0;
    let leftOut = 0;
    const changed = new Set<string>();
    fc.assert(
      fc.property(fc.gen(), fc.nat({ max: choices.length - 1 }), fc.nat(), (draw, which, seed) => {
        const text = new FormulaGenerator((max) => draw(fc.nat, { max })).body();
        const instance = views === 1 ? formula(text, STATEMENTS) : onTwoViews(text);
        const labels = choices[which]!;
        const batch = randomBatch(instance, { labels, classes: 3, dim: DIM, seed, views });
        const interpreted = interpretLoss(instance, batch, { gradient: true });
        const exact = flat(interpreted);
        if (!isFinite(exact)) return;
        let compiled: ReturnType<typeof forms>;
        try {
          compiled = forms(instance, Array<number>(views).fill(DIM), samples);
        } catch (error) {
          if (!(error instanceof LoweringError))
            throw new Error(`${text}\n${String(error)}`, { cause: error });
          leftOut++;
          return;
        }
        compared++;
        for (const { after, loss } of compiled) {
          changed.add(after);
          const place = `${text}\nafter ${after}, labels ${labels.join()}, seed ${seed}`;
          let answer: ReturnType<typeof loss.evaluate>;
          try {
            answer = loss.evaluate(batch);
          } catch (error) {
            throw new Error(`${place}\n${loss.source}\n${String(error)}`, { cause: error });
          }
          expect(answer.valid, place).toBe(interpreted.valid);
          const error = distance(flat(answer), exact);
          if (error <= TOLERANCE) continue;
          if (error <= ROUNDINGS * sensitivity(instance, batch, exact)) {
            leftOut++;
            return;
          }
          throw new Error(`${place}: ${answer.value} for ${exact.value}, off by ${error}`);
        }
      }),
      { numRuns: RUNS, seed: 4, endOnFailure: true },
    );
    expect(compared).toBeGreaterThan(0.7 * RUNS);
    expect(leftOut).toBeLessThanOrEqual(SHARE_LEFT_OUT * RUNS);
    // The formulas give the passes something to do: each of these has changed some.
    const busy = ["fold", "stabilise", ...(samples === undefined ? [] : ["specialise-batch"]), "chunk"];
    for (const pass of busy) expect([...changed], pass).toContain(pass);
  });
});
