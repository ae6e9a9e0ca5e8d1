/**
 * What the losses of the standard library are tried on at the edges of float32: the losses, each with its defaults and
 * with scales of 256, and small batches. For extremes.test.ts.
 */
import { readdirSync, readFileSync } from "node:fs";
import type { LossInstance } from "../../src/resolve/values.ts";
import { counterRandom } from "../../src/runtime/random.ts";
import { loss } from "../interpret/support.ts";
import { batchOf } from "../lower/support.ts";
import type { Batch } from "../lower/support.ts";

/** Arguments of losses that have no default for everything, or whose default is wider than the batches here. */
const ARGUMENTS: Readonly<Record<string, string>> = {
  matryoshka: "(inner: triplet, sizes: [2, 4])",
};

const folder = new URL("../../stdlib/losses/", import.meta.url);

/** The text of every loss of the standard library, by its name. */
const texts: ReadonlyMap<string, string> = new Map(
  readdirSync(folder).flatMap((file) =>
    [...readFileSync(new URL(file, folder), "utf8").matchAll(/^loss (\w+)(.|\n)*?^\}/gm)].map(
      ([text, name]) => [name!, text] as const,
    ),
  ),
);

/** A use of every loss of the standard library. */
export const everyLoss: readonly string[] = [...texts.keys()]
  .sort()
  .map((name) => `${name}${ARGUMENTS[name] ?? ""}`);

/** The declaration that a use is of. */
export const textOf = (use: string): string => texts.get(use.replace(/\(.*/, ""))!;

/** Scales of 256, and temperatures of 1/256. */
export const atScale256: readonly string[] = [
  "multi_similarity(alpha: 256, beta: 256)",
  "circle(gamma: 256, margin: 0.25)",
  "supcon(temperature: 1 / 256)",
  "ntxent(temperature: 1 / 256)",
  "simclr(temperature: 1 / 256)",
  "multiple_negatives_ranking(scale: 256)",
  "tuplet_margin(scale: 256)",
  "instance(gamma: 256)",
  "nca(scale: 256)",
  "soft_nearest_neighbour(temperature: 1 / 256)",
  "binomial_deviance(alpha: 256, beta: 256)",
  "ranked_list(negative_temperature: 256, positive_temperature: 256)",
  "smooth_ap(temperature: 1 / 256)",
  "surrogate_precision(rank_temperature: 1 / 256, cut_temperature: 1 / 256)",
  "pnp(temperature: 1 / 256)",
  "pnp_ds(temperature: 1 / 256)",
  "pnp_dq(temperature: 1 / 256, alpha: 256)",
  "pnp_iu(temperature: 1 / 256)",
  "pnp_ib(temperature: 1 / 256, b: 256)",
  "hyperbolic(temperature: 1 / 256)",
  "angular(alpha: 80deg)",
  "arcface(scale: 256, margin: 90deg)",
  "cosface(scale: 256)",
  "sub_center_arcface(scale: 256)",
  "large_margin_softmax(scale: 256)",
  "sphereface(scale: 256)",
  "normalized_softmax(temperature: 1 / 256)",
  "regular_face_softmax(temperature: 1 / 256)",
  "proxy_anchor(alpha: 256)",
  "proxy_nca(scale: 256)",
  "proxy_nca_plus(temperature: 1 / 256)",
  "soft_triple(la: 256, gamma: 1 / 256, centers: 3)",
  "hpl(levels: [2], temperature: 1 / 256)",
  "histogram(nodes: 257)",
  "fast_ap(bins: 256)",
  "dynamic_soft_margin(bins: 256)",
];

const DIM = 8;

/** Vectors of unit length, the k-th always the same. */
function unit(k: number): number[] {
  const random = counterRandom(k, "extremes");
  const v = Array.from({ length: DIM }, () => random.normal());
  return times(v, 1 / Math.hypot(...v));
}

const times = (v: readonly number[], by: number): number[] => v.map((each) => each * by);

/** A unit vector at an angle of `radians` from the k-th: its cosine to it is within radians^2 / 2 of 1. */
function beside(k: number, radians: number): number[] {
  const [from, other] = [unit(k), unit(k + 100)];
  const along = from.reduce((sum, each, t) => sum + each * other[t]!, 0);
  const across = other.map((each, t) => each - along * from[t]!);
  const length = Math.hypot(...across);
  return from.map((each, t) => Math.cos(radians) * each + (Math.sin(radians) / length) * across[t]!);
}

const [e, f, g] = [unit(1), unit(2), unit(3)];
const opposite = (v: readonly number[]): number[] => times(v, -1);
const LABELS = [0, 0, 1, 1, 2, 2, 0, 1, 2];
const plain = [...LABELS.keys()].map((k) => unit(k + 10));

interface Rows {
  readonly rows: readonly (readonly number[])[];
  /** Rows of the parameters that are vectors, in turn; random where absent. */
  readonly vectors?: readonly (readonly number[])[];
}

const both = (rows: readonly (readonly number[])[]): Rows => ({ rows, vectors: rows });

const BATCHES: Readonly<Record<string, Rows>> = {
  "similarities of 1 and -1 exactly": both([e, e, e, opposite(e), opposite(e), f, opposite(f), f, g]),
  "similarities within 1e-7 of 1 and -1": both([
    e,
    beside(1, 4e-4),
    beside(1, 1e-4),
    opposite(beside(1, 3e-4)),
    opposite(e),
    f,
    beside(2, 1e-5),
    opposite(beside(2, 4e-4)),
    beside(2, 2e-3),
  ]),
  "embeddings of length 1e-6": { rows: plain.map((v) => times(v, 1e-6)) },
  "embeddings of length 100": { rows: plain.map((v) => times(v, 100)) },
  "embeddings of length 1e-6 and 100": { rows: plain.map((v, k) => times(v, k % 2 === 0 ? 1e-6 : 100)) },
};

export const batchNames: readonly string[] = Object.keys(BATCHES);

/** A batch by its name, with values for the parameters of a loss. Two views are alike but for the order of the rows. */
export function smallBatch(instance: LossInstance, name: string): Batch {
  const { rows, vectors } = BATCHES[name]!;
  const batch = batchOf(instance, rows, LABELS);
  const views = batch.views.map((view, k) =>
    k === 0 ? view : batchOf(instance, [...rows.slice(1), rows[0]!], LABELS).views[0]!,
  );
  if (vectors === undefined) return { ...batch, views };
  const given = vectors.flat();
  const params = new Map(
    [...batch.params].map(([key, { shape, data }]) => [
      key,
      shape.at(-1) === DIM && shape.length > 1
        ? { shape, data: data.map((_, k) => Math.fround(given[k % given.length]!)) }
        : { shape, data },
    ]),
  );
  return { ...batch, views, params };
}

export const instanceOf = (use: string): LossInstance => loss(use);
