/**
 * Programs of tfjs's WebGPU backend that do not compile as they are, put right on their way to the GPU. The backend's
 * kernels call each other past the registry, so replacing a kernel does not reach them. Applied once, by `start.ts`.
 */
import type { WebgpuBackend } from "../load.ts";

/** A program of the backend, as far as it is read here. */
interface Program {
  shaderKey: string;
  getUserCode(): string;
}

/**
 * Puts this between the kernels and the GPU: transposing whole numbers or booleans (as `any` and `all` over an outer axis
 * do) writes them as float32, which WGSL takes for an error.
 */
export function correctPrograms(backend: WebgpuBackend): void {
  const run = backend.runWebGPUProgram.bind(backend);
  backend.runWebGPUProgram = (program, inputs, dtype, uniforms, output) => {
    // A cast of booleans to float32 keeps their numbers as they lie: what counts is what the buffer holds.
    const stored = inputs.map(({ dataId }) => backend.tensorMap.get(dataId).dtype);
    if (stored.some((type) => type !== "float32")) writeWholeNumbers(program as Program);
    return run(program, inputs, dtype, uniforms, output);
  };
}

function writeWholeNumbers(program: Program): void {
  if (!program.shaderKey.startsWith("transpose_")) return;
  const shipped = program.getUserCode.bind(program);
  program.getUserCode = () => shipped().replace("setOutputAtIndex(", "setOutputAtIndexI32(");
}
