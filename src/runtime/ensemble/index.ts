/** The strategies emitted programs combine losses with, as one namespace (`strategies`). */
export { equal } from "./equal.ts";
export { gateHeadWeights, gateParameters } from "./gate.ts";
export type { GateOptions } from "./gate.ts";
export { gated, softMin } from "./gated.ts";
export type { GatedOptions } from "./gated.ts";
export type { OperandHeads } from "./head_weights.ts";
export { hierarchical, hierarchicalParameters } from "./hierarchical.ts";
export type { HierarchicalOptions } from "./hierarchical.ts";
export { learned, learnedParameters } from "./learned.ts";
export type { LearnedOptions } from "./learned.ts";
export { pcgrad, pcgradNoise } from "./pcgrad.ts";
export { scaleState } from "./scale.ts";
export type { Scale } from "./scale.ts";
export { term } from "./term.ts";
export { uncertainty, uncertaintyParameters } from "./uncertainty.ts";
export { wedl, wedlHeadWeights, wedlParameters } from "./wedl.ts";
export type { WedlOptions } from "./wedl.ts";
export { weightedSum } from "./weighted_sum.ts";
