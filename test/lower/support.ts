/** Batches, and a loss by interpreter and compiled form side by side, for the lowering's tests. */
import { expect } from "vitest";
import { compileLoss } from "../../src/cli/compiled_loss.ts";
import type { CompiledAnswer, CompiledLoss } from "../../src/cli/compiled_loss.ts";
import { interpretLoss, paramShapes } from "../../src/interpret/index.ts";
import type { Interpretation, Tensor } from "../../src/interpret/index.ts";
import type { LossInstance, MinerInstance } from "../../src/resolve/values.ts";
import { counterRandom } from "../../src/runtime/random.ts";

/** A batch whose numbers float32 can hold, so that both forms start from the same ones. */
export interface Batch {
  readonly views: readonly {
    readonly rows: number;
    readonly columns: number;
    readonly data: Float64Array;
  }[];
  readonly labels: readonly number[];
  readonly classes: number;
  readonly params: ReadonlyMap<string, Tensor>;
}

export interface BatchShape {
  readonly labels: readonly number[];
  readonly classes?: number;
  readonly dim?: number;
  readonly views?: number;
  readonly seed?: number;
  readonly unit?: boolean;
  readonly scale?: number;
}

const rounded = (data: Float64Array): Float64Array => data.map((v) => Math.fround(v));

/** A random batch for a loss, with random parameters. */
export function randomBatch(instance: LossInstance, shape: BatchShape): Batch {
  const { labels, dim = 6, seed = 1, scale = 1 } = shape;
  const views = instance.declaration.views?.length ?? 1;
  const classes = shape.classes ?? Math.max(...labels) + 1;
  const random = counterRandom(seed, "batch");
  const data = Array.from({ length: views }, () => {
    const view = Float64Array.from({ length: labels.length * dim }, () => random.normal());
    return {
      rows: labels.length,
      columns: dim,
      data: rounded(scaled(view, dim, scale, shape.unit ?? false)),
    };
  });
  const params = randomParams(instance, classes, dim, seed);
  return { views: data, labels, classes, params };
}

function scaled(data: Float64Array, dim: number, scale: number, unit: boolean): Float64Array {
  if (!unit) return data.map((v) => v * scale);
  return data.map((v, k) => {
    const row = k - (k % dim);
    return (v / Math.hypot(...data.subarray(row, row + dim))) * scale;
  });
}

export function randomParams(
  instance: LossInstance,
  classes: number,
  dim: number,
  seed = 1,
): Map<string, Tensor> {
  const params = new Map<string, Tensor>();
  for (const [name, shape] of paramShapes(instance, { classes, dim })) {
    const random = counterRandom(seed, `params/${name}`);
    const length = shape.reduce((product, side) => product * side, 1);
    params.set(name, { shape, data: rounded(Float64Array.from({ length }, () => random.normal())) });
  }
  return params;
}

/** A batch of the rows given, one view for all. */
export function batchOf(
  instance: LossInstance,
  rows: readonly (readonly number[])[],
  labels: readonly number[],
  classes = Math.max(...labels) + 1,
): Batch {
  const columns = rows[0]!.length;
  const view = { rows: rows.length, columns, data: rounded(Float64Array.from(rows.flat())) };
  const views = Array.from({ length: instance.declaration.views?.length ?? 1 }, () => view);
  return { views, labels, classes, params: randomParams(instance, classes, columns) };
}

export interface Answers {
  readonly interpreted: Interpretation;
  readonly compiled: CompiledAnswer;
}

export function answers(instance: LossInstance, batch: Batch, miner?: MinerInstance): Answers {
  const dims = batch.views.map((view) => view.columns);
  return {
    interpreted: interpretLoss(instance, batch, {
      gradient: true,
      ...(miner === undefined ? {} : { miner }),
    }),
    compiled: compiled(instance, dims, miner).evaluate(batch),
  };
}

const compiledLosses = new WeakMap<LossInstance, Map<string, CompiledLoss>>();

/** The compiled form, made once for each width and miner. */
export function compiled(
  instance: LossInstance,
  dims: readonly number[],
  miner?: MinerInstance,
): CompiledLoss {
  const known = compiledLosses.get(instance) ?? new Map<string, CompiledLoss>();
  compiledLosses.set(instance, known);
  const key = `${dims.join()} ${miner === undefined ? "" : numberOf(miner)}`;
  const loss = known.get(key) ?? compileLoss(instance, dims, { miner });
  known.set(key, loss);
  return loss;
}

const miners: MinerInstance[] = [];

function numberOf(miner: MinerInstance): number {
  if (!miners.includes(miner)) miners.push(miner);
  return miners.indexOf(miner);
}

export interface Tolerance {
  /** Share of the value, or of the largest element of the gradient. */
  readonly relative: number;
  /** What a difference may be where the exact gradient cancels to (nearly) nothing. */
  readonly absolute: number;
  /** Beside these, how many times the change that rounding the inputs alone makes of the exact answer. */
  readonly conditioned?: number;
  /** The first two where gradients are held to others than the value. */
  readonly gradients?: { readonly relative: number; readonly absolute: number };
}

