/** Everything a run reads before its first step: the data set, its split and its batches, checked against the program. */
import { trainingBatches } from "../data/batches.ts";
import type { TrainingBatches } from "../data/batches.ts";
import { openImages, threadsAsked } from "../data/images/open.ts";
import type { Dataset, LoadContext, Split } from "../data/types.ts";
import { RunError } from "../errors.ts";
import type { Program, Sizes } from "../program.ts";
import type { Results } from "../report/results.ts";
import { requireValidation } from "./selection.ts";

export interface Loaded {
  readonly dataset: Dataset;
  readonly split: Split;
  readonly batches: TrainingBatches;
  /** The sizes, as the results state them. */
  readonly summary: Results["data"];
}

/**
 * Loads the program's data. The caller closes `dataset.images`.
 *
 * @throws DataError for data that is missing or too little; RunError if it does not fit the program.
 */
export async function load(program: Program, context: LoadContext, seed: number): Promise<Loaded> {
  const threads = threadsAsked();
  const read = await program.data.load(context);
  requireImage(program, read);
  const split = program.split.apply(read);
  requireValidation(program.train.select, program.inference, split.validation);
  const dataset = { ...read, images: openImages(read, { threads }) };
  const batches = trainingBatches(
    dataset,
    split.train,
    program.train.batch,
    program.augment,
    seed,
    program.labels,
  );
  return { dataset, split, batches, summary: summarise(dataset, split) };
}

/** The sizes that a program is written for, once its data has been read. */
export function sizesOf({ classes, counts, further }: TrainingBatches): Sizes {
  if (further.length === 0) return { classes, counts };
  return {
    classes,
    counts,
    labels: Object.fromEntries(further.map(({ name, classNames }) => [name, classNames.length])),
    labelCounts: Object.fromEntries(further.map((label) => [label.name, label.counts])),
  };
}

function requireImage(program: Program, dataset: Dataset): void {
  if (dataset.image.join() === program.image.join()) return;
  const [holds, wants] = [dataset.image.join("x"), program.image.join("x")];
  throw new RunError(
    `${dataset.name} holds images of ${holds}, the program was compiled for ${wants}`,
    "Compile the spec again.",
  );
}

function summarise(dataset: Dataset, split: Split): Results["data"] {
  const classes = (indices: Int32Array): number =>
    new Set(indices.map((sample) => dataset.labels[sample]!)).size;
  return {
    train_classes: classes(split.train),
    validation_classes: classes(split.validation),
    test_classes: classes(split.test),
    train_samples: split.train.length,
    test_samples: split.test.length,
  };
}
