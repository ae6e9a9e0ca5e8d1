/**
 * Judges one embedding of labelled samples: the entry of `evaluate/`. The trainer calls it on validation classes, the
 * run command on the unseen classes, once for each of pixels, untrained network, heads, ensemble and compressed.
 */
import type { EvaluateSettings, MetricName } from "../program.ts";
import { centre } from "./centred.ts";
import { kMeans } from "./kmeans.ts";
import { normalizedMutualInformation } from "./nmi.ts";
import { knnAccuracy, mapAtR, othersOfClass, recallAt, rPrecision } from "./retrieval_metrics.ts";
import { retrieve } from "./retrieve.ts";

/** The metrics that were asked for, each in 0..1, always in this order: recalls by K, then as in `MetricName`. */
export type Metrics = Partial<Record<MetricName, number>>;

/**
 * Metrics of one embedding, every sample a query among all the others, by Euclidean distance.
 *
 * @param embeddings [n, dim], row-major.
 * @param labels [n], class of each sample; any integers.
 * @param settings which metrics.
 * @param seed the run's seed: the start of k-means.
 * @param name what the embeddings are, for messages: `head pull`.
 * @throws if sizes disagree, a value is not finite, there are no samples, or no class has two of them.
 */
export async function evaluateEmbeddings(
  embeddings: Float32Array,
  dim: number,
  labels: Int32Array,
  settings: EvaluateSettings,
  seed: number,
  name = "embedding",
): Promise<Metrics> {
  const centred = centre(embeddings, dim, name);
  if (centred.n !== labels.length) {
    throw new Error(`${name}: ${centred.n} embeddings but ${labels.length} labels`);
  }
  if (labels.length === 0) throw new Error(`${name}: there are no samples to judge it by`);
  const relevant = othersOfClass(labels);
  const needsR = settings.mapAtR || settings.rPrecision;
  const fixedDepth = Math.max(0, ...settings.recallAt, settings.knnAccuracy ?? 0);
  if ((needsR || fixedDepth > 0) && relevant.every((R) => R === 0)) {
    throw new Error(`${name}: no class has two samples, so there is nothing to retrieve`);
  }
  const depths = relevant.map((R) => (R === 0 ? 0 : Math.max(fixedDepth, needsR ? R : 0)));
  const neighbours = await retrieve(embeddings, centred, depths);

  const metrics: Metrics = {};
  for (const K of settings.recallAt) metrics[`recall_at_${K}`] = recallAt(K, neighbours, labels, relevant);
  if (settings.mapAtR) metrics.map_at_r = mapAtR(neighbours, labels, relevant);
  if (settings.rPrecision) metrics.r_precision = rPrecision(neighbours, labels, relevant);
  if (settings.nmi) {
    const clusters = await kMeans(centred, new Set(labels).size, seed);
    metrics.nmi = normalizedMutualInformation(labels, clusters);
  }
  if (settings.knnAccuracy !== undefined) {
    metrics.knn_accuracy = knnAccuracy(settings.knnAccuracy, neighbours, labels, relevant);
  }
  return metrics;
}
