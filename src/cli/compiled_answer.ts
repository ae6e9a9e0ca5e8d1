/**
 * What a compiled loss answers on a batch, read from the tensors it computed: at once, or by waiting for an engine that
 * cannot be read otherwise. For compiled_loss.ts.
 */
import * as tf from "@tensorflow/tfjs-core";
import type { Memory } from "../interpret/index.ts";

export interface CompiledAnswer {
  readonly value: number;
  readonly valid: boolean;
  readonly gradient: Gradient;
  /** States after the step. */
  readonly states: ReadonlyMap<string, Float32Array>;
  /** What is remembered after the step, the oldest sample first. */
  readonly memory?: Memory;
  /** The samples' shares and what is in no share, where they were asked for, with the gradient of mean and constant. */
  readonly shares?: {
    readonly perSample: Float32Array;
    readonly constant: number;
    readonly gradient: Gradient;
  };
}

interface Gradient {
  readonly views: Float32Array[];
  readonly params: Map<string, Float32Array>;
}

/** What a loss and its gradient are before they are read; every tensor is kept until then. */
export interface Computed {
  readonly value: tf.Tensor;
  readonly valid: tf.Tensor;
  readonly gradient: GradientTensors;
  readonly states: ReadonlyMap<string, tf.Tensor>;
  readonly shares?: {
    readonly perSample: tf.Tensor;
    readonly constant: tf.Tensor | undefined;
    readonly gradient: GradientTensors;
  };
}

export interface GradientTensors {
  readonly views: readonly tf.Tensor[];
  readonly params: ReadonlyMap<string, tf.Tensor>;
}

type Read = (tensor: tf.Tensor) => Float32Array;

export function readNow(computed: Computed): CompiledAnswer {
  const answer = answerOf(computed, (tensor) => tensor.dataSync() as Float32Array);
  tf.dispose([...tensorsOf(computed)]);
  return answer;
}

export async function readLater(computed: Computed): Promise<CompiledAnswer> {
  const tensors = [...tensorsOf(computed)];
  const data = await Promise.all(
    tensors.map(async (tensor) => [tensor, (await tensor.data()) as Float32Array] as const),
  );
  tf.dispose(tensors);
  const read = new Map(data);
  return answerOf(computed, (tensor) => read.get(tensor)!);
}

function tensorsOf({ value, valid, gradient, states, shares }: Computed): Set<tf.Tensor> {
  const ofGradient = ({ views, params }: GradientTensors): tf.Tensor[] => [...views, ...params.values()];
  const shared = shares === undefined ? [] : [shares.perSample, ...ofGradient(shares.gradient)];
  const constant = shares?.constant === undefined ? [] : [shares.constant];
  return new Set([value, valid, ...ofGradient(gradient), ...states.values(), ...shared, ...constant]);
}

function answerOf({ value, valid, gradient, states, shares }: Computed, read: Read): CompiledAnswer {
  const byName = (tensors: ReadonlyMap<string, tf.Tensor>): Map<string, Float32Array> =>
    new Map([...tensors].map(([name, tensor]) => [name, read(tensor)]));
  const gradientOf = ({ views, params }: GradientTensors): Gradient => ({
    views: views.map(read),
    params: byName(params),
  });
  const answer = {
    value: read(value)[0]!,
    valid: read(valid)[0] === 1,
    gradient: gradientOf(gradient),
    states: byName(states),
  };
  if (shares === undefined) return answer;
  const { perSample, constant } = shares;
  return {
    ...answer,
    shares: {
      perSample: read(perSample),
      constant: constant === undefined ? 0 : read(constant)[0]!,
      gradient: gradientOf(shares.gradient),
    },
  };
}
