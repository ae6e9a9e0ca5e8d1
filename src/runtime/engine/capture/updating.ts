/**
 * What the update of a parameter computes, told to whoever records: an engine whose library does such an update in one
 * go, in the parameter's own place, does that in a recording instead of the operations that the update consists of.
 * Run as it is, an update is those operations. Called by `train/updates.ts`; recorders listen.
 */
import type * as tf from "@tensorflow/tfjs-core";
import { ListenerPlace } from "../../listener.ts";

/**
 * An update by Adam's rule (Kingma & Ba 2015), all tensors of one shape but the scalars:
 *
 *   first' = β₁ first + (1 − β₁) gradient; second' = β₂ second + (1 − β₂) gradient²;
 *   parameter' = start − rate · first' / (√second' + epsilon).
 */
export interface AdamUpdate {
  readonly parameter: tf.Tensor;
  /** The parameter, or what decay has left of it. */
  readonly start: tf.Tensor;
  readonly gradient: tf.Tensor;
  readonly first: tf.Tensor;
  readonly second: tf.Tensor;
  /** Scalars. */
  readonly rate: tf.Tensor;
  readonly epsilon: tf.Tensor;
  readonly beta1: number;
  readonly beta2: number;
  readonly next: { readonly parameter: tf.Tensor; readonly first: tf.Tensor; readonly second: tf.Tensor };
}

/** Hears of updates while something is recorded. */
export interface UpdateListener {
  /** The operations of this update have run. */
  updated(update: AdamUpdate): void;
}

const place = new ListenerPlace<UpdateListener>();

/** Runs `work` with a listener, in place of any other. */
export const hearingUpdates = <T>(to: UpdateListener, work: () => T): T => place.during(to, work);

/** Tells of an update. */
export const tellUpdate = (update: AdamUpdate): void => place.current?.updated(update);
