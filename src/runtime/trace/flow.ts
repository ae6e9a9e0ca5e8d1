/**
 * What flows through a training step, for who wants to know what an operation is for: what each loss returned, and which
 * recorded operation's gradient is being worked out. The training step and the backward pass tell it; `loss_use.ts`
 * listens. As with the names of parts (`phase.ts`), nothing is told unless something listens. Pure but for the listener.
 */
import type * as tf from "@tensorflow/tfjs-core";
import { ListenerPlace } from "../listener.ts";
import type { LossValue } from "../program.ts";

/** Values of the program's states by name. */
type States = Readonly<Record<string, tf.Tensor>>;

export interface FlowListener {
  /** The losses have run: what each returned, and the states before them and after. */
  losses(returned: Readonly<Record<string, LossValue>>, before: States, after: States): void;
  /** A backward pass begins: what it finds is its own, whatever others found before. */
  beginPass(): void;
  /** Until `end`, gradients by `inputs` are worked out from those of `outputs`, of one recorded operation. */
  beginGradient(outputs: readonly tf.Tensor[], inputs: readonly tf.Tensor[]): void;
  /** Until `end`, within the work on an operation, gradients by `x` from several operations are added up. */
  beginSum(x: tf.Tensor): void;
  end(): void;
}

const place = new ListenerPlace<FlowListener>();

/** Says what the losses returned; `after` holds the next values of the states that the step has written so far. */
export function lossesReturned(
  returned: Readonly<Record<string, LossValue>>,
  before: States,
  after: States,
): void {
  place.current?.losses(returned, before, after);
}

/** Says that a backward pass begins. */
export const passBegins = (): void => place.current?.beginPass();

/** Runs `work` as the backward pass through one recorded operation. */
export function gradientOf<T>(outputs: readonly tf.Tensor[], inputs: readonly tf.Tensor[], work: () => T): T {
  return told((listener) => listener.beginGradient(outputs, inputs), work);
}

/** Runs `work` as the sum of the gradients by `x` from several operations. */
export const gradientSum = <T>(x: tf.Tensor, work: () => T): T =>
  told((listener) => listener.beginSum(x), work);

function told<T>(begin: (listener: FlowListener) => void, work: () => T): T {
  const hearing = place.current;
  if (hearing === undefined) return work();
  begin(hearing);
  try {
    return work();
  } finally {
    hearing.end();
  }
}

/** Runs `work` with a listener, in place of any other. */
export const withFlow = <T>(to: FlowListener, work: () => T): T => place.during(to, work);
