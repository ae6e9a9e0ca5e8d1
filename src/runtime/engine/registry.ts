/**
 * Kernels of one tfjs backend, added to those it ships or put in their place. Used by the list of kernels of each engine;
 * the backend's own kernels must be there already.
 */
import * as tf from "@tensorflow/tfjs-core";

/** A kernel as an engine's own types have it; tfjs calls it with inputs, attributes and the backend. */
type Kernel<Call, Result> = (call: Call) => Result;

export interface Kernels {
  /** A kernel the backend lacks; one that is there already, in a later version of the backend, is left alone. */
  add<Call>(kernelName: string, kernel: Kernel<Call, tf.TensorInfo | tf.TensorInfo[]>): void;
  /** A kernel in place of the shipped one, which it may call in the cases it does not cover. */
  replace<Call, Result>(
    kernelName: string,
    make: (shipped: Kernel<Call, Result>) => Kernel<Call, Result>,
  ): void;
}

export function kernelsOf(backendName: string): Kernels {
  const register = <Call, Result>(kernelName: string, kernel: Kernel<Call, Result>): void =>
    tf.registerKernel({ kernelName, backendName, kernelFunc: kernel as unknown as tf.KernelFunc });
  return {
    add(kernelName, kernel) {
      if (tf.getKernel(kernelName, backendName) === undefined) register(kernelName, kernel);
    },
    replace<Call, Result>(
      kernelName: string,
      make: (shipped: Kernel<Call, Result>) => Kernel<Call, Result>,
    ): void {
      const kernel = make(
        tf.getKernel(kernelName, backendName).kernelFunc as unknown as Kernel<Call, Result>,
      );
      tf.unregisterKernel(kernelName, backendName);
      register(kernelName, kernel);
    },
  };
}
