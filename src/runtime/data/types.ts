/**
 * What a data set is to the runtime. Types only: sources (`icon_sets.ts`, `folder.ts`) produce it, the sampler, the
 * trainer and the evaluator read it.
 */
import type { Random } from "../random.ts";

/** A label of a data set beside the class: what every sample is by it. */
export interface FurtherLabel {
  readonly name: string;
  /** Its class index to its class's name, sorted. */
  readonly classNames: readonly string[];
  /** Its class index of each sample, [n]. */
  readonly labels: Int32Array;
}

/** A labelled set of images, all of one size, held as bytes or, where they are too many, read from files as needed. */
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
  /** Labels beside the class; none where absent. */
  readonly further?: readonly FurtherLabel[];
  /** Stable name of each sample, [n], for messages. */
  readonly sampleNames: readonly string[];
  /** [n, H, W, C] bytes, 0..255; divided by 255 before the network sees them. Empty where there are `files`. */
  readonly pixels: Uint8Array;
  /** Path of each sample's image, [n], where images are decoded when they are needed. */
  readonly files?: readonly string[];
  /** Memory that decoded `files` may take, in bytes; none is kept where absent. */
  readonly fileCacheBytes?: number;
  /** Makes its images, in threads beside the run's; where absent, they are made where they are asked for. */
  readonly images?: ImageMaker;
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
  /** Memory that decoded images may take, in bytes; `imageMemory()` where absent. */
  readonly imageMemory?: number;
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

/** Images of samples, to be made into one array [views * B, H, W, C] of floats in 0..1, view after view. */
export interface ImageRequest {
  /** Indices into the data set, [B]. */
  readonly samples: Int32Array;
  readonly views: number;
  /** What changes each image; slot s of view v draws from the stream `augment/v/s` of (seed, step). */
  readonly augment: readonly Augmentation[];
  readonly seed: number;
  readonly step: number;
}

/** Makes the images of a data set; the bytes it writes do not depend on how many threads it has. */
export interface ImageMaker {
  /** Whether images are made in threads beside this one: then it pays to ask ahead. */
  readonly ahead: boolean;
  /** Fills `target`, which lies in shared memory. Throws `DataError` for an image that cannot be decoded. */
  make(request: ImageRequest, target: Float32Array): Promise<void>;
  /** Ends the threads; what is under way is given up. */
  close(): Promise<void>;
}

/** An augmentation as data, for threads that make it again (`augmentationOf`). */
export type AugmentationRecipe =
  | { readonly kind: "affine"; readonly rotate?: number; readonly scale?: number; readonly shift?: number }
  | { readonly kind: "resized_crop"; readonly scale: number }
  | { readonly kind: "flip" }
  | { readonly kind: "cutout"; readonly size: number };

/** A random change of one image; runs on the CPU, outside the training step. */
export interface Augmentation {
  readonly description: string;
  /** Where absent, it is applied in the thread that made it. */
  readonly recipe?: AugmentationRecipe;
  /** Reads `source`, writes `target` (both H * W * C floats in 0..1, never the same array). */
  apply(
    source: Float32Array,
    target: Float32Array,
    image: readonly [number, number, number],
    random: Random,
  ): void;
}
