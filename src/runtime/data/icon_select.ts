/**
 * Which drawings of a concept are kept, and which concepts share a fold: decided by the correlation of their pixels.
 * Called by the builder of the icon data set; pure numbers.
 */

/**
 * Two drawings of one concept that correlate above this are one drawing: the later one is dropped. Related sets share
 * much of their design: at 0.85 raw pixels alone still found a neighbour of the right class for 46 in 100 unseen icons,
 * at 0.75 for 32 in 100, which leaves a task that needs an embedding.
 */
export const DUPLICATE_CORRELATION = 0.75;
/** Drawings of two sets that correlate above this are taken for the same drawing under two names. */
export const SAME_DRAWING_CORRELATION = 0.95;
/** Concepts of which a larger part of the sets has both mean different things, however alike they are. */
export const MOST_SHARED_SETS = 0.7;

/**
 * Images as vectors of mean 0 and length 1, so that a dot product is a correlation; a blank image becomes zeros.
 * @param pixels [count, length]
 */
export function standardise(pixels: Uint8Array, length: number): Float32Array {
  const vectors = new Float32Array(pixels.length);
  for (let start = 0; start < pixels.length; start += length) {
    let sum = 0;
    for (let at = start; at < start + length; at++) sum += pixels[at]!;
    const mean = sum / length;
    let squares = 0;
    for (let at = start; at < start + length; at++) squares += (pixels[at]! - mean) ** 2;
    if (squares === 0) continue;
    const scale = 1 / Math.sqrt(squares);
    for (let at = start; at < start + length; at++) vectors[at] = (pixels[at]! - mean) * scale;
  }
  return vectors;
}

/** Dot product of image a and image b of `vectors`, [count, length]. */
export function correlation(vectors: Float32Array, length: number, a: number, b: number): number {
  const from = a * length;
  const to = b * length;
  let sum = 0;
  for (let t = 0; t < length; t++) sum += vectors[from + t]! * vectors[to + t]!;
  return sum;
}

/**
 * Of the images `first` up to `end` (one concept, in order), those that correlate with no image kept before them by
 * more than `DUPLICATE_CORRELATION`. Blank images are never kept.
 */
export function dropNearDuplicates(
  vectors: Float32Array,
  length: number,
  first: number,
  end: number,
): number[] {
  const kept: number[] = [];
  for (let index = first; index < end; index++) {
    const start = index * length;
    if (vectors.subarray(start, start + length).every((value) => value === 0)) continue;
    if (kept.every((other) => correlation(vectors, length, other, index) <= DUPLICATE_CORRELATION)) {
      kept.push(index);
    }
  }
  return kept;
}

/**
 * Clusters of concepts that are one by their drawings, [concepts]: a cluster's number is its first concept's.
 *
 * Two concepts A and B are joined if a drawing of A, from a set that has no B, correlates above
 * `SAME_DRAWING_CORRELATION` with a drawing of B from a set that has no A (two sets that name one drawing differently),
 * unless more than `MOST_SHARED_SETS` of the sets that have the rarer one have both. Sets that draw both concepts are
 * no evidence: `calendar-plus` and `calendar-minus` differ by a few pixels.
 *
 * @param vectors [count, length], standardised
 * @param concepts concept of each image, [count], ascending
 * @param sets icon set of each image, [count]
 */
export function synonymClusters(
  vectors: Float32Array,
  length: number,
  concepts: Int32Array,
  sets: Int32Array,
): Int32Array {
  const count = (concepts.at(-1) ?? -1) + 1;
  const imagesOf = Array.from({ length: count }, (): number[] => []);
  const setsOf = Array.from({ length: count }, () => new Set<number>());
  concepts.forEach((concept, image) => {
    imagesOf[concept]!.push(image);
    setsOf[concept]!.add(sets[image]!);
  });
  const isSame = sameDrawing(vectors, length);
  const clusters = Int32Array.from({ length: count }, (_, concept) => concept);
  const root = (concept: number): number => {
    while (clusters[concept] !== concept) concept = clusters[concept]!;
    return concept;
  };
  for (let a = 0; a < count; a++) {
    for (let b = a + 1; b < count; b++) {
      if (root(a) === root(b) || sharedSets(setsOf[a]!, setsOf[b]!) > MOST_SHARED_SETS) continue;
      const ofA = imagesOf[a]!.filter((image) => !setsOf[b]!.has(sets[image]!));
      const ofB = imagesOf[b]!.filter((image) => !setsOf[a]!.has(sets[image]!));
      if (!ofA.some((imageA) => ofB.some((imageB) => isSame(imageA, imageB)))) continue;
      clusters[Math.max(root(a), root(b))] = Math.min(root(a), root(b));
    }
  }
  return clusters.map((_, concept) => root(concept));
}

/** Size of the intersection over the size of the smaller set. */
function sharedSets(a: ReadonlySet<number>, b: ReadonlySet<number>): number {
  const [small, large] = a.size <= b.size ? [a, b] : [b, a];
  let shared = 0;
  for (const value of small) if (large.has(value)) shared++;
  return shared / small.size;
}

/** Numbers of the short description by which most pairs are ruled out. */
const SKETCH = 64;

/**
 * Whether two images correlate above `SAME_DRAWING_CORRELATION`. For unit vectors that means a squared distance below
 * 2 - 2 * threshold, and a projection never lengthens a distance: most pairs are ruled out by the first numbers of their
 * sketches (means over runs of pixels, scaled to be a projection), and only the rest are compared in full.
 */
function sameDrawing(vectors: Float32Array, length: number): (a: number, b: number) => boolean {
  const count = vectors.length / length;
  const limit = 2 - 2 * SAME_DRAWING_CORRELATION;
  const starts = Int32Array.from({ length: SKETCH + 1 }, (_, k) => Math.round((k * length) / SKETCH));
  const sketches = new Float32Array(count * SKETCH);
  for (let image = 0; image < count; image++) {
    for (let k = 0; k < SKETCH; k++) {
      const run = starts[k + 1]! - starts[k]!;
      let sum = 0;
      for (let t = starts[k]!; t < starts[k + 1]!; t++) sum += vectors[image * length + t]!;
      sketches[image * SKETCH + k] = run === 0 ? 0 : sum / Math.sqrt(run);
    }
  }
  return (a, b) => {
    let distance = 0;
    for (let k = 0; k < SKETCH; k++) {
      distance += (sketches[a * SKETCH + k]! - sketches[b * SKETCH + k]!) ** 2;
      if (distance > limit) return false;
    }
    return correlation(vectors, length, a, b) > SAME_DRAWING_CORRELATION;
  };
}
