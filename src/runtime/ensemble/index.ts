/** The strategies emitted programs combine losses with, as one namespace (`strategies`). */
export { equal } from "./equal.ts";
export { learned, learnedParameters } from "./learned.ts";
export type { LearnedOptions } from "./learned.ts";
export { scaleState } from "./scale.ts";
export type { Scale } from "./scale.ts";
export { term } from "./term.ts";
export { weightedSum } from "./weighted_sum.ts";