/**
 * float32 keeps 6e-8 of each number; a sum of 64 products and the scale in front of a similarity (up to 64 here) each
 * raise that by an order of magnitude.
 */
export const FLOAT32: Tolerance = { relative: 2e-5, absolute: 1e-6 };

/** For formulas that magnify differences: a temperature of 0.01, a factor of 80, a square root beside its kink. */
export const CONDITIONED: Tolerance = { ...FLOAT32, conditioned: 8 };

/** How often inputs are rounded otherwise to see what rounding does. */
const ROUNDINGS = 4;

/** Every input as float32 may have rounded it: off by up to half a unit in its last place, 2^-24. */
function roundedOtherwise(batch: Batch, round: number): Batch {
  const random = counterRandom(round, "roundings");
  const otherwise = (data: Float64Array): Float64Array =>
    data.map((v) => v * (1 + (2 * random.uniform() - 1) * 2 ** -24));
  return {
    ...batch,
    views: batch.views.map((view) => ({ ...view, data: otherwise(view.data) })),
    params: new Map(
      [...batch.params].map(([name, { shape, data }]) => [name, { shape, data: otherwise(data) }]),
    ),
  };
}

/** All that the interpreter answers, as lists of numbers in one order. */
function partsOf({ value, gradient }: Interpretation): readonly ArrayLike<number>[] {
  return [[value], ...gradient!.views, ...[...gradient!.params].sort(byName).map(([, slopes]) => slopes)];
}

const byName = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number => (a < b ? -1 : 1);

/** The largest change of each part of the exact answer when the inputs are rounded otherwise. */
function deviations(
  instance: LossInstance,
  batch: Batch,
  exact: Interpretation,
  miner?: MinerInstance,
): number[] {
  const parts = partsOf(exact);
  const worst = parts.map(() => 0);
  for (let round = 0; round < ROUNDINGS; round++) {
    const options = { gradient: true, ...(miner === undefined ? {} : { miner }) };
    partsOf(interpretLoss(instance, roundedOtherwise(batch, round), options)).forEach((part, k) => {
      const change = largest(Array.from(part, (v, n) => v - parts[k]![n]!));
      worst[k] = Math.max(worst[k]!, change);
    });
  }
  return worst;
}

const largest = (data: ArrayLike<number>): number =>
  Array.from(data).reduce((most, v) => (Number.isFinite(v) ? Math.max(most, Math.abs(v)) : most), 0);

/** Value, validity and every gradient of the compiled form equal the interpreter's. */
export function expectParity(
  instance: LossInstance,
  batch: Batch,
  tolerance: Tolerance = FLOAT32,
  miner?: MinerInstance,
): void {
  expectEqualAnswers(answers(instance, batch, miner), instance, batch, tolerance, miner);
}

/** The same for answers that are there already. */
export function expectEqualAnswers(
  { interpreted, compiled }: Answers,
  instance: LossInstance,
  batch: Batch,
  tolerance: Tolerance = FLOAT32,
  miner?: MinerInstance,
): void {
  // Asked for only where a difference is more than usual: it takes the interpreter several times.
  let known: number[] | undefined;
  const magnified = (part: number): number => {
    if (tolerance.conditioned === undefined) return 0;
    known ??= deviations(instance, batch, interpreted, miner);
    return tolerance.conditioned * known[part]!;
  };
  let part = 0;
  const near = (actual: ArrayLike<number>, exact: ArrayLike<number>, scale: number, what: string): void => {
    expect(actual.length, `${what}: length`).toBe(exact.length);
    const { relative, absolute } = (part > 0 ? tolerance.gradients : undefined) ?? tolerance;
    const usual = relative * scale + absolute;
    let worst = 0;
    for (let k = 0; k < exact.length; k++) {
      if (!Number.isFinite(exact[k])) continue;
      const difference = Math.abs(actual[k]! - exact[k]!);
      worst = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : Math.max(worst, difference);
    }
    const allowed = worst <= usual ? usual : usual + magnified(part);
    expect(worst, `${what}: largest difference, of ${scale}`).toBeLessThanOrEqual(allowed);
    part++;
  };
  near([compiled.value], [interpreted.value], largest([interpreted.value]), "value");
  expect(compiled.valid, "valid").toBe(interpreted.valid);
  // A formula that is no number on this batch has no gradient to hold anything against.
  if (!Number.isFinite(interpreted.value)) return;
  const exact = interpreted.gradient!;
  compiled.gradient.views.forEach((gradient, k) =>
    near(gradient, exact.views[k]!, largest(exact.views[k]!), `gradient of view ${k}`),
  );
  expect([...compiled.gradient.params.keys()].sort()).toEqual([...exact.params.keys()].sort());
  for (const [name, gradient] of [...compiled.gradient.params].sort(byName))
    near(gradient, exact.params.get(name)!, largest(exact.params.get(name)!), `gradient of ${name}`);
}
