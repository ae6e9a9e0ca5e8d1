/**
 * The class split for zero-shot retrieval: whole classes go to training, validation or test, so that the classes a
 * model is judged on were never seen. Called by emitted programs; pure.
 *
 * The order of classes comes from the names alone (data set and class), never from the run's seed: every run, model and
 * machine judges the same unseen classes, and adding a class moves few others.
 */
import { counterRandom } from "../random.ts";
import { DataError } from "./errors.ts";
import type { Dataset, Split, SplitRule } from "./types.ts";

/** Fractions of the classes; the classes that remain are the test fold. */
export interface ZeroShotSettings {
  /** In (0, 1). */
  readonly train: number;
  /** In [0, 1), default 0: no validation fold. */
  readonly validation?: number;
}

/**
 * Splits by class. Of C classes, training gets round(train * C) and validation round(validation * C), each at least
 * one where its fraction is above 0, and test the rest. Clusters of classes (`Dataset.classClusters`) are dealt whole,
 * in the order of their keys: first to training until it holds its number of classes or more, then to validation, then
 * to test. A fold can thus exceed its number by one cluster less one class.
 *
 * Throws `DataError` if the fractions leave nothing to test, or if a fold that should hold classes would be empty.
 */
export function zeroShot(settings: ZeroShotSettings): SplitRule {
  const { train, validation = 0 } = settings;
  const description = `zero_shot(train: ${train}${validation > 0 ? `, validation: ${validation}` : ""})`;
  if (!(train > 0 && train < 1)) {
    throw new DataError(
      `${description}: train must lie between 0 and 1`,
      "Give the fraction of classes to train on, e.g. train: 0.4.",
    );
  }
  if (!(validation >= 0 && train + validation < 1)) {
    throw new DataError(
      `${description}: train and validation must add up to less than 1, and neither may be negative`,
      "Lower the fractions: the classes they leave are the unseen test classes.",
    );
  }
  return {
    description,
    apply(dataset) {
      const foldOfClass = dealClasses(dataset, train, validation, description);
      return collect(dataset, foldOfClass);
    },
  };
}

const TRAIN = 0;
const VALIDATION = 1;
const TEST = 2;

/** Fold of each class, [classes]. */
function dealClasses(dataset: Dataset, train: number, validation: number, description: string): Uint8Array {
  const count = dataset.classNames.length;
  const wanted = (fraction: number): number => (fraction > 0 ? Math.max(1, Math.round(fraction * count)) : 0);
  const wantedTrain = wanted(train);
  const wantedValidation = wanted(validation);
  const foldOfClass = new Uint8Array(count).fill(TEST);
  let inTrain = 0;
  let inValidation = 0;
  for (const cluster of orderedClusters(dataset)) {
    const fold = inTrain < wantedTrain ? TRAIN : inValidation < wantedValidation ? VALIDATION : TEST;
    for (const index of cluster) foldOfClass[index] = fold;
    if (fold === TRAIN) inTrain += cluster.length;
    if (fold === VALIDATION) inValidation += cluster.length;
  }
  const inTest = count - inTrain - inValidation;
  const empty =
    inTrain === 0
      ? "training"
      : validation > 0 && inValidation === 0
        ? "validation"
        : inTest === 0
          ? "test"
          : "";
  if (empty !== "") {
    throw new DataError(
      `${description}: ${count} classes of ${dataset.name} leave the ${empty} fold empty`,
      "Add classes, or change the fractions; classes that are synonyms stay in one fold.",
    );
  }
  return foldOfClass;
}

/** Clusters as lists of class indices, in the order of their keys; a cluster's key is that of its first class name. */
function orderedClusters(dataset: Dataset): number[][] {
  const members = new Map<number, number[]>();
  for (let index = 0; index < dataset.classNames.length; index++) {
    const cluster = dataset.classClusters[index]!;
    const known = members.get(cluster);
    if (known === undefined) members.set(cluster, [index]);
    else known.push(index);
  }
  const keyed = [...members.values()].map((cluster) => {
    const first = cluster.map((index) => dataset.classNames[index]!).sort()[0]!;
    return { cluster, first, key: counterRandom(0, `zero_shot/${dataset.name}/${first}`).uniform() };
  });
  keyed.sort((a, b) => a.key - b.key || (a.first < b.first ? -1 : 1));
  return keyed.map((entry) => entry.cluster);
}

/** Sample indices of each fold, ascending. */
function collect(dataset: Dataset, foldOfClass: Uint8Array): Split {
  const folds: [number[], number[], number[]] = [[], [], []];
  dataset.labels.forEach((label, sample) => folds[foldOfClass[label]! as 0 | 1 | 2].push(sample));
  return {
    train: Int32Array.from(folds[TRAIN]),
    validation: Int32Array.from(folds[VALIDATION]),
    test: Int32Array.from(folds[TEST]),
  };
}
