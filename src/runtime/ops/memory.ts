/**
 * What a loss remembers of earlier steps (`LOSS against memory(size)`): one tensor for the embeddings of a head, one for
 * labels, one for the identities of samples. Called by emitted programs, whose states these are.
 */
import * as tf from "@tensorflow/tfjs-core";
import { untracked } from "./untracked.ts";

/**
 * A memory [N, …] after the rows of a batch [B, …] have joined it behind what it held: the oldest rows are forgotten, and
 * of a batch larger than the memory the last N rows stay. No gradient flows through it.
 */
export function remember(memory: tf.Tensor, batch: tf.Tensor): tf.Tensor {
  return untracked(() => {
    const [size, joining] = [memory.shape[0]!, batch.shape[0]!];
    if (joining >= size) return tf.slice(batch, joining - size, size);
    return tf.concat([tf.slice(memory, joining, size - joining), batch]);
  });
}
