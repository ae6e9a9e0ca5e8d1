/** The ensemble's embedding: the heads side by side, each scaled by the root of its weight. Plain arrays. */
import type { HeadSpec } from "../program.ts";
import { counterRandom } from "../random.ts";

/** Squared weights by head name, for heads whose weight is learned: one a sample, or a single one for all of them. */
export type WeightValues = Readonly<Record<string, Float32Array>>;

/** Width of the ensemble's embedding. */
export function ensembleDim(heads: readonly HeadSpec[]): number {
  return heads.reduce((sum, head) => sum + head.dim, 0);
}

/**
 * z = [√v_1 · f_1, …, √v_H · f_H] of `count` samples, [count, Σ dim], from each head's embeddings [count, dim]. Where
 * all samples have the same weights, its squared distance is Σ_h v_h ‖f_h − f_h'‖². Heads of unit length and Σ v_h = 1
 * give it unit length.
 *
 * @param weights in place of `HeadSpec.weight`.
 */
export function ensembleEmbedding(
  heads: readonly HeadSpec[],
  embeddings: Readonly<Record<string, Float32Array>>,
  count: number,
  weights: WeightValues = {},
): Float32Array {
  const width = ensembleDim(heads);
  const joined = new Float32Array(count * width);
  const learned = new Map(Object.entries(weights));
  let offset = 0;
  for (const { name, dim, weight } of heads) {
    const own = embeddings[name]!;
    const given = learned.get(name) ?? Float32Array.of(weight);
    for (let i = 0; i < count; i++) {
      const factor = Math.sqrt(given[given.length === 1 ? 0 : i]!);
      for (let j = 0; j < dim; j++) joined[i * width + offset + j] = factor * own[i * dim + j]!;
    }
    offset += dim;
  }
  return joined;
}

/**
 * The control of gated ensembles: the same weights, each sample's given to another one. What the gates know of their
 * samples is lost, what they say of the heads is kept. The permutation is a function of the seed alone, over all of
 * the samples; undefined where no weight differs between samples.
 */
export function permutedWeights(
  weights: WeightValues,
  count: number,
  seed: number,
): WeightValues | undefined {
  const entries = Object.entries(weights);
  if (entries.every(([, values]) => values.length === 1)) return undefined;
  const order = counterRandom(seed, "evaluate/permuted_gates").shuffle(
    Int32Array.from({ length: count }, (_, i) => i),
  );
  return Object.fromEntries(
    entries.map(([name, values]) => [
      name,
      values.length === 1 ? values : Float32Array.from(order, (i) => values[i]!),
    ]),
  );
}
