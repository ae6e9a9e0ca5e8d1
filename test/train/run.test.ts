import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import { afterAll, describe, expect, test } from "vitest";
import { DataError } from "../../src/runtime/data/errors.ts";
import { zeroShot } from "../../src/runtime/data/split.ts";
import { RunError, RunInterrupted } from "../../src/runtime/errors.ts";
import type { LossValue, Program } from "../../src/runtime/program.ts";
import type { Reporter } from "../../src/runtime/report/progress.ts";
import { readResults } from "../../src/runtime/report/results.ts";
import type { Results } from "../../src/runtime/report/results.ts";
import { readSafetensors } from "../../src/runtime/report/safetensors.ts";
import { runInto, silent } from "./running.ts";
import { contrastive, shapesProgram } from "./shapes.ts";

const folder = mkdtempSync(join(tmpdir(), "dmlc-run-"));
afterAll(() => rmSync(folder, { recursive: true }));

interface Ran {
  readonly results: Results;
  readonly out: string;
}

let runs = 0;

/** Runs a program into a folder of its own. */
async function run(
  program: Program,
  options: { steps?: number; seed?: number; reporter?: Reporter } = {},
): Promise<Ran> {
  const out = join(folder, String(runs++));
  return { results: await runInto(out, program, options), out };
}

