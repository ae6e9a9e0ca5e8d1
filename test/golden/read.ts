/**
 * The golden values of test/golden/pml (generate.py has the format), as the interpreter and compiled losses take them.
 * For test/interpret/pml.test.ts and test/numeric.
 */
import { readdirSync, readFileSync } from "node:fs";
import type { Matrix, Tensor } from "../../src/interpret/index.ts";
import type { LossInstance } from "../../src/resolve/values.ts";
import { loss } from "../interpret/support.ts";

export type Nested = readonly (number | Nested)[];

interface Parts<T, U> {
  readonly x: T;
  readonly second?: T;
  readonly params: Readonly<Record<string, U>>;
}

export interface GoldenCase {
  readonly use: string;
  readonly on?: string;
  /** Whether the loss is on normalize(x). */
  readonly normalize: boolean;
  readonly batch: string;
  readonly second?: readonly (readonly number[])[];
  readonly params: Readonly<Record<string, Nested>>;
  readonly value: number;
  readonly gradient: Parts<readonly (readonly number[])[], Nested>;
  /** The library's own deviations in float32, see `share`; null where it gives no number. */
  readonly float32: Parts<number | null, number | null> & { readonly value: number | null };
}

export interface Golden {
  /** NAME of NAME.json. */
  readonly name: string;
  readonly batches: Readonly<
    Record<string, { readonly embeddings: number[][]; readonly labels: number[]; readonly classes: number }>
  >;
  readonly cases: readonly GoldenCase[];
}

const folder = new URL("pml/", import.meta.url);

export const goldens: readonly Golden[] = readdirSync(folder)
  .filter((name) => name.endsWith(".json"))
  .sort()
  .map((file) => ({
    name: file.slice(0, -".json".length),
    ...(JSON.parse(readFileSync(new URL(file, folder), "utf8")) as Omit<Golden, "name">),
  }));

/** The loss of a case as the library has it: with the normalisation it does inside. */
export function lossOf({ use, normalize }: Pick<GoldenCase, "use" | "normalize">): LossInstance {
  return normalize
    ? loss(`on_unit(${use})`, "loss on_unit(inner: loss) { inner(x: normalize(x)) }")
    : loss(use);
}

export interface GoldenBatch {
  readonly views: readonly Matrix[];
  readonly labels: readonly number[];
  readonly classes: number;
  readonly params: ReadonlyMap<string, Tensor>;
}

export function batchOf({ batches }: Golden, { batch, second, params }: GoldenCase): GoldenBatch {
  const { embeddings, labels, classes } = batches[batch]!;
  return {
    views: [embeddings, ...(second === undefined ? [] : [second])].map(matrix),
    labels,
    classes,
    params: new Map(Object.entries(params).map(([name, nested]) => [name, tensor(nested)])),
  };
}

/** The golden value and gradients, and the library's own deviation in each. */
export function partsOf({ value, gradient, float32 }: GoldenCase): Part[] {
  return [
    { name: "value", golden: [value], library: float32.value },
    { name: "x", golden: gradient.x.flat(), library: float32.x },
    ...(gradient.second === undefined
      ? []
      : [{ name: "second", golden: gradient.second.flat(), library: float32.second! }]),
    ...Object.entries(gradient.params).map(([name, nested]) => ({
      name,
      golden: flat(nested),
      library: float32.params[name]!,
    })),
  ];
}

export interface Part {
  readonly name: string;
  readonly golden: readonly number[];
  readonly library: number | null;
}

interface Answer {
  readonly value: number;
  readonly gradient?:
    | {
        readonly views: readonly ArrayLike<number>[];
        readonly params: ReadonlyMap<string, ArrayLike<number>>;
      }
    | undefined;
}

/** What an answer has for a part. */
export function answered({ value, gradient }: Answer, { name }: Part): ArrayLike<number> {
  if (name === "value") return [value];
  if (name === "x") return gradient!.views[0]!;
  return name === "second" ? gradient!.views[1]! : gradient!.params.get(name)!;
}

/**
 * The largest difference as a share of the largest golden element; below 1e-5, of that: there it is what rounding leaves
 * of a 0. As in generate.py.
 */
export function share(actual: ArrayLike<number>, golden: readonly number[]): number {
  if (actual.length !== golden.length) return Number.POSITIVE_INFINITY;
  const scale = Math.max(1e-5, ...golden.map(Math.abs));
  const worst = golden.reduce((most, value, k) => {
    const difference = Math.abs(actual[k]! - value);
    return Number.isNaN(difference) ? Number.POSITIVE_INFINITY : Math.max(most, difference);
  }, 0);
  return worst / scale;
}

function flat(nested: Nested): number[] {
  return nested.flatMap((each) => (typeof each === "number" ? [each] : flat(each)));
}

function tensor(nested: Nested): Tensor {
  const shape: number[] = [];
  for (let level: number | Nested = nested; typeof level !== "number"; level = level[0]!)
    shape.push(level.length);
  return { shape, data: Float64Array.from(flat(nested)) };
}

function matrix(rows: readonly (readonly number[])[]): Matrix {
  return { rows: rows.length, columns: rows[0]!.length, data: Float64Array.from(rows.flat()) };
}
