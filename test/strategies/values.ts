/** Runs a combination on given values of its losses, over some steps. */
import * as tf from "@tensorflow/tfjs-core";
import { term } from "../../src/runtime/ensemble/index.ts";
import type { Combined, Net, ParameterSpec, StateSpec } from "../../src/runtime/program.ts";
import { createNet } from "../../src/runtime/train/net.ts";
import { initialParameters, initialState } from "../../src/runtime/train/parameters.ts";
import type { TensorMap } from "../../src/runtime/train/tensors.ts";

const numbers = (scalars: Readonly<Record<string, tf.Scalar>>): Record<string, number> =>
  Object.fromEntries(Object.entries(scalars).map(([name, scalar]) => [name, scalar.dataSync()[0]!]));

/** Raw values of the losses at one step; `null` is a step without a valid tuple. */
export type Values = Record<string, number | null>;
export type Combine = (losses: Record<string, Combined>, net: Net) => Combined;

export interface Result {
  value: number;
  valid: number;
  weights: Record<string, number>;
  groups: Record<string, number> | undefined;
  /** Gradient with respect to each loss's raw value and to each parameter. */
  gradient: Record<string, number[]>;
}

/** Runs a combination over some steps, its parameters held, its state carried on; returns each step's result. */
export function run(
  combine: Combine,
  steps: readonly Values[],
  parameterSpecs: ParameterSpec[] = [],
  stateSpecs: StateSpec[] = [],
  set: Record<string, number[]> = {},
): Result[] {
  const parameters: Record<string, tf.Tensor> = { ...initialParameters(parameterSpecs, 0) };
  for (const [name, values] of Object.entries(set)) parameters[name] = tf.tensor1d(values);
  let state: TensorMap = initialState(stateSpecs);
  return steps.map((values) => {
    const net = createNet({ classes: 0 }, true, parameters, state);
    const raw = Object.fromEntries(Object.entries(values).map(([name, v]) => [name, tf.scalar(v ?? 0)]));
    let combined: Combined | undefined;
    const inputs = [...Object.values(raw), ...Object.values(parameters)];
    const { grads } = tf.engine().gradients(
      () => {
        const losses = Object.fromEntries(
          Object.entries(values).map(([name, v]) => {
            const valid = tf.scalar(v === null ? 0 : 1);
            return [name, term(name, { value: raw[name]!, valid })];
          }),
        );
        combined = combine(losses, net);
        const { weights, groups } = combined;
        for (const weight of [...Object.values(weights), ...Object.values(groups ?? {})]) tf.keep(weight);
        for (const next of Object.values(net.updates)) tf.keep(next);
        tf.keep(combined.valid);
        return combined.value;
      },
      inputs,
      undefined,
      true,
    );
    const names = [...Object.keys(raw), ...Object.keys(parameters)];
    state = { ...state, ...net.updates };
    return {
      value: combined!.value.dataSync()[0]!,
      valid: combined!.valid.dataSync()[0]!,
      weights: numbers(combined!.weights),
      groups: combined!.groups === undefined ? undefined : numbers(combined!.groups),
      gradient: Object.fromEntries(
        names.map((name, i) => [name, grads[i] === undefined ? [] : Array.from(grads[i].dataSync())]),
      ),
    };
  });
}
