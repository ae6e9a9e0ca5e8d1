/**
 * Several gradients of one forward pass. tfjs's own `gradients` forgets the recording after one backward pass; here it
 * is kept until the last is taken. The one place that touches the engine's recording. Called by the training step and
 * by scales that measure gradients.
 */
import * as tf from "@tensorflow/tfjs-core";
import { savesShapesOnly } from "../engine/gradients/define.ts";
import { untracked } from "../ops/untracked.ts";
import { backward } from "./backward.ts";
import type { TapeNode } from "./backward.ts";

/**
 * Gradients of y by the inputs; undefined for an input that y does not depend on. With `last`, what the recording holds
 * is let go of on the way, and no other gradient can be asked for.
 */
export type GradientsOf = (y: tf.Scalar, last?: "last") => readonly (tf.Tensor | undefined)[];

interface Recorder {
  startTape(): void;
  endTape(): void;
  readonly state: { activeTape: TapeNode[] | null };
}

/** A recording. Gradients that need an operand's shape alone find it in a tensor that is disposed of. */
class Tape extends Array<TapeNode> {
  override push(...nodes: TapeNode[]): number {
    for (const { kernelName, saved } of nodes) if (savesShapesOnly(kernelName)) tf.dispose([...saved]);
    return super.push(...nodes);
  }
}

/**
 * Records `forward`, then runs `use`, which may ask for the gradient of as many of the scalars that `forward` returned
 * as it likes: each costs one backward pass. `use` itself is not recorded.
 */
export function recorded<T, R>(
  inputs: readonly tf.Tensor[],
  forward: () => T,
  use: (result: T, gradientsOf: GradientsOf) => R,
): R {
  const engine = tf.engine() as unknown as Recorder;
  engine.startTape();
  const tape = new Tape();
  engine.state.activeTape = tape;
  try {
    const result = tf.tidy(forward as () => tf.TensorContainer) as T;
    return untracked(() => use(result, (y, last) => backward(tape, y, inputs, last === "last")));
  } finally {
    engine.endTape();
    for (const { saved } of tape) tf.dispose([...saved]);
    engine.state.activeTape = null;
  }
}

/**
 * The gradient of y by x in the middle of a recording, of what has been recorded so far; undefined where y does not depend
 * on x. It costs a backward pass from y to x and is no part of the recording itself.
 */
export function gradientWithin(y: tf.Scalar, x: tf.Tensor): tf.Tensor | undefined {
  const engine = tf.engine() as unknown as Recorder;
  return untracked(() => backward(engine.state.activeTape ?? [], y, [x], false)[0]);
}