/** The folder of a run that fails, and its error. */
async function failing(
  program: Program,
  reporter: Reporter = silent,
): Promise<{ error: RunError; out: string }> {
  const out = join(folder, String(runs));
  const error = await run(program, { reporter }).then(
    () => new Error("the run did not fail"),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(RunError);
  return { error: error as RunError, out };
}

const logOf = (out: string): Record<string, unknown>[] =>
  readFileSync(join(out, "log.jsonl"), "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);

/** All that a run says, as lines. */
function recording(lines: string[], onStep: (step: number) => void = () => {}): Reporter {
  return {
    phase: (text) => lines.push(text),
    work: () => {},
    step: (report) => onStep(report.step),
    message: (text) => lines.push(text),
    close: () => {},
  };
}

describe("a run of the shapes program", () => {
  test("learns to retrieve classes it has never seen, and writes weights, log and results", async () => {
    const { results, out } = await run(shapesProgram());
    const { pixels, untrained, heads, ensemble, compressed } = results.test;
    // Seven unseen classes of ten images: chance is a Recall@1 of 0.13.
    expect(ensemble.recall_at_1!).toBeGreaterThan(0.6);
    expect(ensemble.recall_at_1!).toBeGreaterThan(pixels.recall_at_1!);
    expect(ensemble.map_at_r!).toBeGreaterThan(2 * untrained.map_at_r!);
    expect(Object.keys(heads)).toEqual(["pull", "soft"]);
    for (const metrics of [pixels, untrained, ensemble, compressed!, ...Object.values(heads)]) {
      expect(Object.keys(metrics)).toEqual([
        "recall_at_1",
        "recall_at_2",
        "recall_at_4",
        "map_at_r",
        "r_precision",
        "nmi",
        "knn_accuracy",
      ]);
    }
    expect(results.data).toEqual({
      train_classes: 12,
      validation_classes: 5,
      test_classes: 7,
      train_samples: 120,
      test_samples: 70,
    });
    expect(Object.values(results.weights).reduce((sum, w) => sum + w, 0)).toBeCloseTo(1, 5);
    expect(await readResults(join(out, "results.json"))).toEqual(results);

    const log = logOf(out).filter((entry) => "total" in entry);
    expect(log.map((entry) => entry["step"])).toEqual([1, 10, 20, 30, 40, 50, 60]);
    const raw = log.map((entry) => entry["losses"] as { pull: number; soft: number });
    expect(raw.at(-1)!.pull).toBeLessThan(raw[0]!.pull);
    expect(raw.at(-1)!.soft).toBeLessThan(raw[0]!.soft);

    const { tensors, metadata } = await readSafetensors(join(out, "weights.safetensors"));
    expect(metadata).toMatchObject({ model: "shape_search", step: "60", seed: "7" });
    expect(tensors.get("backbone/1.conv/filter")!.shape).toEqual([3, 3, 1, 8]);
    expect(tensors.get("losses/soft/w")!.shape).toEqual([12, 16]);
    expect(tensors.get("compress/matrix")!.shape).toEqual([32, 16]);
    expect(tensors.get("combine/count")!.data[0]).toBe(60);
  });

  test("is the same for the same seed, apart from timing, and another for another", async () => {
    const twice = [await run(shapesProgram(), { steps: 12 }), await run(shapesProgram(), { steps: 12 })];
    const [first, second] = twice.map(({ results }) => JSON.stringify({ ...results, timing: {} }));
    expect(second).toBe(first);
    const bytes = twice.map(({ out }) => readFileSync(join(out, "weights.safetensors")));
    expect(bytes[0]!.equals(bytes[1]!)).toBe(true);
    const other = await run(shapesProgram(), { steps: 12, seed: 8 });
    expect(other.results.seed).toBe(8);
    expect(other.results.test.ensemble).not.toEqual(twice[0]!.results.test.ensemble);
    expect(other.results.test.pixels.map_at_r).toBe(twice[0]!.results.test.pixels.map_at_r);
  });

  test("in bfloat16 on an engine without it goes on in float32, says so once, and records it", async () => {
    const program = shapesProgram();
    const low: Program = { ...program, train: { ...program.train, precision: "bfloat16" } };
    const lines: string[] = [];
    const { results, out } = await run(low, { steps: 2, reporter: recording(lines) });
    const note = "precision: the wasm engine has no bfloat16, so training goes on in float32";
    expect(lines.filter((line) => line.includes("bfloat16"))).toEqual([note]);
    expect(logOf(out).filter((entry) => JSON.stringify(entry).includes(note))).toHaveLength(1);
    expect(results.precision).toBe("float32");
    const plain = await run(program, { steps: 2 });
    expect(plain.results).not.toHaveProperty("precision");
    expect(results.test).toEqual(plain.results.test);
  });

  test("leaves no tensor behind", async () => {
    const before = tf.memory().numTensors;
    await run(shapesProgram(), { steps: 3 });
    expect(tf.memory().numTensors).toBe(before);
  });

  test("keeps the best weights by the validation classes, and ends when patience is over", async () => {
    const program = shapesProgram();
    const select = { kind: "best", metric: "map_at_r", every: 2, patience: 3 } as const;
    const lr = 1e-9;
    const { results, out } = await run({
      ...program,
      train: { ...program.train, optimizer: { kind: "sgd", lr }, steps: 40, select },
    });
    const scores = logOf(out).filter((entry) => "validation" in entry);
    const best = scores.filter((entry) => entry["best"] === true).at(-1)!;
    const after = scores.length - 1 - scores.indexOf(best);
    expect(after).toBe(3);
    expect(results.steps).toBeLessThan(40);
    const { metadata } = await readSafetensors(join(out, "weights.safetensors"));
    expect(metadata["step"]).toBe(String(best["step"]));
  });
});

/** The shapes program whose loss `soft` is replaced. */
function withSoft(soft: (x: tf.Tensor2D, y: tf.Tensor1D, count: tf.Tensor) => LossValue): Program {
  const program = shapesProgram();
  return {
    ...program,
    losses: (embeddings, labels, net) => ({
      pull: contrastive(embeddings["pull"]!, labels),
      soft: soft(embeddings["soft"]!, labels, net.state("combine/count")),
    }),
  };
}

describe("what goes wrong", () => {
  test("a loss that becomes NaN is named with its place and step, and the last good weights are saved", async () => {
    const { error, out } = await failing(
      // The logarithm of a number that is negative from step 14 on.
      withSoft((x, _, count) => {
        const left = tf.sub(13.5, tf.slice(count, 0, 1));
        const value = tf.add(tf.mul(0, tf.sum(x)), tf.sum(tf.log(left)));
        return { value: value as tf.Scalar, valid: tf.scalar(1) };
      }),
    );
    expect(error.message).toBe(
      'loss "soft" is NaN at step 15\n  shapes.dml:12: soft: normalized_softmax(scale: 10)',
    );
    expect(error.help).toContain("Nothing is lost");
    const { tensors, metadata } = await readSafetensors(join(out, "weights.safetensors"));
    expect(metadata["step"]).toBe("9");
    expect([...tensors.values()].every(({ data }) => data.every(Number.isFinite))).toBe(true);
  });

  test("a gradient that is not finite is blamed on its loss", async () => {
    const { error } = await failing(
      // exp(60) squared in its derivative only: the value is finite.
      withSoft((x) => {
        const steep = tf.customGrad((value) => ({
          value: tf.clone(value as tf.Tensor),
          gradFunc: (dy: tf.Tensor) => tf.mul(tf.mul(dy, 1e30), 1e30),
        }));
        return { value: tf.mean(steep(x)) as tf.Scalar, valid: tf.scalar(1) };
      }),
    );
    expect(error.message).toMatch(
      /^the gradient of loss "soft" is (NaN|infinite) at step 1\n {2}shapes.dml:12: soft/,
    );
  });

  test("no tensor is left behind by a run that failed", async () => {
    const before = tf.memory().numTensors;
    await failing(
      withSoft((x) => ({ value: tf.mul(Infinity, tf.sum(tf.square(x))) as tf.Scalar, valid: tf.scalar(1) })),
    );
    expect(tf.memory().numTensors).toBe(before);
  });

  test("SIGINT ends training after the step in progress, with the weights saved", async () => {
    const { error, out } = await failing(
      shapesProgram(),
      recording([], (step) => {
        if (step === 5) process.emit("SIGINT");
      }),
    );
    expect(error).toBeInstanceOf(RunInterrupted);
    expect(error.message).toBe("interrupted after 5 of 60 steps");
    const { metadata } = await readSafetensors(join(out, "weights.safetensors"));
    expect(metadata["step"]).toBe("5");
  });

  test("selection without validation classes, and another image size, are said before training", async () => {
    const program = shapesProgram();
    const select = { kind: "best", metric: "map_at_r", every: 10, patience: 3 } as const;
    const none = await failing({
      ...program,
      split: zeroShot({ train: 0.5 }),
      train: { ...program.train, select },
    });
    expect(none.error.message).toContain("needs validation classes");
    const other = await failing({ ...program, image: [16, 16, 1] });
    expect(other.error.message).toContain("images of 12x12x1");
  });

  test("an output folder that cannot be made is named; old results do not outlive a run that fails", async () => {
    const out = join(folder, "in the way");
    writeFileSync(out, "");
    await expect(runInto(join(out, "run"), shapesProgram())).rejects.toThrow(
      `cannot write to ${join(out, "run")}`,
    );
    const old = join(folder, "old");
    mkdirSync(old);
    writeFileSync(join(old, "results.json"), "{}");
    await expect(runInto(old, { ...shapesProgram(), image: [16, 16, 1] })).rejects.toBeInstanceOf(RunError);
    expect(existsSync(join(old, "results.json"))).toBe(false);
  });

  test("errors of the data pass through, and classes left out of batches are noted", async () => {
    const program = shapesProgram();
    const large = { ...program, train: { ...program.train, batch: { classes: 20, samples: 4 } } };
    await expect(run(large)).rejects.toBeInstanceOf(DataError);
    const lines: string[] = [];
    const data = {
      description: "shapes, one class cut short",
      async load(context: Parameters<typeof program.data.load>[0]) {
        const dataset = await program.data.load(context);
        const { train } = program.split.apply(dataset);
        const short = dataset.labels[train[0]!]!;
        const seen: number[] = [];
        const kept = [...dataset.labels.keys()].filter(
          (i) => dataset.labels[i] !== short || seen.push(i) <= 2,
        );
        const length = 144;
        const pixels = new Uint8Array(kept.length * length);
        kept.forEach((i, row) =>
          pixels.set(dataset.pixels.subarray(i * length, (i + 1) * length), row * length),
        );
        return {
          ...dataset,
          pixels,
          labels: Int32Array.from(kept, (i) => dataset.labels[i]!),
          sampleNames: kept.map((i) => dataset.sampleNames[i]!),
        };
      },
    };
    const { out } = await run({ ...program, data }, { steps: 1, reporter: recording(lines) });
    const note = "1 of 12 training classes left out of batches: fewer than 4 samples";
    expect(lines).toContain(note);
    expect(logOf(out)).toContainEqual({ note });
  });
});
