/**
 * Several gradients of one forward pass. tfjs's own `gradients` forgets the recording after one backward pass; here it
 * is kept until the last is taken. The one place that touches the engine's recording. Called by the training step.
 */
import * as tf from "@tensorflow/tfjs-core";
import { untracked } from "../ops/untracked.ts";

/** Gradients of y by the inputs; undefined for an input that y does not depend on. */
export type GradientsOf = (y: tf.Scalar) => readonly (tf.Tensor | undefined)[];

interface Recorder {
  startTape(): void;
  endTape(): void;
  readonly state: { activeTape: { readonly saved: readonly tf.Tensor[] }[] | null };
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
  try {
    const result = tf.tidy(forward as () => tf.TensorContainer) as T;
    return untracked(() =>
      use(result, (y) => tf.engine().gradients(() => y, [...inputs], undefined, true).grads),
    );
  } finally {
    engine.endTape();
    for (const { saved } of engine.state.activeTape ?? []) tf.dispose([...saved]);
    engine.state.activeTape = null;
  }
}
