/** The layers emitted programs call, as one namespace (`nn`). */
export { leakyRelu, relu, sigmoid, tanh } from "./activations.ts";
export { batchNorm, batchNormParameters, batchNormState } from "./batch_norm.ts";
export { conv, convParameters } from "./conv.ts";
export type { ConvShape } from "./conv.ts";
export { linear, linearParameters, stackedLinear } from "./linear.ts";
export type { LinearShape } from "./linear.ts";
export { normalize } from "./normalize.ts";
export { avgPool, flatten, globalAvgPool, globalMaxPool, maxPool } from "./pool.ts";
