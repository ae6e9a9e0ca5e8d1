/**
 * The gradients of tfjs's operations, with the language's rules at kinks. `@tensorflow/tfjs-core` comes without any
 * (they lie in a file its Node entry leaves out), and tfjs's own differ from the language at ties and zeros. They are
 * written in tfjs operations, so they hold on every backend. Called by `startEngine`, after the backend has started.
 */
import * as tf from "@tensorflow/tfjs-core";
import { binaryGradients } from "./binary.ts";
import { constantGradients } from "./constant.ts";
import { elementwiseGradients } from "./elementwise.ts";
import { layerGradients } from "./layers.ts";
import { reductionGradients } from "./reductions.ts";
import { shapeGradients } from "./shapes.ts";

/** Registers every gradient of this folder, in place of any registered before. Harmless when repeated. */
export function registerGradients(): void {
  const groups = [
    elementwiseGradients,
    binaryGradients,
    reductionGradients,
    shapeGradients,
    layerGradients,
    constantGradients,
  ];
  for (const config of groups.flat()) {
    if (tf.getGradient(config.kernelName) !== undefined) tf.unregisterGradient(config.kernelName);
    tf.registerGradient(config);
  }
}
