/**
 * The compressed form of a trained ensemble: fitted on training samples, applied to those of the test. Called by the final
 * evaluation.
 */
import type { Dataset, Split } from "../data/types.ts";
import { fitCompression } from "../ensemble/compress.ts";
import { applyHead, foldLinear, regressHead } from "../ensemble/compress_fold.ts";
import type { FoldedHead, RegressedHead } from "../ensemble/compress_fold.ts";
import { meanAndVariance } from "../ensemble/compress_statistics.ts";
import { ensembleDim, ensembleEmbedding } from "../ensemble/embedding.ts";
import type { CompressSettings, DistanceSettings } from "../program.ts";
import type { Results } from "../report/results.ts";
import type { StoredTensor } from "../report/safetensors.ts";
import { applyStudent, distil } from "./distil.ts";
import type { Student } from "./distil.ts";
import { embedSamples } from "./embed.ts";
import type { Network, SampleEmbeddings } from "./embed.ts";

export interface Compressed {
  /** [n, to], of the test samples. */
  readonly embeddings: Float32Array;
  readonly said: NonNullable<Results["compression"]>;
  /** What makes it of the ensemble's embedding (`compress/matrix`, `compress/mean`) or of the features (`compress/weight` and the like). */
  readonly stored: readonly (readonly [name: string, tensor: StoredTensor])[];
}

/** @param test what the network makes of the `count` test samples. */
export async function compressed(
  network: Network,
  settings: CompressSettings,
  dataset: Dataset,
  split: Split,
  test: SampleEmbeddings,
  seed: number,
): Promise<Compressed> {
  const { heads } = network.program;
  const count = split.test.length;
  const n = split.train.length;
  const seen = await embedSamples(network, dataset, split.train);
  const embeddings = ensembleEmbedding(heads, seen.heads, n, seen.weights);
  const width = ensembleDim(heads);
  if (settings.kind === "distilled") {
    const student = await distil(seen.features!, embeddings, n, settings, seed);
    return {
      embeddings: await applyStudent(student, test.features!, count),
      said: { to: settings.to, heads: "distilled", stress: student.stress },
      stored: studentTensors(student),
    };
  }
  const { to, metric = "strain", fold } = settings;
  if (fold === undefined) {
    const fitted = fitCompression(embeddings, n, width, to, metric);
    return {
      embeddings: fitted.apply(ensembleEmbedding(heads, test.heads, count, test.weights), count),
      said: { ...said(fitted, settings), heads: "kept" },
      stored: [
        ["compress/matrix", { shape: [width, to], data: fitted.matrix }],
        ["compress/mean", { shape: [width], data: fitted.mean }],
      ],
    };
  }
  const head =
    fold.linear === undefined
      ? regressHead(seen.features!, embeddings, n, to, metric)
      : foldLinear(await linearHeads(network, fold.linear, seen), embeddings, n, to, {
          metric,
          blend: settings.blend ?? 0,
          featureVariance: meanAndVariance(seen.features!, n).variance,
        });
  return {
    embeddings: applyHead(head, test.features!, count),
    said: {
      ...said(head, settings),
      heads: fold.linear === undefined ? "regressed" : "folded",
      ...("unexplained" in head ? { unexplained: (head as RegressedHead).unexplained } : {}),
    },
    stored: [
      ["compress/weight", { shape: [head.kernel.length / to, to], data: head.kernel }],
      ["compress/bias", { shape: [to], data: head.bias }],
    ],
  };
}

function studentTensors({ linear, bias, hidden, hiddenBias, output }: Student): Compressed["stored"] {
  const [to, units] = [bias.length, hiddenBias.length];
  return [
    ["compress/weight", { shape: [linear.length / to, to], data: linear }],
    ["compress/bias", { shape: [to], data: bias }],
    ["compress/hidden/weight", { shape: [hidden.length / units, units], data: hidden }],
    ["compress/hidden/bias", { shape: [units], data: hiddenBias }],
    ["compress/output/weight", { shape: [units, to], data: output }],
  ];
}

const said = (cost: Omit<FoldedHead, "kernel" | "bias">, { to, metric = "strain" }: DistanceSettings) => ({
  to,
  metric,
  discarded_energy: cost.discardedEnergy,
  expected_lost_distance: cost.expectedLostDistance,
});

/** The linear heads' parameters, at these paths, with their weights in the ensemble. */
async function linearHeads(
  { program, parameters }: Network,
  paths: readonly string[],
  { weights }: SampleEmbeddings,
) {
  const decided = new Map(Object.entries(weights));
  return Promise.all(
    program.heads.map(async ({ name, weight }, k) => ({
      kernel: (await parameters[`${paths[k]!}/weight`]!.data()) as Float32Array,
      bias: (await parameters[`${paths[k]!}/bias`]!.data()) as Float32Array,
      weight: decided.get(name)?.[0] ?? weight,
    })),
  );
}
