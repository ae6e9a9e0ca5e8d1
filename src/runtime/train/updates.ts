/**
 * The update rules of the optimisers, as pure tensor functions of (parameter, gradient, slots, rates). They follow
 * torch.optim's SGD, Adam (Kingma & Ba 2015) and AdamW (Loshchilov & Hutter 2019), whose conventions are noted at each.
 * Every number that changes from step to step is a tensor: a step can be captured as a graph.
 */
import * as tf from "@tensorflow/tfjs-core";

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

/**
 * m <- β₁m + (1 − β₁)g; v <- β₂v + (1 − β₂)g²; p <- p − lr · (m / (1 − β₁ᵗ)) / (√v / √(1 − β₂ᵗ) + ε).
 *
 * Slots `first` and `second` hold M = m / (1 − β₁) and V = v / (1 − β₂), so that M <- β₁M + g and V <- β₂V + g², and the
 * numbers that every element would be multiplied by are put together as scalars first: what an update costs is the
 * times it walks over the parameters.
 */
export function adam(
  p: tf.Tensor,
  g: tf.Tensor,
  slots: Slots,
  rates: UpdateRates,
  settings: AdamSettings,
): Updated {
  const { beta1, beta2, epsilon, weightDecay, decoupled } = settings;
  const gradient = decoupled ? g : withDecay(p, g, weightDecay);
  const first = tf.add(tf.mul(slots["first"]!, beta1), gradient);
  const second = tf.add(tf.mul(slots["second"]!, beta2), tf.square(gradient));
  // √v / √(1 − β₂ᵗ) + ε = scale · (√V + ε / scale)
  const scale = tf.div(Math.sqrt(1 - beta2), rates.secondCorrection);
  const root = tf.add(tf.sqrt(second), tf.div(epsilon, scale));
  const size = tf.div(tf.mul(rates.lr, 1 - beta1), tf.mul(rates.firstCorrection, scale));
  const update = tf.mul(tf.div(first, root), size);
  const start = decoupled && weightDecay > 0 ? tf.mul(p, tf.sub(1, tf.mul(rates.lr, weightDecay))) : p;
  return { parameter: tf.sub(start, update), slots: { first, second } };
}

function withDecay(p: tf.Tensor, g: tf.Tensor, weightDecay: number): tf.Tensor {
  return weightDecay > 0 ? tf.add(g, tf.mul(p, weightDecay)) : g;
}
