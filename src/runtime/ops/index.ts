/** The operations of formulas, `ops` in emitted programs: tensor forms of the language with the language's gradients. */
export * from "./blocks.ts";
export * from "./elementwise.ts";
export { cosinesFromGram, gram, squaredDistancesFromGram } from "./gram.ts";
export { crossEntropyInBlocks, inBlocks, logSumExpInBlocks } from "./in_blocks.ts";
export { differentClassAmong, remember, sameClassAmong } from "./memory.ts";
export { kmeans } from "./kmeans.ts";
export * from "./reductions.ts";
export { inverse, solve } from "./solve.ts";
export { stopGradient, untracked } from "./untracked.ts";
export * from "./vectors.ts";
