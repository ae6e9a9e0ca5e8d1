/**
 * The optimiser of a run: groups with their learning rates, global-norm clipping, and the update rules of
 * `updates.ts`. Small parameters that share a learning rate and a decay are updated as one flat vector, since there an
 * update is mostly the cost of issuing operations; a large one by itself, since there it is the times it is walked
 * over, and putting together and taking apart are two more. Called by the training step; pure.
 */
import * as tf from "@tensorflow/tfjs-core";
import { sumOfSquares } from "../engine/fused.ts";
import type { OptimizerSettings, ParameterSpec, StateSpec } from "../program.ts";
import type { TensorMap } from "./tensors.ts";
import { adam, adamScalars, sgd } from "./updates.ts";
import type { AdamScalars, Slots, Updated } from "./updates.ts";

/** What the optimiser is fed each step, as plain numbers: see `UpdateRates`. */
export interface RateValues {
  /** The learning rates there are, by key. */
  readonly lr: Readonly<Record<string, number>>;
  readonly firstCorrection: number;
  readonly secondCorrection: number;
}

export interface RateTensors {
  readonly lr: Readonly<Record<string, tf.Scalar>>;
  readonly firstCorrection: tf.Scalar;
  readonly secondCorrection: tf.Scalar;
}

export interface Optimizer {
  /** State the optimiser needs, e.g. `optimizer/0/first`. */
  readonly slots: StateSpec[];
  /** What to feed at step `step` (0-based) when the schedule's factor is `factor`. */
  rates(step: number, factor: number): RateValues;
  /**
   * New parameters and slots from gradients by parameter name; a missing gradient counts as zero. Also the global norm
   * of the gradients before clipping.
   */
  apply(
    parameters: TensorMap,
    gradients: Readonly<Record<string, tf.Tensor | undefined>>,
    slots: TensorMap,
    rates: RateTensors,
  ): { parameters: TensorMap; slots: TensorMap; gradientNorm: tf.Scalar };
}

/** Parameters of at least so many elements are updated by themselves. */
const LARGE = 2 ** 14;

/** Parameters updated together. */
interface Bucket {
  /** Of its slots. */
  readonly key: string;
  /** Of its learning rate, which several buckets may share. */
  readonly rate: string;
  readonly lr: number;
  readonly decay: boolean;
  readonly specs: ParameterSpec[];
}

/** Added to the norm in clipping, as torch.nn.utils.clip_grad_norm_ does. */
const CLIP_EPSILON = 1e-6;

