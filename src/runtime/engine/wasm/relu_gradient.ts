/**
 * The gradient of relu for the wasm backend as one kernel; composed of tfjs operations it writes a mask first. Called
 * through the gradient of `Relu`.
 */
import * as tf from "@tensorflow/tfjs-core";
import { type KernelCall, addressOf, loops } from "./heap.ts";

/** Inputs dy and x of one shape; output dy where x > 0, else 0. */
export function reluGradient({ inputs, backend }: KernelCall<"dy" | "x">): tf.TensorInfo {
  const { dy, x } = inputs;
  const out = backend.makeOutput(x.shape, "float32");
  const count = tf.util.sizeFromShape(x.shape);
  loops(backend).reluGradient(count, addressOf(backend, out), addressOf(backend, dy), addressOf(backend, x));
  return out;
}
