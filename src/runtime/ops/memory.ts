/**
 * What a loss remembers of earlier steps (`LOSS against memory(size)`): one tensor for the embeddings of a head, one for
 * labels, one for the identities of samples. Called by emitted programs, whose states these are.
 */
import * as tf from "@tensorflow/tfjs-core";
import { untracked } from "./untracked.ts";

/** Labels and identities of samples, int32 [n] each; both -1 where there is none. */
type Samples = readonly [labels: tf.Tensor, ids: tf.Tensor];

/** Which pairs are different samples of one class, bool [n, m]: none where there is no sample. */
export function sameClassAmong(rows: Samples, columns: Samples): tf.Tensor {
  return untracked(() => {
    const [equal, other] = [tf.equal, tf.notEqual].map((compare, k) =>
      compare(tf.expandDims(rows[k]!, 1), tf.expandDims(columns[k]!, 0)),
    );
    return tf.logicalAnd(equal!, other!);
  });
}

/** Which pairs are of different classes: labels [n] and [m] to bool [n, m]; none where there is no sample. */
export function differentClassAmong(rows: tf.Tensor, columns: tf.Tensor): tf.Tensor {
  return untracked(() => {
    const [left, right] = [tf.expandDims(rows, 1), tf.expandDims(columns, 0)];
    const none = tf.scalar(0, "int32");
    const there = tf.logicalAnd(tf.greaterEqual(left, none), tf.greaterEqual(right, none));
    return tf.logicalAnd(tf.notEqual(left, right), there);
  });
}

/**
 * A memory [N, …] after the rows of a batch [B, …] have joined it behind what it held: the oldest rows are forgotten, and
 * of a batch larger than the memory the last N rows stay. float32, which holds labels and identities below 2^24 exactly.
 * No gradient flows through it.
 */
export function remember(memory: tf.Tensor, batch: tf.Tensor): tf.Tensor {
  return untracked(() => {
    const [size, joining] = [memory.shape[0]!, batch.shape[0]!];
    const rows = tf.cast(batch, "float32");
    if (joining >= size) return tf.slice(rows, joining - size, size);
    return tf.concat([tf.slice(memory, joining, size - joining), rows]);
  });
}
