/** An emitted program over several labels: what its batches say of them, its losses, and a whole run on a folder. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import * as tf from "@tensorflow/tfjs-core";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { checkFile } from "../../src/compile.ts";
import { interpretLoss } from "../../src/interpret/index.ts";
import type { ModelPlan } from "../../src/plan/plan.ts";
import { trainingBatches } from "../../src/runtime/data/batches.ts";
import { folder } from "../../src/runtime/data/folder.ts";
import type { Dataset, LoadContext } from "../../src/runtime/data/types.ts";
import { startEngine } from "../../src/runtime/engine/index.ts";
import { weightsByClass } from "../../src/runtime/init.ts";
import { sizesOf } from "../../src/runtime/train/load.ts";
import { initialState } from "../../src/runtime/train/parameters.ts";
import { capturedStep } from "../../src/runtime/train/captured_step.ts";
import { host } from "../check/harness.ts";
import { runInto } from "../train/running.ts";
import { drawShapes } from "../train/shapes.ts";
import { specs } from "./emitted.ts";
import { firstSteps, programOf, values } from "./trained.ts";

const base = mkdtempSync(join(tmpdir(), "dmlc-labels-"));
const context: LoadContext = {
  specDirectory: base,
  projectRoot: base,
  allowOutside: false,
  cacheDirectory: base,
  progress: () => {},
};
const LABELS = ["department", "kind", "article"];
let dataset: Dataset;

beforeAll(async () => {
  await startEngine("wasm");
  const { pixels, labels } = drawShapes(16, 4);
  const written = Array.from(labels, async (label, sample) => {
    const path = join(base, "shop", `d${label >> 3}`, `k${label >> 1}`, `a${label}`, `${sample}.png`);
    mkdirSync(dirname(path), { recursive: true });
    const raw = { width: 12, height: 12, channels: 1 } as const;
    await sharp(pixels.slice(sample * 144, (sample + 1) * 144), { raw })
      .png()
      .toFile(path);
  });
  await Promise.all(written);
  dataset = await folder("shop", { image: [12, 12, 1], labels: LABELS }).load(context);
});
afterAll(() => rmSync(base, { recursive: true }));

function plan(): ModelPlan {
  const text = readFileSync(specs.get("labels")!, "utf8");
  return checkFile(host({ "labels.dml": text }), "labels.dml")!.models[0]!;
}

describe("a folder of three levels", () => {
  test("has a class for each folder of the last, and the levels above as labels", () => {
    expect(dataset.classNames).toHaveLength(16);
    expect(dataset.classNames[0]).toBe("d0/k0/a0");
    expect(dataset.further!.map(({ name, classNames }) => [name, classNames.length])).toEqual([
      ["department", 2],
      ["kind", 8],
    ]);
    const [department, kind] = dataset.further!;
    expect(kind!.classNames[0]).toBe("d0/k0");
    dataset.labels.forEach((label, sample) => {
      const path = dataset.classNames[label]!;
      expect(path.startsWith(`${department!.classNames[department!.labels[sample]!]!}/`)).toBe(true);
      expect(path.startsWith(`${kind!.classNames[kind!.labels[sample]!]!}/`)).toBe(true);
    });
  });

  test("gives batches whose labels are dense over what they are drawn from", () => {
    const train = Int32Array.from(dataset.labels.keys()).filter((at) => dataset.labels[at]! >= 4);
    const batches = trainingBatches(dataset, train, { classes: 4, samples: 3 }, [], 1, ["kind"]);
    const [kind] = batches.further;
    expect(kind!.classNames).toHaveLength(6);
    const [samples, labels] = [batches.samples(0), kind!.labels(0)];
    samples.forEach((sample, slot) => {
      const path = dataset.classNames[dataset.labels[sample]!]!;
      expect(path.startsWith(`${kind!.classNames[labels[slot]!]!}/`)).toBe(true);
    });
    expect(() => trainingBatches(dataset, train, { classes: 4, samples: 3 }, [], 1, ["colour"])).toThrow(
      'shop has no label "colour"',
    );
  });
});

describe("an emitted program over several labels", () => {
  test("says which it reads, the class not among them", async () => {
    const program = await programOf(plan());
    expect(program.labels).toEqual(["department", "kind"]);
    const sizes = {
      classes: 8,
      labels: { department: 2, kind: 5 },
      counts: Array<number>(8).fill(4),
      labelCounts: { department: [20, 12], kind: Array<number>(5).fill(6) },
    };
    expect(program.parameters(sizes).find(({ name }) => name === "losses/kind/w")!.shape).toEqual([5, 8]);
    expect(program.state(sizes).map(({ name }) => name)).toContain("memory/20/labels/department");
  });

  test("takes the losses that the interpreter does, as written and captured", async () => {
    const model = plan();
    const program = await programOf(model);
    const { recorder } = await startEngine("wasm");
    const { losses, state } = firstSteps(program, 4, undefined, dataset);
    const captured = firstSteps(program, 4, (step) => capturedStep(recorder, step, () => {}).step, dataset);
    captured.losses.forEach((step, at) => {
      for (const [name, value] of Object.entries(step)) expect(losses[at]![name], name).toBeCloseTo(value, 4);
    });
    const batches = trainingBatches(
      dataset,
      Int32Array.from(dataset.labels.keys()),
      program.train.batch,
      [],
      1,
      program.labels,
    );
    const department = batches.further.find(({ name }) => name === "department")!;
    const past = [0, 1, 2, 3].flatMap((step) => [...department.labels(step)]);
    expect(values(state["memory/20/labels/department"]!)).toEqual(past.slice(-20));
    // The first step's memory is empty: the loss of its batch, whose embeddings it then remembers.
    const after = firstSteps(program, 1, undefined, dataset);
    const data = Float64Array.from(values(after.state["memory/20/embeddings/near"]!).slice(-96));
    const { instance } = model.losses.find(({ name }) => name === "near")!;
    const batch = {
      views: [{ rows: 12, columns: 8, data }],
      labels: [...batches.labels(0)],
      classes: 16,
      further: new Map([["department", { labels: [...department.labels(0)], classes: 2 }]]),
    };
    const { value } = interpretLoss(instance, batch, { by: "department" });
    expect(losses[0]!["near"]).toBeCloseTo(value, 4);
    expect(Math.abs(value - interpretLoss(instance, batch).value)).toBeGreaterThan(1e-3);
  });

  test("weighs by class as its samples are counted", async () => {
    const model = plan();
    const program = await programOf(model);
    const uneven = trainingBatches(
      dataset,
      Int32Array.from(dataset.labels.keys()).filter((at) => dataset.labels[at]! > 2),
      program.train.batch,
      [],
      1,
      program.labels,
    );
    const sizes = sizesOf(uneven);
    expect(sizes.labelCounts!["kind"]).toEqual([4, 8, 8, 8, 8, 8, 8]);
    const state = initialState(program.state(sizes));
    const weights = values(state["class_weights/balanced/kind"]!);
    weightsByClass("balanced", sizes.labelCounts!["kind"]!).forEach((weight, k) =>
      expect(weights[k]).toBeCloseTo(weight, 5),
    );
    const names = Object.keys(state).filter((name) => name.startsWith("class_weights"));
    expect(names.sort()).toEqual([
      "class_weights/balanced",
      "class_weights/balanced/kind",
      "class_weights/inverse_sqrt",
    ]);
    tf.dispose(state);
  });

  test("trains on the folder to the end", async () => {
    const program = await programOf(plan());
    const data = folder("shop", { image: [12, 12, 1], labels: LABELS });
    const results = await runInto(join(base, "run"), { ...program, data });
    expect(results.test.ensemble["recall_at_1"]).toBeGreaterThan(0);
    expect(results.data.train_classes).toBe(8);
  });
});
