/** The `Net` that the functions of an emitted program are handed, over one generation of parameters and state. */
import * as tf from "@tensorflow/tfjs-core";
import type { Net, Sizes } from "../program.ts";
import type { TensorMap } from "./tensors.ts";

/** A `Net` and what was written to it. */
export interface RecordingNet extends Net {
  /**
   * The next values handed to `update` so far, by state name. They outlive the scopes of tfjs in which they were computed,
   * and belong to whoever made the net.
   */
  readonly updates: Readonly<Record<string, tf.Tensor>>;
}

/**
 * A net over `parameters`, `state` and, in training, `noise`. Reading or updating a name that was not declared is an error that names it, as
 * is an update of another shape: both would be mistakes of the compiler, not of the spec.
 */
export function createNet(
  sizes: Sizes,
  training: boolean,
  parameters: TensorMap,
  state: TensorMap,
  noise: TensorMap = {},
): RecordingNet {
  const updates: Record<string, tf.Tensor> = {};
  const stateOf = (name: string): tf.Tensor => {
    const value = state[name];
    if (value === undefined) throw new Error(`no state "${name}" is declared`);
    return value;
  };
  return {
    sizes,
    training,
    updates,
    param(name) {
      const value = parameters[name];
      if (value === undefined) throw new Error(`no parameter "${name}" is declared`);
      return value;
    },
    state: stateOf,
    update(name, next) {
      if (!training) return;
      const before = stateOf(name);
      if (before.shape.join() !== next.shape.join()) {
        throw new Error(`state "${name}" has shape [${before.shape}], its update [${next.shape}]`);
      }
      updates[name] = tf.keep(next);
    },
    noise(name) {
      const value = noise[name];
      if (value === undefined) throw new Error(`no noise "${name}" is declared`);
      return value;
    },
  };
}
