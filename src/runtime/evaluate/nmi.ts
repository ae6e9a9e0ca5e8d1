/** Normalised mutual information of two labellings. Pure; called by `evaluateEmbeddings`. */

/**
 * NMI = 2 I(A; B) / (H(A) + H(B)), the arithmetic normalisation; 1 where both labellings are a single group.
 *
 * @param a [n] group of each sample, any integers.
 * @param b [n] another grouping of the same samples.
 */
export function normalizedMutualInformation(a: Int32Array, b: Int32Array): number {
  const n = a.length;
  const sizesA = new Map<number, number>();
  const sizesB = new Map<number, number>();
  const joint = new Map<number, Map<number, number>>();
  for (let i = 0; i < n; i++) {
    sizesA.set(a[i]!, (sizesA.get(a[i]!) ?? 0) + 1);
    sizesB.set(b[i]!, (sizesB.get(b[i]!) ?? 0) + 1);
    let row = joint.get(a[i]!);
    if (row === undefined) joint.set(a[i]!, (row = new Map()));
    row.set(b[i]!, (row.get(b[i]!) ?? 0) + 1);
  }
  const entropies = entropy(sizesA, n) + entropy(sizesB, n);
  if (entropies === 0) return 1;
  let information = 0;
  for (const [groupA, row] of joint) {
    for (const [groupB, count] of row) {
      information += (count / n) * Math.log((count * n) / (sizesA.get(groupA)! * sizesB.get(groupB)!));
    }
  }
  return Math.min(1, Math.max(0, (2 * information) / entropies));
}

/** Entropy in nats of groups of these sizes. */
function entropy(sizes: Map<number, number>, n: number): number {
  let sum = 0;
  for (const size of sizes.values()) sum -= (size / n) * Math.log(size / n);
  return sum;
}
