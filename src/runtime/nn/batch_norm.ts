/**
 * Batch normalisation (Ioffe & Szegedy 2015) over the last axis: what an emitted program calls in `embed`, and the
 * parameters and state it declares for it. Pure functions over tensors and the `Net`.
 *
 * The running statistics follow PyTorch: running <- 0.9 · running + 0.1 · batch, where the batch's variance counts as
 * unbiased (n / (n - 1)) in the running one and as biased in the step's own normalisation.
 */
import * as tf from "@tensorflow/tfjs-core";
import { batchNormTraining } from "../engine/fused.ts";
import { ones, zeros } from "../init.ts";
import { untracked } from "../ops/untracked.ts";
import type { Net, ParameterGroup, ParameterSpec, StateSpec } from "../program.ts";
import { phase } from "../trace/phase.ts";

/** Weight of the old running statistics in the new ones (PyTorch's `momentum` is 1 minus this). */
const MOMENTUM = 0.9;
const EPSILON = 1e-5;

/** Parameters of `batchNorm(…, path)`: `path/scale`, ones, and `path/offset`, zeros, [channels], without weight decay. */
export function batchNormParameters(path: string, channels: number, group: ParameterGroup): ParameterSpec[] {
  const common = { shape: [channels], group, decay: false, trainable: true };
  return [
    { ...common, name: `${path}/scale`, init: ones() },
    { ...common, name: `${path}/offset`, init: zeros() },
  ];
}

/** State of `batchNorm(…, path)`: the running `path/mean`, 0 at first, and `path/variance`, 1 at first, [channels]. */
export function batchNormState(path: string, channels: number): StateSpec[] {
  return [
    { name: `${path}/mean`, shape: [channels], initial: 0 },
    { name: `${path}/variance`, shape: [channels], initial: 1 },
  ];
}

/**
 * Normalises each channel of x [..., channels] over all other axes, then scales and shifts it. In training by the
 * batch's own statistics, and the running ones move towards them; in evaluation by the running ones.
 */
export function batchNorm<T extends tf.Tensor>(x: T, net: Net, path: string): T {
  return phase(path, () => normalised(x, net, path));
}

function normalised<T extends tf.Tensor>(x: T, net: Net, path: string): T {
  const scale = net.param(`${path}/scale`);
  const offset = net.param(`${path}/offset`);
  const runningMean = net.state(`${path}/mean`);
  const runningVariance = net.state(`${path}/variance`);
  if (!net.training) {
    const factor = tf.mul(scale, tf.rsqrt(tf.add(runningVariance, EPSILON)));
    return tf.add(tf.mul(x, factor), tf.sub(offset, tf.mul(runningMean, factor))) as T;
  }
  const { y, mean, variance } = batchNormTraining(x, scale, offset, EPSILON);
  const count = x.size / x.shape[x.rank - 1]!;
  const unbiased = count > 1 ? count / (count - 1) : 1;
  untracked(() => {
    net.update(`${path}/mean`, moved(runningMean, mean, 1));
    net.update(`${path}/variance`, moved(runningVariance, variance, unbiased));
  });
  return y;
}

function moved(running: tf.Tensor, batch: tf.Tensor, correction: number): tf.Tensor {
  return tf.add(tf.mul(running, MOMENTUM), tf.mul(batch, (1 - MOMENTUM) * correction));
}
