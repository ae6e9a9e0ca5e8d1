/**
 * Batches sorted by class, in blocks of M samples: what of a batch-wide tensor belongs to each sample's own block. All
 * are reshapes and masks, whose gradients are reshapes and masks. B is the batch, P = B / M its number of classes.
 */
import * as tf from "@tensorflow/tfjs-core";
import { untracked } from "./untracked.ts";

/** Entries of x [B, B] in each row's own block, [B, M]. */
export function withinClass(x: tf.Tensor, samples: number): tf.Tensor {
  const batch = x.shape[0]!;
  const classes = batch / samples;
  const blocks = [classes, samples, classes, samples];
  const own = (): tf.Tensor => tf.reshape(tf.cast(tf.eye(classes), "bool"), [classes, 1, classes, 1]);
  const diagonal = (full: tf.Tensor): tf.Tensor => tf.where(own(), full, tf.scalar(0));
  const op = tf.customGrad((input) => {
    const value = tf.sum(diagonal(tf.reshape(input as tf.Tensor, blocks)), 2);
    const gradFunc = (dy: tf.Tensor): tf.Tensor => {
      const wide = tf.broadcastTo(tf.reshape(dy, [classes, samples, 1, samples]), blocks);
      return tf.reshape(diagonal(wide), [batch, batch]);
    };
    return { value: tf.reshape(value, [batch, samples]), gradFunc };
  });
  return op(x);
}

/** Entries of x [B, ...] in each sample's own block, [B, M, ...]. */
export function classmates(x: tf.Tensor, samples: number): tf.Tensor {
  const [batch, ...rest] = x.shape as [number, ...number[]];
  const width = rest.reduce((product, side) => product * side, 1);
  const rows = tf.reshape(x, [batch / samples, 1, samples * width]);
  return tf.reshape(tf.tile(rows, [1, samples, 1]), [batch, samples, ...rest]);
}

/** Which of its block are not the sample itself, bool [B, M]. */
export function otherClassmates(labels: tf.Tensor, samples: number): tf.Tensor {
  return untracked(() => {
    const self = tf.cast(tf.eye(samples), "bool");
    return tf.tile(tf.logicalNot(self), [labels.size / samples, 1]);
  });
}
