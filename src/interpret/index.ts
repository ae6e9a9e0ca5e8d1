/**
 * The interpreter: what the rest of the compiler, the command line and the tests use of this folder.
 */
export { BudgetError, InterpretError, MinerError } from "./errors.ts";
export { initialParams, initialStates } from "./initial.ts";
export { interpreterFor, interpretLoss, paramShapes } from "./interpret.ts";
export type { Memory } from "./memory.ts";
export type { Interpretation, InterpretOptions, LabelSet, LossBatch, Matrix, Tensor } from "./interpret.ts";
export type { ParamSizes } from "./expand/loss.ts";
