/** What float32 products are wrong by at most: used where neighbours are told from estimates of distances. Pure. */

/** Half the distance from 1 to the next float32. */
export const UNIT_ROUNDOFF = 2 ** -24;

/**
 * γ of a sum of `terms` products: it is within γ‖a‖‖b‖ of a·b in whatever order it is summed (Higham 2002, "Accuracy and
 * Stability of Numerical Algorithms", §3.1).
 */
export function productError(terms: number): number {
  return (terms * UNIT_ROUNDOFF) / (1 - terms * UNIT_ROUNDOFF);
}
