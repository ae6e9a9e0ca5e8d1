/**
 * Allocation of what a program declares: parameters from their initialisers, each with its own random stream keyed by
 * (seed, name), so that adding one reseeds no other; state from its initial values. Called before step 1.
 */
import * as tf from "@tensorflow/tfjs-core";
import type { ParameterSpec, StateSpec } from "../program.ts";
import { counterRandom } from "../random.ts";
import type { TensorMap } from "./tensors.ts";

/** Initial parameters of a run with this seed. */
export function initialParameters(specs: readonly ParameterSpec[], seed: number): TensorMap {
  requireUnique("parameter", specs);
  return allocate(specs, (spec) => spec.init(spec.shape, counterRandom(seed, spec.name)));
}

/** Initial state. */
export function initialState(specs: readonly StateSpec[]): TensorMap {
  requireUnique("state", specs);
  return allocate(specs, (spec) =>
    new Float32Array(tf.util.sizeFromShape([...spec.shape])).fill(spec.initial),
  );
}

/** A named array in row-major order: how weights leave the engine and come back. */
export interface NamedArray {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** Reads tensors back, in the order of their names. */
export async function readTensors(tensors: TensorMap): Promise<NamedArray[]> {
  const arrays: NamedArray[] = [];
  for (const name of Object.keys(tensors).sort()) {
    const tensor = tensors[name]!;
    // A copy: the wasm engine's data is a view that later calls may overwrite.
    arrays.push({ name, shape: tensor.shape, data: Float32Array.from(await tensor.data()) });
  }
  return arrays;
}

function allocate<S extends { readonly name: string; readonly shape: readonly number[] }>(
  specs: readonly S[],
  values: (spec: S) => Float32Array,
): TensorMap {
  const tensors: Record<string, tf.Tensor> = {};
  for (const spec of specs) tensors[spec.name] = tf.tensor(values(spec), [...spec.shape], "float32");
  return tensors;
}

function requireUnique(what: string, specs: ReadonlyArray<{ readonly name: string }>): void {
  const seen = new Set<string>();
  for (const { name } of specs) {
    if (seen.has(name)) throw new Error(`${what} "${name}" is declared twice`);
    seen.add(name);
  }
}
