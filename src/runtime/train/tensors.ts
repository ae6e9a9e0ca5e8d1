/**
 * Named tensors and who still needs them. A training step makes new parameters and state and changes none, so an old
 * set can be kept (the best so far, the last good one) by simply not disposing of it; `Holder` counts who holds what.
 */
import type * as tf from "@tensorflow/tfjs-core";

/** Tensors by declaration path. */
export type TensorMap = Readonly<Record<string, tf.Tensor>>;

/** All that a step changes: what a checkpoint holds. */
export interface Generation {
  readonly parameters: TensorMap;
  readonly state: TensorMap;
  /** The optimiser's own state. */
  readonly slots: TensorMap;
}

/** Reference counts of the tensors of generations; a tensor is disposed of when the last generation with it is released. */
export class Holder {
  readonly #counts = new Map<tf.Tensor, number>();

  hold(generation: Generation): Generation {
    for (const tensor of tensorsOf(generation)) this.#counts.set(tensor, (this.#counts.get(tensor) ?? 0) + 1);
    return generation;
  }

  release(generation: Generation): void {
    for (const tensor of tensorsOf(generation)) {
      const left = (this.#counts.get(tensor) ?? 0) - 1;
      if (left > 0) {
        this.#counts.set(tensor, left);
      } else {
        this.#counts.delete(tensor);
        tensor.dispose();
      }
    }
  }

  /** Disposes of everything still held. */
  releaseAll(): void {
    for (const tensor of this.#counts.keys()) tensor.dispose();
    this.#counts.clear();
  }
}

function tensorsOf(generation: Generation): tf.Tensor[] {
  return [generation.parameters, generation.state, generation.slots].flatMap((map) => Object.values(map));
}
