/** The ensemble's embedding: the heads side by side, each scaled by the root of its weight. Plain arrays. */
import type { HeadSpec } from "../program.ts";

/** Width of the ensemble's embedding. */
export function ensembleDim(heads: readonly HeadSpec[]): number {
  return heads.reduce((sum, head) => sum + head.dim, 0);
}

/**
 * z = [√v_1 · f_1, …, √v_H · f_H] of `count` samples, [count, Σ dim], from each head's embeddings [count, dim]. Its
 * squared distance is Σ_h v_h ‖f_h − f_h'‖²; heads of unit length and Σ v_h = 1 give it unit length.
 */
export function ensembleEmbedding(
  heads: readonly HeadSpec[],
  embeddings: Readonly<Record<string, Float32Array>>,
  count: number,
): Float32Array {
  const width = ensembleDim(heads);
  const joined = new Float32Array(count * width);
  let offset = 0;
  for (const { name, dim, weight } of heads) {
    const own = embeddings[name]!;
    const factor = Math.sqrt(weight);
    for (let i = 0; i < count; i++) {
      for (let j = 0; j < dim; j++) joined[i * width + offset + j] = factor * own[i * dim + j]!;
    }
    offset += dim;
  }
  return joined;
}
