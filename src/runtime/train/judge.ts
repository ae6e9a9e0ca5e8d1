/**
 * The final evaluation on the unseen classes: pixels and the untrained network as baselines, each head, the ensemble,
 * and its compressed form, which is fitted on training samples. Called once, at the end of a run.
 */
import type { Dataset, Split } from "../data/types.ts";
import { ensembleDim, ensembleEmbedding, permutedWeights } from "../ensemble/embedding.ts";
import { evaluateEmbeddings } from "../evaluate/evaluate.ts";
import type { Metrics } from "../evaluate/evaluate.ts";
import type { Results } from "../report/results.ts";
import type { StoredTensor } from "../report/safetensors.ts";
import { compressed } from "./compressed.ts";
import { embedSamples, pixelEmbeddings } from "./embed.ts";
import type { Network } from "./embed.ts";

export interface Judged {
  readonly test: Results["test"];
  /** v_h of each head in the ensemble's embedding; the mean over the test samples where it differs between them. */
  readonly headWeights: Results["head_weights"];
  readonly compression?: NonNullable<Results["compression"]>;
  /**
   * What the embeddings need beside the parameters: `ensemble/weights` [H] where no sample has its own, and what the
   * compression needs.
   */
  readonly stored: Map<string, StoredTensor>;
}

/** Evaluates a trained network and the same one untrained; `progress` counts the embeddings judged. */
export async function judge(
  trained: Network,
  untrained: Network,
  dataset: Dataset,
  split: Split,
  seed: number,
  progress: (done: number, total: number) => void,
): Promise<Judged> {
  const { heads, evaluate: settings, compress } = trained.program;
  const labels = split.test.map((sample) => dataset.labels[sample]!);
  const width = ensembleDim(heads);
  let total = 3 + heads.length + (compress === undefined ? 0 : 1);
  let done = 0;
  const measure = async (embeddings: Float32Array, dim: number, name: string): Promise<Metrics> => {
    progress(done, total);
    const metrics = await evaluateEmbeddings(embeddings, dim, labels, settings, seed, name);
    progress(++done, total);
    return metrics;
  };
  const ensembleOf = async (network: Network, indices: Int32Array): Promise<Float32Array> => {
    const { heads: embeddings, weights } = await embedSamples(network, dataset, indices);
    return ensembleEmbedding(heads, embeddings, indices.length, weights);
  };

  const own = await pixelEmbeddings(dataset, split.test);
  const pixels = await measure(own.embeddings, own.dim, "pixels");
  const before = await measure(await ensembleOf(untrained, split.test), width, "the untrained network");

  const seen = await embedSamples(trained, dataset, split.test);
  const { heads: embeddings, weights } = seen;
  const count = split.test.length;
  const permuted = permutedWeights(weights, count, seed);
  if (permuted !== undefined) total++;
  const headMetrics: [name: string, metrics: Metrics][] = [];
  for (const { name, dim } of heads) {
    headMetrics.push([name, await measure(embeddings[name]!, dim, `head ${name}`)]);
  }
  const joined = ensembleEmbedding(heads, embeddings, count, weights);
  const measured = {
    pixels,
    untrained: before,
    heads: Object.fromEntries(headMetrics),
    ensemble: await measure(joined, width, "the ensemble"),
  };
  const control = permuted === undefined ? undefined : ensembleEmbedding(heads, embeddings, count, permuted);
  const test =
    control === undefined
      ? measured
      : { ...measured, ensemble_permuted_gates: await measure(control, width, "the permuted gates") };
  const decided = new Map(Object.entries(weights));
  const headWeights = Object.fromEntries(
    heads.map(({ name, weight }) => [name, averageOf(decided.get(name) ?? Float32Array.of(weight))]),
  );
  const stored = new Map<string, StoredTensor>();
  if (permuted === undefined) {
    const data = Float32Array.from(Object.values(headWeights));
    stored.set("ensemble/weights", { shape: [heads.length], data });
  }
  if (compress === undefined) return { test, headWeights, stored };

  const {
    embeddings: short,
    said,
    stored: needed,
  } = await compressed(trained, compress, dataset, split, seen, seed);
  return {
    test: { ...test, compressed: await measure(short, compress.to, "the compressed embedding") },
    compression: said,
    headWeights,
    stored: new Map([...stored, ...needed]),
  };
}

const averageOf = (values: Float32Array): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;
