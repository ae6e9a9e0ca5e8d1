/** The data sets of the runtime: where images come from, how they are split, changed and put into batches. */
export { DataError } from "./errors.ts";
export { affine, cutout, flip, resizedCrop } from "./augment.ts";
export type { AffineSettings } from "./augment.ts";
export { evaluationBatches, trainingBatches } from "./batches.ts";
export type { Batch, EvaluationBatch, EvaluationBatches, TrainingBatches } from "./batches.ts";
export { defaultCacheDirectory } from "./cache_directory.ts";
export { folder } from "./folder.ts";
export type { FolderSettings } from "./folder.ts";
export { iconLicences, iconSets } from "./icon_sets.ts";
export { zeroShot } from "./split.ts";
export type { ZeroShotSettings } from "./split.ts";
export type { Augmentation, Dataset, DataSource, LoadContext, Split, SplitRule } from "./types.ts";