/** The optimiser for the trainable parameters among `specs`. Defaults are those of torch.optim. */
export function createOptimizer(settings: OptimizerSettings, specs: readonly ParameterSpec[]): Optimizer {
  const buckets = bucketsOf(settings, specs);
  const beta1 = settings.beta1 ?? 0.9;
  const beta2 = settings.beta2 ?? 0.999;
  const momentum = settings.momentum ?? 0;
  const slotNames = settings.kind !== "sgd" ? ["first", "second"] : momentum > 0 ? ["momentum"] : [];

  /** The update of one step's buckets. */
  const updater = ({ lr, ...corrections }: RateTensors) => {
    const scalars = new Map<string, AdamScalars>();
    return (bucket: Bucket, p: tf.Tensor, g: tf.Tensor, slots: Slots): Updated => {
      const rates = { lr: lr[bucket.rate]!, ...corrections };
      const weightDecay = bucket.decay ? (settings.weightDecay ?? 0) : 0;
      if (settings.kind === "sgd") return sgd(p, g, slots, rates, { momentum, weightDecay });
      const decoupled = settings.kind === "adamw";
      const epsilon = settings.epsilon ?? 1e-8;
      const own = { beta1, beta2, epsilon, weightDecay, decoupled };
      const key = `${bucket.rate} ${weightDecay}`;
      const shared = scalars.get(key) ?? adamScalars(rates, own);
      scalars.set(key, shared);
      return adam(p, g, slots, shared, own);
    };
  };

  return {
    slots: buckets.flatMap((bucket) =>
      slotNames.map((slot) => ({ name: slotName(bucket, slot), shape: [sizeOf(bucket)], initial: 0 })),
    ),
    rates: (step, factor) => ({
      lr: Object.fromEntries(buckets.map((bucket) => [bucket.rate, bucket.lr * factor])),
      firstCorrection: 1 - beta1 ** (step + 1),
      secondCorrection: Math.sqrt(1 - beta2 ** (step + 1)),
    }),
    apply(parameters, gradients, slots, rates) {
      const flat = buckets.map((bucket) =>
        flatten(bucket.specs.map((spec) => gradients[spec.name] ?? tf.zeros([...spec.shape]))),
      );
      const gradientNorm = tf.sqrt(
        flat.map(sumOfSquares).reduce((sum, part) => tf.add(sum, part), tf.scalar(0)),
      ) as tf.Scalar;
      const factor =
        settings.clip === undefined
          ? undefined
          : tf.minimum(tf.div(settings.clip, tf.add(gradientNorm, CLIP_EPSILON)), 1);
      const nextParameters: Record<string, tf.Tensor> = { ...parameters };
      const nextSlots: Record<string, tf.Tensor> = {};
      const update = updater(rates);
      buckets.forEach((bucket, index) => {
        const p = flatten(bucket.specs.map((spec) => parameters[spec.name]!));
        const g = factor === undefined ? flat[index]! : tf.mul(flat[index]!, factor);
        const own = Object.fromEntries(slotNames.map((slot) => [slot, slots[slotName(bucket, slot)]!]));
        const next = update(bucket, p, g, own);
        Object.assign(nextParameters, split(next.parameter, bucket.specs));
        for (const [slot, value] of Object.entries(next.slots)) nextSlots[slotName(bucket, slot)] = value;
      });
      return { parameters: nextParameters, slots: nextSlots, gradientNorm };
    },
  };
}

/** The base learning rate of a parameter: its own where it has one, else the optimiser's times its group's multiplier. */
export function baseRate(settings: OptimizerSettings, spec: ParameterSpec): number {
  return spec.lr ?? settings.lr * (settings.groups?.[spec.group] ?? 1);
}

function bucketsOf(settings: OptimizerSettings, specs: readonly ParameterSpec[]): Bucket[] {
  const rates = new Map<number, string>();
  const buckets = new Map<string, Bucket>();
  for (const spec of specs) {
    if (!spec.trainable) continue;
    const lr = baseRate(settings, spec);
    if (!rates.has(lr)) rates.set(lr, String(rates.size));
    const rate = rates.get(lr)!;
    const identity = elements(spec) >= LARGE ? spec.name : `${rate} ${spec.decay}`;
    const key = String(buckets.size);
    const bucket = buckets.get(identity) ?? { key, rate, lr, decay: spec.decay, specs: [] };
    bucket.specs.push(spec);
    buckets.set(identity, bucket);
  }
  return [...buckets.values()];
}

function slotName(bucket: Bucket, slot: string): string {
  return `optimizer/${bucket.key}/${slot}`;
}

function elements(spec: ParameterSpec): number {
  return spec.shape.reduce((product, length) => product * length, 1);
}

function sizeOf(bucket: Bucket): number {
  return bucket.specs.reduce((sum, spec) => sum + elements(spec), 0);
}

function flatten(tensors: tf.Tensor[]): tf.Tensor1D {
  const rows = tensors.map((tensor) => tf.reshape(tensor, [tensor.size]) as tf.Tensor1D);
  return rows.length === 1 ? rows[0]! : tf.concat1d(rows);
}

function split(flat: tf.Tensor, specs: readonly ParameterSpec[]): Record<string, tf.Tensor> {
  const parts = specs.length === 1 ? [flat] : tf.split(flat, specs.map(elements));
  return Object.fromEntries(specs.map((spec, i) => [spec.name, tf.reshape(parts[i]!, [...spec.shape])]));
}
