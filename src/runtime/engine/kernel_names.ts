/**
 * Names of the kernels that are this project's own, beside tfjs's: an engine may have them or not. Used by `fused.ts`
 * and the gradients, which call them where they are, and by the engines that register them.
 */
import * as tf from "@tensorflow/tfjs-core";

/** Inputs x [.., C]; outputs mean [C] and biased variance [C] over all axes but the last. */
export const BATCH_STATISTICS = "BatchStatistics";

/** Inputs x, mean, variance, gamma, beta; attribute epsilon; output y as in `batchNormTraining`. */
export const BATCH_NORM_FORWARD = "BatchNormForward";

/** Inputs dy, x, mean, variance, gamma; attribute epsilon; outputs the gradients by x, gamma and beta. */
export const BATCH_NORM_BACKWARD = "BatchNormBackward";

/**
 * The three above as one, with its gradient: inputs x [.., C], gamma, beta; attribute epsilon; outputs y, mean and
 * unbiased variance [C], and three tensors that the gradient takes back.
 */
export const BATCH_NORM_TRAINING = "BatchNormTraining";

/** Inputs dy, x, gamma, saved1, saved2, saved3; attribute epsilon; outputs the gradients by x, gamma and beta. */
export const BATCH_NORM_TRAINING_GRADIENT = "BatchNormTrainingGradient";

/** Inputs dy and x of one shape, x the input or the output of the rectifier; output dy where x > 0, else 0. */
export const RELU_GRADIENT = "ReluGradient";

/**
 * A linear layer's product in the precision asked for: inputs a and b, attributes transposeA and transposeB, output as of
 * `BatchMatMul`. There only while that precision is not float32.
 */
export const LAYER_PRODUCT = "LayerProduct";

/** Input x; output half the sum of its squares, a scalar. No gradient. */
export const HALF_SUM_OF_SQUARES = "HalfSumOfSquares";

/**
 * Input x [s, n, n]; output the inverses of these matrices, zeros for one that is singular: at which elimination with row
 * exchanges meets a pivot of at most 1e-6 of its largest entry. No gradient.
 */
export const INVERSES = "Inverses";

/**
 * Inputs dy [.., n, n] and x [.., n, d]; output (dy + dy^T) x, the gradient of x x^T. There where taking a transposed
 * matrix as a factor is cheaper than transposing it. No gradient.
 */
export const GRAM_GRADIENT = "GramGradient";

/** Whether the current backend has a kernel of this name. */
export const hasKernel = (name: string): boolean => tf.getKernel(name, tf.getBackend()) !== undefined;
