/**
 * The interpreter's bounds: a program that exceeds one is refused with a `BudgetError` instead of hanging or
 * overflowing the stack. Read by `graph.ts`, `expand/` and `evaluate.ts`.
 */

/** Nodes of one expanded loss, counted as a tree: shared parts count at every use. */
export const EXPANDED_NODES = 2_000_000;

/** Nesting of the expanded loss, and of calls while expanding it. */
export const DEPTH = 1_000;

/** Tuples that one evaluation may visit, all reductions together. */
export const TUPLES = 25_000_000;

/** Elements of one index's domain. */
export const DOMAIN = 1_000_000;

/** Numbers on the tape of one evaluation, and bodies of one reduction. */
export const TAPE = 24_000_000;

/** Largest table in which the values of one node are kept, one for each combination of its free indices. */
export const MEMO = 4_000_000;

/** Equations of one linear system. */
export const EQUATIONS = 1_000;
