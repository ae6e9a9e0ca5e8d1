/** Bounds below which a number in float32 is taken for 0, shared by the operations on vectors and on their products. */

/** Squared distances at or below this share of |u|^2 + |v|^2 are 0: the difference of the squares has no digits left. */
export const CANCELLED = 1e-6;
/** A vector of at most this squared length is the zero vector. */
export const ZERO_SQUARED_LENGTH = 1e-30;
