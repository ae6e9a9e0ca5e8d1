/**
 * The list of kernels this engine adds to tfjs's WebGPU backend or puts in place of its own. Called once by
 * `startWebgpu`, after the backend's own kernels are there.
 */

/** Registers every kernel below for the backend `webgpu`. */
export function registerTrainingKernels(): void {}
