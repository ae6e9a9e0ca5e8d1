/**
 * Makes batches: P classes of M samples each for training, and plain consecutive ones for evaluation. Called by the
 * trainer and the evaluator; pure, so that a run resumed at step s sees the batches that an unbroken one saw.
 */
import { counterRandom } from "../random.ts";
import type { Random } from "../random.ts";
import { DataError } from "./errors.ts";
import { writeImage } from "./images/make.ts";
import { openImages } from "./images/open.ts";
import { ImageStream } from "./images/stream.ts";
import type { Taken } from "./images/stream.ts";
import type { Augmentation, Dataset, ImageMaker, ImageRequest } from "./types.ts";

/** Images with their labels. */
export interface Batch {
  /** [B, H, W, C], in 0..1. */
  readonly images: Float32Array;
  /** [B]. Dense over the training classes. */
  readonly labels: Int32Array;
  /** [B]. Identity of each sample: its index in the data set. */
  readonly ids: Int32Array;
}

/** What the samples of batches are by a further label of the data set. */
export interface BatchLabels {
  readonly name: string;
  /** Names of its classes among the samples that batches are drawn from; label k of a batch is `classNames[k]`. */
  readonly classNames: readonly string[];
  /** Number of those samples of each class. */
  readonly counts: readonly number[];
  /** Labels of a step, [B]: dense over those classes. */
  labels(step: number): Int32Array;
}

export interface TrainingBatches {
  /** Names of the classes that batches are drawn from; label k of a batch is `classNames[k]`. */
  readonly classNames: readonly string[];
  /** Number of those classes. */
  readonly classes: number;
  /** Number of samples of each class that batches are drawn from. */
  readonly counts: readonly number[];
  /** [B, H, W, C] of every batch. */
  readonly shape: readonly [number, number, number, number];
  /** What was left out of the batches and why, one line each. */
  readonly notes: readonly string[];
  /** Indices into the data set of the samples of a step, [B]: P blocks of M, by ascending label. */
  samples(step: number): Int32Array;
  /** Labels of a step, [B]: dense over the training classes, ascending. */
  labels(step: number): Int32Array;
  /** The further labels that were asked for. */
  readonly further: readonly BatchLabels[];
  /** What the images of a step are made of; each view augments the same samples anew. */
  request(step: number, views: number): ImageRequest;
  /** Makes them; absent where the data set has no maker of its own. */
  readonly images?: ImageMaker;
  /**
   * The batch of a step, made here and now; `view` numbers independent augmentations of the same samples. A pure
   * function, of data sets held as bytes.
   */
  batch(step: number, view?: number): Batch;
}

/**
 * Class-balanced batches of P classes and M samples of each, sorted by class.
 *
 * Classes are drawn in passes: every pass holds every class once, in a new order, and no batch holds a class twice. A
 * class's samples are drawn the same way: each of them once before any comes again, and M different ones in a batch.
 * `samples`, `batch` are pure functions of (seed, step).
 *
 * `indices` are the training fold. Classes with fewer than M of them are left out and noted; labels are dense over the
 * rest, in the order of the data set's classes. `further` names the labels that are read beside the class. Throws
 * `DataError` if fewer than P classes remain, or if the data set has no such label.
 */
export function trainingBatches(
  dataset: Dataset,
  indices: Int32Array,
  size: { readonly classes: number; readonly samples: number },
  augment: readonly Augmentation[],
  seed: number,
  further: readonly string[] = [],
): TrainingBatches {
  const { classes: p, samples: m } = size;
  const { members, notes } = eligibleClasses(dataset, indices, p, m);
  const classNames = members.map((member) => dataset.classNames[member.label]!);
  const classOrder = groupedOrder(members.length, p, (cycle) =>
    counterRandom(seed, "batches/classes", cycle),
  );
  const sampleOrders = members.map((member, k) =>
    groupedOrder(member.samples.length, m, (cycle) =>
      counterRandom(seed, `batches/samples/${classNames[k]}`, cycle),
    ),
  );
  const drawn = (step: number): { label: number; sample: number }[] => {
    const chosen: { label: number; pass: number }[] = [];
    for (let slot = 0; slot < p; slot++) {
      const position = step * p + slot;
      chosen.push({ label: classOrder(position), pass: Math.floor(position / members.length) });
    }
    chosen.sort((a, b) => a.label - b.label);
    return chosen.flatMap(({ label, pass }) =>
      Array.from({ length: m }, (_, slot) => ({
        label,
        sample: members[label]!.samples[sampleOrders[label]!(pass * m + slot)]!,
      })),
    );
  };
  const samples = (step: number): Int32Array => Int32Array.from(drawn(step), (draw) => draw.sample);
  const labels = (step: number): Int32Array => Int32Array.from(drawn(step), (draw) => draw.label);
  const request = (step: number, views: number): ImageRequest => ({
    samples: samples(step),
    views,
    augment,
    seed,
    step,
  });
  const length = dataset.image[0] * dataset.image[1] * dataset.image[2];
  return {
    classNames,
    classes: members.length,
    counts: members.map((member) => member.samples.length),
    shape: [p * m, ...dataset.image],
    notes,
    samples,
    labels,
    further: further.map((name) => batchLabels(dataset, name, members, samples)),
    request,
    ...(dataset.images === undefined ? {} : { images: dataset.images }),
    batch: (step, view = 0) => {
      const asked = request(step, 1);
      const images = new Float32Array(asked.samples.length * length);
      asked.samples.forEach((sample, slot) => {
        const bytes = dataset.pixels.subarray(sample * length, (sample + 1) * length);
        const place = images.subarray(slot * length, (slot + 1) * length);
        writeImage(asked, view, slot, bytes, dataset.image, place);
      });
      return { images, labels: labels(step), ids: asked.samples };
    },
  };
}

