/** Runs whose heads are weighed, folded and regressed: what is measured, kept and reported belongs together. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { RunError } from "../../src/runtime/errors.ts";
import { strategies } from "../../src/runtime/index.ts";
import * as nn from "../../src/runtime/nn/index.ts";
import { zeroShot } from "../../src/runtime/data/split.ts";
import type { Program } from "../../src/runtime/program.ts";
import { readResults } from "../../src/runtime/report/results.ts";
import type { Results } from "../../src/runtime/report/results.ts";
import { resultsTable } from "../../src/runtime/report/results_table.ts";
import { readSafetensors } from "../../src/runtime/report/safetensors.ts";
import * as tf from "@tensorflow/tfjs-core";
import { runInto } from "./running.ts";
import { shapesProgram } from "./shapes.ts";

const folder = mkdtempSync(join(tmpdir(), "dmlc-inference-"));
afterAll(() => rmSync(folder, { recursive: true }));

let runs = 0;

interface Ran {
  readonly results: Results;
  readonly stored: Map<string, { readonly shape: readonly number[]; readonly data: Float32Array }>;
}

async function run(program: Program, steps = 25): Promise<Ran> {
  const out = join(folder, String(runs++));
  const results = await runInto(out, program, { steps });
  expect(await readResults(join(out, "results.json"))).toEqual(results);
  const { tensors } = await readSafetensors(join(out, "weights.safetensors"));
  return { results, stored: tensors as Ran["stored"] };
}

describe("weights of heads", () => {
  test("are equal unless something else is asked for, and then the table is silent", async () => {
    const { results, stored } = await run(shapesProgram(), 2);
    expect(results.head_weights).toEqual({ pull: 0.5, soft: 0.5 });
    expect(Array.from(stored.get("ensemble/weights")!.data)).toEqual([0.5, 0.5]);
    expect(resultsTable(results.test, undefined, [], results.head_weights)).toBe(resultsTable(results.test));
  });

  test("sqrt_weights: those of the losses", async () => {
    const heads = [["pull"], ["soft"]];
    const { results, stored } = await run(
      shapesProgram({
        headWeights: (_, net) => strategies.learnedHeadWeights(net, "combine", heads, { share: 1 }),
      }),
    );
    const { pull, soft } = results.head_weights as { pull: number; soft: number };
    expect(pull + soft).toBeCloseTo(1, 5);
    expect(pull).not.toBe(0.5);
    expect(Math.abs(pull - results.weights["pull"]!)).toBeLessThan(5e-3);
    expect(stored.get("ensemble/weights")!.data[1]).toBeCloseTo(soft, 6);
    expect(resultsTable(results.test, undefined, [], results.head_weights)).toContain(
      `weights of the heads in the ensemble: pull ${pull.toFixed(3)}, soft ${soft.toFixed(3)}`,
    );
  });

  test("fit(validation): fitted when training has ended, at every selection, and before compression", async () => {
    const select = { kind: "best", metric: "map_at_r", every: 10, patience: 9 } as const;
    const base = shapesProgram();
    const program = shapesProgram({ inference: { kind: "fit" }, train: { ...base.train, select } });
    const { results, stored } = await run(program);
    const { pull, soft } = results.head_weights as { pull: number; soft: number };
    expect(pull + soft).toBeCloseTo(1, 5);
    expect(Math.abs(pull - 0.5)).toBeGreaterThan(0.01);
    expect(stored.get("ensemble/weights")!.data[0]).toBeCloseTo(pull, 6);
    // Nothing is lost at full width: the compressed embedding is the ensemble with these weights.
    const whole = await run({ ...program, compress: { kind: "distances", to: 32 } });
    expect(whole.results.test.compressed).toEqual(whole.results.test.ensemble);
    expect(whole.results.head_weights).toEqual(results.head_weights);
    const plain = await run(shapesProgram({ train: { ...base.train, select } }));
    expect(results.test.ensemble).not.toEqual(plain.results.test.ensemble);
    expect(results.test.heads).toEqual(plain.results.test.heads);
  });

  test("fit(validation) needs validation classes", async () => {
    const program = shapesProgram({
      inference: { kind: "fit" },
      split: zeroShot({ train: 0.5, validation: 0 }),
    });
    await expect(run(program)).rejects.toThrow(RunError);
  });

  test("nodes that count weights: fixed, learned and uncertain, one below the other", () => {
    const values = { "a/a": tf.tensor1d([0, Math.log(3)]), "u/s": tf.tensor1d([0, Math.log(4)]) };
    const net = { param: (name: string) => values[name as "a/a"] } as never;
    const below = strategies.uncertaintyHeadWeights(net, "u", [["three"], ["four"]]);
    const weights = strategies.learnedHeadWeights(
      net,
      "a",
      [["one"], strategies.fixedHeadWeights([1, 3], [["one", "two"], below])],
      { floor: 0.25, share: 0.8 },
    );
    const numbers = Object.fromEntries(Object.entries(weights).map(([k, v]) => [k, v.dataSync()[0]!]));
    // w = 1/4 + 1/2 softmax = (3/8, 5/8); half of a quarter of the second goes to `one` and to `two`.
    const second = 5 / 8;
    expect(numbers["one"]).toBeCloseTo(0.8 * (3 / 8 + second / 8), 6);
    expect(numbers["two"]).toBeCloseTo((0.8 * second) / 8, 6);
    expect(numbers["three"]).toBeCloseTo(0.8 * second * 0.75 * 0.8, 6);
    expect(numbers["four"]).toBeCloseTo(0.8 * second * 0.75 * 0.2, 6);
  });
});

describe("a folded ensemble", () => {
  const linear = ["heads/pull/1.linear", "heads/soft/1.linear"];

  /** The shapes program with heads that are linear maps, and a third of the weight on the first. */
  function flat(compress: NonNullable<Program["compress"]>): Program {
    const base = shapesProgram({ compress });
    return {
      ...base,
      heads: base.heads.map((head, k) => ({ ...head, unit: false, weight: [1 / 3, 2 / 3][k]! })),
      embed: (images, net) => {
        const { features } = base.embed(images, net);
        const head = (name: string): tf.Tensor2D => nn.linear(features, net, `heads/${name}/1.linear`);
        return { features, heads: { pull: head("pull"), soft: head("soft") } };
      },
    };
  }

  test("of linear heads is one head that gives what the heads and their compression give", async () => {
    const kept = await run(flat({ kind: "distances", to: 12, metric: "stress" }));
    const folded = await run(flat({ kind: "distances", to: 12, metric: "stress", fold: { linear } }));
    expect(folded.results.compression).toEqual({ ...kept.results.compression, heads: "folded" });
    for (const [metric, value] of Object.entries(kept.results.test.compressed!))
      expect(folded.results.test.compressed![metric as "nmi"]).toBeCloseTo(value!, 2);
    expect(folded.stored.get("compress/weight")!.shape).toEqual([144, 12]);
    expect(folded.stored.get("compress/bias")!.shape).toEqual([12]);
    expect(folded.stored.has("compress/matrix")).toBe(false);
  });

  test("looks at the heads alone with a blend of 1, and loses more", async () => {
    const compress = { kind: "distances", to: 6, fold: { linear } } as const;
    const [data, alone] = [await run(flat(compress), 5), await run(flat({ ...compress, blend: 1 }), 5)];
    const lost = [data, alone].map(({ results }) => results.compression!.expected_lost_distance);
    expect(lost[1]).toBeGreaterThan(lost[0]!);
    expect(alone.results.test.ensemble).toEqual(data.results.test.ensemble);
  });

  test("of heads that normalise is a regression, and leaves no tensor behind", async () => {
    const program = shapesProgram({ compress: { kind: "distances", to: 16, fold: {} } });
    const { results } = await run(program);
    const { heads, unexplained, discarded_energy } = results.compression!;
    expect(heads).toBe("regressed");
    expect(unexplained).toBeGreaterThan(0);
    expect(unexplained).toBeLessThanOrEqual(discarded_energy!);
    expect(results.test.compressed!.map_at_r!).toBeGreaterThan(results.test.untrained.map_at_r!);
    const before = tf.memory().numTensors;
    await run(program);
    expect(tf.memory().numTensors).toBe(before);
  });
});
