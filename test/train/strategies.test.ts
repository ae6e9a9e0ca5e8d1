import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { afterAll, describe, expect, test } from "vitest";
import { trainingBatches } from "../../src/runtime/data/batches.ts";
import { strategies } from "../../src/runtime/index.ts";
import type { LossValue, Program } from "../../src/runtime/program.ts";
import { readResults } from "../../src/runtime/report/results.ts";
import type { Results } from "../../src/runtime/report/results.ts";
import { resultsTable } from "../../src/runtime/report/results_table.ts";
import { disposeFeeds, makeFeeds } from "../../src/runtime/train/feeds.ts";
import { createOptimizer } from "../../src/runtime/train/optimizers.ts";
import { runInto } from "./running.ts";
import { drawShapes, shapesProgram } from "./shapes.ts";

const folder = mkdtempSync(join(tmpdir(), "dmlc-strategies-"));
afterAll(() => rmSync(folder, { recursive: true }));

let runs = 0;

async function run(program: Program, steps: number): Promise<{ results: Results; out: string }> {
  const out = join(folder, String(runs++));
  const results = await runInto(out, program, { steps });
  return { results, out };
}

const lastValues = (out: string): Record<string, unknown> =>
  readFileSync(join(out, "log.jsonl"), "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .filter((entry) => "total" in entry)
    .at(-1)!;

/** Squared distances to one's own class less a tenth of those to others: each sample's share. */
function shares(x: tf.Tensor2D, labels: tf.Tensor1D): LossValue {
  const squared = tf.sub(2, tf.mul(2, tf.matMul(x, x, false, true)));
  const same = tf.cast(tf.equal(tf.expandDims(labels, 1), tf.expandDims(labels, 0)), "float32");
  const push = tf.mul(tf.sub(1, same), tf.relu(tf.sub(1, squared)));
  const perSample = tf.sum(tf.add(tf.mul(same, squared), tf.div(push, 10)), 1) as tf.Tensor1D;
  return { value: tf.mean(perSample), valid: tf.scalar(1), perSample };
}

const GATE = [["pull"], ["soft"]];
const termsOf = (losses: Record<string, LossValue>) =>
  Object.entries(losses).map(([name, loss]) => strategies.term(name, loss));

/** The shapes program with other weights in place of those of `learned`. */
function withStrategy(changes: Partial<Program>, parameters: ReturnType<Program["parameters"]>): Program {
  const program = shapesProgram();
  return {
    ...program,
    parameters: (sizes) => [
      ...program.parameters(sizes).filter((spec) => !spec.name.startsWith("combine/")),
      ...parameters,
    ],
    ...changes,
  };
}

const gatedProgram = (): Program =>
  withStrategy(
    {
      losses: ({ pull, soft }, labels) => ({ pull: shares(pull!, labels), soft: shares(soft!, labels) }),
      combine: (losses, context) => strategies.gated(context, "combine", termsOf(losses), GATE),
      headWeights: (features, net) => strategies.gateHeadWeights(features, net, "combine", GATE),
    },
    strategies.gateParameters("combine", 144, 2),
  );

describe("a gated run", () => {
  test("is judged against its permuted gates, and leaves no tensor behind", async () => {
    const { results, out } = await run(gatedProgram(), 30);
    const { ensemble, ensemble_permuted_gates: control, compressed } = results.test;
    expect(Object.keys(control!)).toEqual(Object.keys(ensemble));
    expect(control).not.toEqual(ensemble);
    expect(compressed).toBeDefined();
    expect(results.weights["pull"]! + results.weights["soft"]!).toBeCloseTo(1, 5);
    expect(results.weights["pull"]).not.toBe(0.5);
    expect(await readResults(join(out, "results.json"))).toEqual(results);
    expect(resultsTable(results.test)).toMatch(/\nensemble .*\npermuted gates .*\ncompressed /);

    const before = tf.memory().numTensors;
    const again = await run(gatedProgram(), 30);
    expect(tf.memory().numTensors).toBe(before);
    expect({ ...again.results, timing: {} }).toEqual({ ...results, timing: {} });
  });

  test("is distilled into one network, the same for the same seed, and leaves no tensor behind", async () => {
    const compress = { kind: "distilled", to: 16, hidden: 32, steps: 20 } as const;
    const { results, out } = await run({ ...gatedProgram(), compress }, 30);
    const { compressed, untrained } = results.test;
    expect(results.compression).toEqual({ to: 16, heads: "distilled", stress: expect.any(Number) });
    expect(results.compression!.stress).toBeLessThan(0.1);
    expect(compressed!.map_at_r!).toBeGreaterThan(untrained.map_at_r!);
    expect(await readResults(join(out, "results.json"))).toEqual(results);
    const before = tf.memory().numTensors;
    const again = await run({ ...gatedProgram(), compress }, 30);
    expect(tf.memory().numTensors).toBe(before);
    expect({ ...again.results, timing: {} }).toEqual({ ...results, timing: {} });
  });

  test("runs without gates or groups say nothing of them", async () => {
    const { results, out } = await run(shapesProgram(), 2);
    expect(results.test).not.toHaveProperty("ensemble_permuted_gates");
    expect(results).not.toHaveProperty("group_weights");
    expect(Object.keys(lastValues(out))).toEqual([
      "step",
      "total",
      "losses",
      "weights",
      "gradient_norm",
      "rate",
    ]);
  });
});

describe("a run in groups", () => {
  test("says the weights of groups and of losses within them, in results and log", async () => {
    const program = withStrategy(
      {
        combine: ({ pull, soft }, { net }) =>
          strategies.hierarchical(net, "combine", [
            ["pairs", strategies.term("pull", pull!)],
            ["proxies", strategies.term("soft", soft!)],
          ]),
      },
      strategies.hierarchicalParameters("combine", 2),
    );
    const { results, out } = await run(program, 3);
    const groups = results.group_weights!;
    expect(Object.keys(groups)).toEqual(["pairs", "pairs/pull", "proxies", "proxies/soft"]);
    expect(groups["pairs/pull"]).toBe(1);
    expect(groups["pairs"]).toBeCloseTo(results.weights["pull"]!, 6);
    expect(lastValues(out)["group_weights"]).toEqual(groups);
    expect(await readResults(join(out, "results.json"))).toEqual(results);
  });
});

describe("a run with noise", () => {
  const program = (): Program =>
    withStrategy(
      {
        noise: () => strategies.pcgradNoise("combine", 2),
        combine: (losses, { net }) => strategies.pcgrad(net, "combine", termsOf(losses)),
      },
      [],
    );

  test("learns by gradient surgery, the same for the same seed, and leaves no tensor behind", async () => {
    const first = await run(program(), 15);
    const before = tf.memory().numTensors;
    const second = await run(program(), 15);
    expect(tf.memory().numTensors).toBe(before);
    expect({ ...second.results, timing: {} }).toEqual({ ...first.results, timing: {} });
    expect(first.results.weights).toEqual({ pull: 1, soft: 1 });
    expect(first.results.test.ensemble.map_at_r!).toBeGreaterThan(first.results.test.untrained.map_at_r!);
  });

  test("draws it from the stream of seed, name and step, uniform in [0, 1)", () => {
    const { train } = shapesProgram();
    const dataset = drawShapes(12, 10);
    const batches = trainingBatches(dataset, Int32Array.from(dataset.labels.keys()), train.batch, [], 7);
    const optimizer = createOptimizer(train.optimizer, []);
    const noise = [
      { name: "combine/order", shape: [3, 3] },
      { name: "other", shape: [9] },
    ];
    const draw = (step: number, seed: number, specs = noise): number[][] => {
      const feeds = makeFeeds({ batches, optimizer, train, noise: specs, steps: 30, seed }, step);
      const drawn = Object.values(feeds.batch.noise).map((tensor) => Array.from(tensor.dataSync()));
      disposeFeeds(feeds);
      return drawn;
    };
    const [order, other] = draw(4, 7);
    expect(draw(4, 7)).toEqual([order, other]);
    expect(order).not.toEqual(other);
    expect(draw(5, 7)[0]).not.toEqual(order);
    expect(draw(4, 8)[0]).not.toEqual(order);
    // Another name beside it changes nothing.
    expect(draw(4, 7, [noise[0]!])).toEqual([order]);
    for (const value of order!) expect(value >= 0 && value < 1).toBe(true);
  });
});
