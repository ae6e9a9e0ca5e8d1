/**
 * What a data set is to the runtime. Types only: sources (`icon_sets.ts`, `folder.ts`) produce it, the sampler, the
 * trainer and the evaluator read it.
 */
import type { Random } from "../random.ts";

/** A labelled set of images, all of one size, held as bytes. */
export interface Dataset {
  /** A stable name: part of the key of the class split. */
  readonly name: string;
  /** Height, width, channels. */
  readonly image: readonly [number, number, number];
  /** Class index to class name, sorted. */
  readonly classNames: readonly string[];
  /** Class index to a cluster of classes that must share a fold (synonyms); each class its own where none are known. */
  readonly classClusters: Int32Array;
  /** Class index of each sample, [n]. */
  readonly labels: Int32Array;
  /** Stable name of each sample, [n], for messages. */
  readonly sampleNames: readonly string[];
  /** [n, H, W, C] bytes, 0..255; divided by 255 before the network sees them. */
  readonly pixels: Uint8Array;
  /** What was left out and why, one line each, for the log. */
  readonly notes: readonly string[];
}

/** What loading may need of its surroundings; sources read nothing that is not named by the spec or given here. */
export interface LoadContext {
  /** Directory of the spec file: data paths are relative to it. */
  readonly specDirectory: string;
  /** Nearest folder upward with a package.json, else `specDirectory`: data paths may not leave it... */
  readonly projectRoot: string;
  /** ...unless this is set (`dmlc run --allow-outside`). */
  readonly allowOutside: boolean;
  /** Per-user cache for data that is built once. */
  readonly cacheDirectory: string;
  /** Progress of slow work: `done` of `total` units of `what`. */
  progress(what: string, done: number, total: number): void;
}

/** A place data comes from, e.g. `iconSets({ size: 32 })`. */
export interface DataSource {
  /** As the spec says it, for the report: `icon_sets(size: 32)`. */
  readonly description: string;
  load(context: LoadContext): Promise<Dataset>;
}

/** Sample indices (into the data set) of each fold; the folds share no class. */
export interface Split {
  readonly train: Int32Array;
  readonly validation: Int32Array;
  readonly test: Int32Array;
}

/** A rule that splits by class, keyed by data set and class names, never by the run's seed. */
export interface SplitRule {
  readonly description: string;
  apply(dataset: Dataset): Split;
}

/** A random change of one image; runs on the CPU, outside the training step. */
export interface Augmentation {
  readonly description: string;
  /** Reads `source`, writes `target` (both H * W * C floats in 0..1, never the same array). */
  apply(
    source: Float32Array,
    target: Float32Array,
    image: readonly [number, number, number],
    random: Random,
  ): void;
}
