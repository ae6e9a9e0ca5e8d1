/**
 * `results.json`: what a run has measured, for people and for other programs. The schema is the file's definition:
 * both reading and writing are held against it. Touches the disk.
 */
import { readFile } from "node:fs/promises";
import { z } from "zod";
import type { Metrics } from "../evaluate/evaluate.ts";
import type { Precision } from "../program.ts";
import { writeFileAtomic } from "./atomic_write.ts";

export interface Results {
  /** The model's name. */
  readonly model: string;
  readonly spec_hash: string;
  /** What the tensors ran on: `wasm`. */
  readonly engine: string;
  /** Where the spec says `precision: bfloat16`: what the layers multiplied in while training. */
  readonly precision?: Precision;
  readonly seed: number;
  /** Training steps that were taken. */
  readonly steps: number;
  readonly data: {
    readonly train_classes: number;
    readonly validation_classes: number;
    readonly test_classes: number;
    readonly train_samples: number;
    readonly test_samples: number;
  };
  /** On the test classes, none of which was seen in training. */
  readonly test: {
    /** The pixels themselves as the embedding. */
    readonly pixels: Metrics;
    /** The ensemble before the first step. */
    readonly untrained: Metrics;
    readonly heads: Readonly<Record<string, Metrics>>;
    readonly ensemble: Metrics;
    /** Of gated ensembles: the control, each sample's gates given to another sample. */
    readonly ensemble_permuted_gates?: Metrics;
    /** Where the spec says `compress`. */
    readonly compressed?: Metrics;
  };
  /** Where the spec says `compress`: what it cost on the training samples (see `CompressionLoss`). */
  readonly compression?: {
    readonly to: number;
    /** What was to be kept: inner products (`strain`) or squared distances (`stress`). */
    readonly metric?: "strain" | "stress";
    readonly discarded_energy?: number;
    readonly expected_lost_distance?: number;
    /**
     * Whether the compression follows the heads, or one linear head stands for them, exactly or by regression, or a small
     * network that was trained to.
     */
    readonly heads: "kept" | "folded" | "regressed" | "distilled";
    /** Of a regression: the share of the embeddings' variance that no linear map of the features explains. */
    readonly unexplained?: number;
    /** Of a small network, which has no other cost: Σ (d_z − d)² / Σ d² over pairs of training samples. */
    readonly stress?: number;
  };
  /** Effective weight of each loss after the last step. */
  readonly weights: Readonly<Record<string, number>>;
  /**
   * Squared weight of each head in the ensemble's embedding, as it was evaluated and compressed; of gated heads the mean
   * over the test samples.
   */
  readonly head_weights: Readonly<Record<string, number>>;
  /**
   * Of combinations with named groups: the weight of each group in what it stands in (`pairs`), and of each of its
   * losses or groups within it (`pairs/pull`).
   */
  readonly group_weights?: Readonly<Record<string, number>>;
  /** Milliseconds, but for what says otherwise. */
  readonly timing: { readonly ms_per_step: number; readonly [what: string]: number };
}

const count = z.int().nonnegative();
const metrics = z.record(
  z.string().regex(/^(recall_at_[1-9]\d*|map_at_r|r_precision|nmi|knn_accuracy)$/),
  z.number().min(0).max(1),
);

export const resultsSchema = z.object({
  model: z.string(),
  spec_hash: z.string(),
  engine: z.string(),
  precision: z.enum(["float32", "bfloat16"]).exactOptional(),
  seed: count,
  steps: count,
  data: z.object({
    train_classes: count,
    validation_classes: count,
    test_classes: count,
    train_samples: count,
    test_samples: count,
  }),
  test: z.object({
    pixels: metrics,
    untrained: metrics,
    heads: z.record(z.string(), metrics),
    ensemble: metrics,
    ensemble_permuted_gates: metrics.exactOptional(),
    compressed: metrics.exactOptional(),
  }),
  compression: z
    .object({
      to: z.int().positive(),
      metric: z.enum(["strain", "stress"]).exactOptional(),
      discarded_energy: z.number().min(0).max(1).exactOptional(),
      expected_lost_distance: z.number().nonnegative().exactOptional(),
      heads: z.enum(["kept", "folded", "regressed", "distilled"]),
      unexplained: z.number().min(0).max(1).exactOptional(),
      stress: z.number().nonnegative().exactOptional(),
    })
    .exactOptional(),
  weights: z.record(z.string(), z.number()),
  head_weights: z.record(z.string(), z.number().nonnegative()),
  group_weights: z.record(z.string(), z.number()).exactOptional(),
  timing: z.object({ ms_per_step: z.number().nonnegative() }).catchall(z.number()),
}) satisfies z.ZodType<Results>;

/** Writes `results.json`, atomically; a value that is not finite or out of its range is an error, not a null. */
export async function writeResults(path: string, results: Results): Promise<void> {
  checked(results, path);
  // As given, not as parsed: zod leaves out a loss called `__proto__`.
  await writeFileAtomic(path, `${JSON.stringify(results, null, 2)}\n`);
}

/** Reads `results.json`; errors name the file and every field that is not as it should be. */
export async function readResults(path: string): Promise<Results> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(await readFile(path, "utf8"));
  } catch (error) {
    throw new Error(`cannot read ${path}: ${(error as Error).message}`, { cause: error });
  }
  return checked(parsed, path);
}

function checked(value: unknown, path: string): Results {
  const result = resultsSchema.safeParse(value);
  if (result.success) return result.data;
  throw new Error(`${path} does not hold valid results:\n${z.prettifyError(result.error)}`);
}