/** A further label over the samples of these classes. */
function batchLabels(
  dataset: Dataset,
  name: string,
  members: readonly ClassMembers[],
  samples: (step: number) => Int32Array,
): BatchLabels {
  const label = dataset.further?.find((each) => each.name === name);
  if (label === undefined)
    throw new DataError(
      `${dataset.name} has no label ${JSON.stringify(name)}`,
      "Compile the spec again, or write e.g. labels: [coarse, fine] in its data set.",
    );
  const all = members.flatMap((member) => member.samples.map((at) => label.labels[at]!));
  const present = [...new Set(all)].sort((a, b) => a - b);
  const counts = new Map<number, number>();
  for (const index of all) counts.set(index, (counts.get(index) ?? 0) + 1);
  const dense = new Map(present.map((index, place) => [index, place]));
  return {
    name,
    classNames: present.map((index) => label.classNames[index]!),
    counts: present.map((index) => counts.get(index)!),
    labels: (step) => samples(step).map((at) => dense.get(label.labels[at]!)!),
  };
}

/** A batch whose images lie in an array that is used again. */
export interface EvaluationBatch extends Taken {
  /** [count], class indices of the data set; the images behind these are zeros. */
  readonly labels: Int32Array;
  /** [count] */
  readonly ids: Int32Array;
}

export interface EvaluationBatches {
  /** Number of batches. */
  readonly count: number;
  /** Batch number `index`; all are of the given size but the last, which holds what remains. */
  take(index: number): Promise<EvaluationBatch>;
}

/** The samples at `indices` in their order, in batches of `size`, without augmentation. */
export function evaluationBatches(dataset: Dataset, indices: Int32Array, size: number): EvaluationBatches {
  const count = Math.ceil(indices.length / size);
  const samples = (index: number): Int32Array => indices.subarray(index * size, (index + 1) * size);
  const maker = dataset.images ?? openImages(dataset, { threads: 0 });
  const plain = { views: 1, augment: [], seed: 0, step: 0 };
  const requestOf = (index: number): ImageRequest => ({ ...plain, samples: samples(index) });
  const stream = new ImageStream(maker, requestOf, count, [size, ...dataset.image]);
  return {
    count,
    take: async (index) => {
      const ids = samples(index);
      return { ...(await stream.take(index)), labels: ids.map((id) => dataset.labels[id]!), ids };
    },
  };
}

interface ClassMembers {
  /** Class index of the data set. */
  readonly label: number;
  readonly samples: readonly number[];
}

/** The classes with at least `m` samples among `indices`, by class index, and a note on the others. */
function eligibleClasses(
  dataset: Dataset,
  indices: Int32Array,
  p: number,
  m: number,
): { members: ClassMembers[]; notes: string[] } {
  const byClass = new Map<number, number[]>();
  for (const sample of indices) {
    const label = dataset.labels[sample]!;
    const known = byClass.get(label);
    if (known === undefined) byClass.set(label, [sample]);
    else known.push(sample);
  }
  const all = [...byClass].map(([label, samples]) => ({ label, samples })).sort((a, b) => a.label - b.label);
  const members = all.filter((member) => member.samples.length >= m);
  const small = all.length - members.length;
  if (members.length < p) {
    throw new DataError(
      `a batch of ${p} classes * ${m} samples needs ${p} training classes with at least ${m} samples; ` +
        `${dataset.name} has ${members.length} (of ${all.length} training classes)`,
      "Make the batch smaller in the model's train section, or train on more classes.",
    );
  }
  const notes =
    small === 0
      ? []
      : [`${small} of ${all.length} training classes left out of batches: fewer than ${m} samples`];
  return { members, notes };
}

/**
 * An endless sequence over 0..n-1, given by position: every n-th block of n positions is a permutation, and every block
 * of `group` positions (group <= n) holds distinct values. It is built in cycles of lcm(n, group) positions, the
 * shortest that end both a permutation and a group, so that a cycle depends on its own random stream only. Only the
 * latest cycle is kept.
 */
export function groupedOrder(
  n: number,
  group: number,
  randomOf: (cycle: number) => Random,
): (position: number) => number {
  const permutations = group / greatestCommonDivisor(n, group);
  const length = n * permutations;
  let cycle = -1;
  let order = new Int32Array(0);
  return (position) => {
    const wanted = Math.floor(position / length);
    if (wanted !== cycle) {
      order = buildCycle(n, group, permutations, randomOf(wanted));
      cycle = wanted;
    }
    return order[position - wanted * length]!;
  };
}

function buildCycle(n: number, group: number, permutations: number, random: Random): Int32Array<ArrayBuffer> {
  const order = new Int32Array(n * permutations);
  const taken = new Uint8Array(n);
  for (let k = 0; k < permutations; k++) {
    const start = k * n;
    const next = order.subarray(start, start + n);
    for (let i = 0; i < n; i++) next[i] = i;
    random.shuffle(next);
    // The group that straddles the border holds the last `begun` values already: move those out of its rest.
    const begun = start % group;
    const rest = begun === 0 ? 0 : group - begun;
    taken.fill(0);
    for (let i = start - begun; i < start; i++) taken[order[i]!] = 1;
    let free = rest;
    for (let i = 0; i < rest; i++) {
      if (taken[next[i]!] === 0) continue;
      while (taken[next[free]!] === 1) free++;
      const held = next[i]!;
      next[i] = next[free]!;
      next[free] = held;
      free++;
    }
  }
  return order;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
