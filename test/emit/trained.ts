/** Emitted programs in this process, on generated images. */
import type * as tf from "@tensorflow/tfjs-core";
import { emitModel } from "../../src/compile.ts";
import { eraseTypes } from "../../src/emit/typescript/erase.ts";
import type { EmitOptions } from "../../src/emit/typescript/program.ts";
import type { ModelPlan } from "../../src/plan/plan.ts";
import { trainingBatches } from "../../src/runtime/data/batches.ts";
import type { Dataset } from "../../src/runtime/data/types.ts";
import * as runtime from "../../src/runtime/index.ts";
import type { Program } from "../../src/runtime/program.ts";
import { disposeFeeds, makeFeeds } from "../../src/runtime/train/feeds.ts";
import { sizesOf } from "../../src/runtime/train/load.ts";
import { createOptimizer } from "../../src/runtime/train/optimizers.ts";
import { createStep } from "../../src/runtime/train/step.ts";
import type { Step } from "../../src/runtime/train/step.ts";
import type { Generation } from "../../src/runtime/train/tensors.ts";
import { initialGeneration } from "../../src/runtime/train/trainer.ts";
import { drawShapes, shapes } from "../train/shapes.ts";

/** The program that a plan is emitted as, on generated images. */
export async function programOf(plan: ModelPlan, options: EmitOptions = {}): Promise<Program> {
  const identity = { specFile: "spec.dml", specHash: "0".repeat(64), compiler: "dmlc" };
  const emitted = await emitModel(plan, identity, options);
  if (!("text" in emitted)) throw new Error(JSON.stringify(emitted.diagnostics.map((each) => each.message)));
  const body = eraseTypes(emitted.text)
    .replace(/^import [^;]*;$/m, "")
    .replace("export default program;", "")
    .replace("await main(program, import.meta.url);", "return program;");
  const names = Object.keys(runtime);
  const program = new Function(...names, body)(...names.map((name) => runtime[name as "tf"])) as Program;
  return { ...program, data: shapes(12, 6) };
}

/** What the first steps of a program leave, and what they said of its losses; `as` is how a step is run. */
export function firstSteps(
  program: Program,
  steps: number,
  as: (step: Step) => Step = (step) => step,
  dataset: Dataset = drawShapes(12, 6),
): Generation & { losses: Record<string, number>[] } {
  const indices = Int32Array.from({ length: dataset.labels.length }, (_, k) => k);
  const { train: settings, augment, labels } = program;
  const batches = trainingBatches(dataset, indices, settings.batch, augment, 1, labels);
  const sizes = sizesOf(batches);
  const specs = program.parameters(sizes);
  const optimizer = createOptimizer(program.train.optimizer, specs);
  const step = as(createStep(program, sizes, specs, optimizer));
  let generation = initialGeneration(program, sizes, specs, 1);
  const noise = program.noise?.(sizes) ?? [];
  const losses: Record<string, number>[] = [];
  for (let k = 0; k < steps; k++) {
    const { train, views } = program;
    const feeds = makeFeeds({ batches, optimizer, train, noise, steps, seed: 1, views }, k);
    const result = step(generation, feeds.batch, feeds.rates);
    losses.push(
      Object.fromEntries(Object.entries(result.values.losses).map(([name, v]) => [name, values(v)[0]!])),
    );
    generation = result;
    disposeFeeds(feeds);
  }
  return { ...generation, losses };
}

export const values = (tensor: tf.Tensor): number[] => Array.from(tensor.dataSync());
