/**
 * The update rules of the optimisers, as pure tensor functions of (parameter, gradient, slots, rates). They follow
 * torch.optim's SGD, Adam (Kingma & Ba 2015) and AdamW (Loshchilov & Hutter 2019), whose conventions are noted at each.
 * Every number that changes from step to step is a tensor: a step can be captured as a graph.
 */
import * as tf from "@tensorflow/tfjs-core";
import { tellUpdate } from "../engine/capture/updating.ts";

/** What changes between steps, as scalars. */
export interface UpdateRates {
  /** The learning rate. */
  readonly lr: tf.Scalar;
  /** 1 − β₁ᵗ at step t = 1, 2, …: Adam's correction of the first moment. */
  readonly firstCorrection: tf.Scalar;
  /** √(1 − β₂ᵗ): of the root of the second moment. */
  readonly secondCorrection: tf.Scalar;
}

/** The optimiser's state for one tensor, all of the parameter's shape. */
export type Slots = Readonly<Record<string, tf.Tensor>>;

export interface Updated {
  readonly parameter: tf.Tensor;
  readonly slots: Slots;
}

export interface SgdSettings {
  readonly momentum: number;
  /** Added to the gradient as weightDecay · parameter. */
  readonly weightDecay: number;
}

/** m <- momentum · m + g; p <- p − lr · m (no dampening, not Nesterov). Slot `momentum`, absent if momentum is 0. */
export function sgd(
  p: tf.Tensor,
  g: tf.Tensor,
  slots: Slots,
  rates: UpdateRates,
  settings: SgdSettings,
): Updated {
  const gradient = withDecay(p, g, settings.weightDecay);
  if (settings.momentum === 0) return { parameter: tf.sub(p, tf.mul(gradient, rates.lr)), slots: {} };
  const momentum = tf.add(tf.mul(slots["momentum"]!, settings.momentum), gradient);
  return { parameter: tf.sub(p, tf.mul(momentum, rates.lr)), slots: { momentum } };
}

export interface AdamSettings {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly weightDecay: number;
  /** AdamW: p <- p · (1 − lr · weightDecay) beside the update; otherwise the decay is added to the gradient. */
  readonly decoupled: boolean;
}

/** What Adam's update multiplies every element by, as scalars: one set for all parameters of a rate and a decay. */
export interface AdamScalars {
  /** lr · √(1 − β₂ᵗ) / (1 − β₁ᵗ) */
  readonly rate: tf.Scalar;
  /** ε · √(1 − β₂ᵗ) */
  readonly epsilon: tf.Scalar;
  /** 1 − lr · weightDecay where the decay is decoupled; undefined where there is none. */
  readonly kept?: tf.Scalar;
}

export function adamScalars(rates: UpdateRates, settings: AdamSettings): AdamScalars {
  const { lr, firstCorrection, secondCorrection } = rates;
  const { epsilon, weightDecay, decoupled } = settings;
  return {
    rate: tf.div(tf.mul(lr, secondCorrection), firstCorrection),
    epsilon: tf.mul(secondCorrection, epsilon),
    ...(decoupled && weightDecay > 0 ? { kept: tf.sub(1, tf.mul(lr, weightDecay)) } : {}),
  };
}

/**
 * m <- β₁m + (1 − β₁)g; v <- β₂v + (1 − β₂)g²; p <- p − lr · (m / (1 − β₁ᵗ)) / (√v / √(1 − β₂ᵗ) + ε), with m and v in the
 * slots `first` and `second`.
 */
export function adam(
  p: tf.Tensor,
  g: tf.Tensor,
  slots: Slots,
  { rate, epsilon, kept }: AdamScalars,
  { beta1, beta2, weightDecay, decoupled }: AdamSettings,
): Updated {
  const gradient = decoupled ? g : withDecay(p, g, weightDecay);
  const before = { first: slots["first"]!, second: slots["second"]! };
  const first = tf.add(tf.mul(before.first, beta1), tf.mul(gradient, 1 - beta1));
  const second = tf.add(tf.mul(before.second, beta2), tf.mul(tf.square(gradient), 1 - beta2));
  const update = tf.mul(tf.div(first, tf.add(tf.sqrt(second), epsilon)), rate);
  const start = kept === undefined ? p : tf.mul(p, kept);
  const parameter = tf.sub(start, update);
  tellUpdate({
    parameter: p,
    start,
    gradient,
    ...before,
    rate,
    epsilon,
    beta1,
    beta2,
    next: { parameter, first, second },
  });
  return { parameter, slots: { first, second } };
}

function withDecay(p: tf.Tensor, g: tf.Tensor, weightDecay: number): tf.Tensor {
  return weightDecay > 0 ? tf.add(g, tf.mul(p, weightDecay)) : g;
}
