/**
 * Computing without recording gradients. Masks, counts and stopped values are worked out here, so that no gradient
 * function is ever asked of a comparison (tfjs has none) and the backward pass does no work for them.
 */
import * as tf from "@tensorflow/tfjs-core";

interface EngineDepth {
  readonly state: { kernelDepth: number };
}

/**
 * Runs `compute` with gradient recording off: what it returns is a constant to the gradients around it. tfjs records an
 * operation only at kernel depth 0, which is how its own kernels hide their inner operations.
 */
export function untracked<T>(compute: () => T): T {
  const { state } = tf.engine() as unknown as EngineDepth;
  state.kernelDepth++;
  try {
    return compute();
  } finally {
    state.kernelDepth--;
  }
}

/** The value of x, through which no gradient flows. */
export function stopGradient<T extends tf.Tensor>(x: T): T {
  return untracked(() => tf.clone(x));
}
