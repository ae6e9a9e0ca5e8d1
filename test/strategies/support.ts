/**
 * A small ensemble to hold strategies against: one linear backbone, K linear heads of unit length, and K losses with
 * shares of the samples, on fixed random numbers. Every parameter is an input, so that all gradients can be asked for.
 */
import * as tf from "@tensorflow/tfjs-core";
import { normalize } from "../../src/runtime/nn/index.ts";
import type {
  CombineContext,
  Combined,
  LossValue,
  ParameterSpec,
  StateSpec,
} from "../../src/runtime/program.ts";
import { counterRandom } from "../../src/runtime/random.ts";
import { createNet } from "../../src/runtime/train/net.ts";
import { initialParameters, initialState } from "../../src/runtime/train/parameters.ts";
import { recorded } from "../../src/runtime/train/tape.ts";

export const BATCH = 8;
export const FEATURES = 5;
export const WIDTH = 3;
export const LABELS = [0, 0, 1, 1, 2, 2, 3, 3];

export function randomNumbers(length: number, key: string, scale = 1): number[] {
  const random = counterRandom(5, key);
  return Array.from({ length }, () => scale * random.normal());
}

export type Losses = Record<string, LossValue>;

export interface Scene {
  /** Names of losses and heads: loss k reads head k. */
  readonly names: readonly string[];
  readonly parameters?: readonly ParameterSpec[];
  readonly state?: readonly StateSpec[];
  readonly noise?: Record<string, tf.Tensor>;
  /** In place of the parameters' initial values. */
  readonly set?: Record<string, readonly number[]>;
  /** Factors on the losses. */
  readonly factors?: readonly number[];
  /** Regularisers of the losses. */
  readonly constants?: readonly number[];
  combine(losses: Losses, context: CombineContext): Combined;
}

export interface Seen {
  readonly value: number;
  readonly own: number | undefined;
  readonly perSample: readonly number[] | undefined;
  readonly constant: number | undefined;
  readonly weights: Record<string, number>;
  readonly groups: Record<string, number> | undefined;
  /** Gradients of the value, and of the own objective; by input, undefined where the path is cut. */
  readonly gradients: Record<string, readonly number[] | undefined>;
  readonly ownGradients: Record<string, readonly number[] | undefined>;
  /** Features and heads of the batch. */
  readonly features: readonly number[];
  readonly heads: Record<string, readonly number[]>;
  readonly valid: number;
}

const numbers = (tensor: tf.Tensor | undefined): readonly number[] | undefined =>
  tensor === undefined ? undefined : Array.from(tensor.dataSync());
const one = (tensor: tf.Tensor | undefined): number | undefined => numbers(tensor)?.[0];
const record = (tensors: Readonly<Record<string, tf.Tensor>>): Record<string, number> =>
  Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, tensor.dataSync()[0]!]));

/** Shares of a loss that pulls each sample to its partner and off the others: [B]. */
export function sharesOf(x: tf.Tensor2D, margin: number): tf.Tensor1D {
  const squared = tf.sub(2, tf.mul(2, tf.matMul(x, x, false, true)));
  const labels = tf.tensor1d(LABELS);
  const same = tf.cast(tf.equal(tf.expandDims(labels, 1), tf.expandDims(labels, 0)), "float32");
  const pull = tf.mul(tf.sub(same, tf.eye(BATCH)), squared);
  const push = tf.mul(tf.sub(1, same), tf.relu(tf.sub(margin, squared)));
  return tf.sum(tf.add(pull, tf.div(push, 4)), 1);
}

/** Runs one step of a scene. */
export function see(scene: Scene): Seen {
  const { names } = scene;
  const parameters: Record<string, tf.Tensor> = {
    ...initialParameters(scene.parameters ?? [], 0),
    backbone: tf.tensor2d(randomNumbers(4 * FEATURES, "backbone"), [4, FEATURES]),
  };
  for (const name of names) {
    const kernel = randomNumbers(FEATURES * WIDTH, `heads/${name}`);
    parameters[`heads/${name}`] = tf.tensor2d(kernel, [FEATURES, WIDTH]);
  }
  for (const [name, values] of Object.entries(scene.set ?? {})) {
    const shape = parameters[name]?.shape ?? [values.length];
    parameters[name] = tf.tensor([...values], shape);
  }
  const images = tf.tensor2d(randomNumbers(BATCH * 4, "images"), [BATCH, 4]);
  const state = initialState(scene.state ?? []);
  const net = createNet({ classes: 4 }, true, parameters, state, scene.noise);
  const keys = Object.keys(parameters);
  return recorded(
    Object.values(parameters),
    () => {
      const features = tf.matMul(images, parameters["backbone"] as tf.Tensor2D) as tf.Tensor2D;
      const heads = Object.fromEntries(
        names.map((name) => [
          name,
          normalize(tf.matMul(features, parameters[`heads/${name}`] as tf.Tensor2D) as tf.Tensor2D),
        ]),
      );
      const losses = Object.fromEntries(
        names.map((name, k): [string, LossValue] => {
          const factor = scene.factors?.[k] ?? 1;
          const perSample = tf.mul(sharesOf(heads[name]!, 1 + k / 2), factor) as tf.Tensor1D;
          const mean = tf.mean(perSample) as tf.Scalar;
          const extra = scene.constants?.[k];
          if (extra === undefined) return [name, { value: mean, valid: tf.scalar(1), perSample }];
          const constant = tf.scalar(extra * factor);
          return [name, { value: tf.add(mean, constant), valid: tf.scalar(1), perSample, constant }];
        }),
      );
      const labels = tf.tensor1d(LABELS, "int32");
      for (const tensor of [features, ...Object.values(heads)]) tf.keep(tensor);
      return { combined: scene.combine(losses, { features, heads, labels, net }), features, heads };
    },
    ({ combined, features, heads }, gradientsOf) => {
      const { value, own, perSample, constant, weights, groups, valid } = combined;
      const named = (y: tf.Scalar): Record<string, readonly number[] | undefined> =>
        Object.fromEntries(gradientsOf(y).map((gradient, i) => [keys[i]!, numbers(gradient)]));
      return {
        value: one(value)!,
        own: one(own),
        perSample: numbers(perSample),
        constant: one(constant),
        weights: record(weights),
        groups: groups === undefined ? undefined : record(groups),
        gradients: named(value),
        ownGradients: own === undefined ? {} : named(own),
        features: numbers(features)!,
        heads: Object.fromEntries(names.map((name) => [name, numbers(heads[name])!])),
        valid: one(valid)!,
      };
    },
  );
}

/** Greatest difference of two lists over the greatest entry of the second (at least 1e-6). */
export function relativeError(a: readonly number[], b: readonly number[]): number {
  const size = Math.max(1e-6, ...b.map(Math.abs));
  return Math.max(...b.map((value, i) => Math.abs(a[i]! - value))) / size;
}

export const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;
