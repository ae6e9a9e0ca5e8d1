/**
 * Which weights are kept: the last, or the best by one metric of the ensemble's embedding on the validation classes,
 * with patience. Called by the trainer.
 */
import type { Dataset } from "../data/types.ts";
import { ensembleDim, ensembleEmbedding } from "../ensemble/embedding.ts";
import { RunError } from "../errors.ts";
import { evaluateEmbeddings } from "../evaluate/evaluate.ts";
import type { EvaluateSettings, MetricName, TrainSettings } from "../program.ts";
import { embedSamples } from "./embed.ts";
import type { Network } from "./embed.ts";

/** The settings that compute one metric and nothing else. */
export function onlyMetric(metric: MetricName, settings: EvaluateSettings): EvaluateSettings {
  const recall = /^recall_at_(\d+)$/.exec(metric);
  return {
    recallAt: recall === null ? [] : [Number(recall[1])],
    mapAtR: metric === "map_at_r",
    rPrecision: metric === "r_precision",
    nmi: metric === "nmi",
    ...(metric === "knn_accuracy" ? { knnAccuracy: settings.knnAccuracy ?? 1 } : {}),
  };
}

/** Whether the weights after `done` steps of `steps` are judged. */
export function selectionIsDue(select: TrainSettings["select"], done: number, steps: number): boolean {
  return select.kind === "best" && (done % select.every === 0 || done === steps);
}

/** Throws `RunError` if the program selects on validation classes and the split has none. */
export function requireValidation(select: TrainSettings["select"], validation: Int32Array): void {
  if (select.kind === "best" && validation.length === 0) {
    throw new RunError(
      `select: best(${select.metric}) needs validation classes, and the split has none`,
      "Give the data set's split a share of them (validation: 0.1), or write select: last.",
    );
  }
}

/** The metric of the ensemble's embedding on the samples at `indices`. */
export async function validationScore(
  network: Network,
  dataset: Dataset,
  indices: Int32Array,
  metric: MetricName,
  seed: number,
): Promise<number> {
  const { program } = network;
  const embeddings = await embedSamples(network, dataset, indices);
  const labels = indices.map((sample) => dataset.labels[sample]!);
  const metrics = await evaluateEmbeddings(
    ensembleEmbedding(program.heads, embeddings, indices.length),
    ensembleDim(program.heads),
    labels,
    onlyMetric(metric, program.evaluate),
    seed,
    "the ensemble on the validation classes",
  );
  return metrics[metric]!;
}
