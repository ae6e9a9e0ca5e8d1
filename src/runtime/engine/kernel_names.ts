/**
 * Names of the kernels that are this project's own, beside tfjs's: an engine may have them or not. Used by `fused.ts`,
 * which calls them where they are, and by the engines that register them.
 */

/** Inputs x [.., C]; outputs mean [C] and biased variance [C] over all axes but the last. */
export const BATCH_STATISTICS = "BatchStatistics";

/** Inputs x, mean, variance, gamma, beta; attribute epsilon; output y as in `batchNormTraining`. */
export const BATCH_NORM_FORWARD = "BatchNormForward";

/** Inputs dy, x, mean, variance, gamma; attribute epsilon; outputs the gradients by x, gamma and beta. */
export const BATCH_NORM_BACKWARD = "BatchNormBackward";
