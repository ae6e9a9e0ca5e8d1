/**
 * Allocation of what a program declares: parameters from their initialisers, each with its own random stream keyed by
 * (seed, name), so that adding one reseeds no other; state from its initial values. Called before step 1.
 */
import * as tf from "@tensorflow/tfjs-core";
import type { ParameterSpec, StateSpec } from "../program.ts";
import { counterRandom } from "../random.ts";
import type { StoredTensor } from "../report/safetensors.ts";
import type { TensorMap } from "./tensors.ts";

/** Initial parameters of a run with this seed. */
export function initialParameters(specs: readonly ParameterSpec[], seed: number): TensorMap {
  requireUnique("parameter", specs);
  return allocate(specs, (spec) => spec.init(spec.shape, counterRandom(seed, spec.name)));
}

/** Initial state of a run with this seed. */
export function initialState(specs: readonly StateSpec[], seed = 0): TensorMap {
  requireUnique("state", specs);
  return allocate(specs, ({ name, shape, initial }) =>
    typeof initial === "number"
      ? new Float32Array(tf.util.sizeFromShape([...shape])).fill(initial)
      : initial(shape, counterRandom(seed, name)),
  );
}

/** The state that belongs to the weights: without what is of use to the run alone. */
export function lasting(state: TensorMap, specs: readonly StateSpec[]): TensorMap {
  const transient = new Set(specs.filter((spec) => spec.transient === true).map(({ name }) => name));
  return Object.fromEntries(Object.entries(state).filter(([name]) => !transient.has(name)));
}

/** Reads tensors back, to be stored. */
export async function readTensors(tensors: TensorMap): Promise<Map<string, StoredTensor>> {
  const stored = new Map<string, StoredTensor>();
  for (const [name, tensor] of Object.entries(tensors)) {
    // A copy: the wasm engine's data is a view that later calls may overwrite.
    stored.set(name, { shape: tensor.shape, data: Float32Array.from(await tensor.data()) });
  }
  return stored;
}

/**
 * Tensors of what `specs` declare, from storage.
 *
 * @throws if one is missing or has another shape.
 */
export function restoreTensors(
  specs: ReadonlyArray<{ readonly name: string; readonly shape: readonly number[] }>,
  stored: ReadonlyMap<string, StoredTensor>,
): TensorMap {
  return allocate(specs, ({ name, shape }) => {
    const found = stored.get(name);
    if (found === undefined) throw new Error(`"${name}" is not among the stored tensors`);
    if (found.shape.join() !== shape.join()) {
      throw new Error(`stored "${name}" has shape [${found.shape.join(", ")}], not [${shape.join(", ")}]`);
    }
    return Float32Array.from(found.data);
  });
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
