/**
 * The linear layer: what an emitted program calls in `embed`, and the parameters it declares for it. Pure functions
 * over tensors and the `Net`.
 */
import * as tf from "@tensorflow/tfjs-core";
import { layerProduct } from "../engine/fused.ts";
import { uniform } from "../init.ts";
import type { Net, ParameterGroup, ParameterSpec } from "../program.ts";
import { phase } from "../trace/phase.ts";
import { flatten } from "./pool.ts";

export interface LinearShape {
  /** Width of the (flattened) input. */
  readonly inputs: number;
  readonly outputs: number;
  readonly bias: boolean;
  readonly group: ParameterGroup;
}

/**
 * Parameters of `linear(…, path)`: `path/weight` [inputs, outputs] and, without weight decay, `path/bias` [outputs],
 * both uniform within ±1 / sqrt(inputs): the default of torch.nn.Linear (kaiming_uniform_ with a = sqrt(5)).
 */
export function linearParameters(path: string, shape: LinearShape): ParameterSpec[] {
  const { inputs, outputs, bias, group } = shape;
  const bound = 1 / Math.sqrt(Math.max(inputs, 1));
  const init = uniform(-bound, bound);
  const weight: ParameterSpec = {
    name: `${path}/weight`,
    shape: [inputs, outputs],
    init,
    group,
    decay: true,
    trainable: true,
  };
  if (!bias) return [weight];
  return [weight, { name: `${path}/bias`, shape: [outputs], init, group, decay: false, trainable: true }];
}

/**
 * Several linear maps of one width, with bias, of the same x as one product: x [B, inputs], or images, to [B, K, outputs]
 * for K paths. Each keeps its own parameters, as `linearParameters` declares them.
 */
export function stackedLinear(x: tf.Tensor2D | tf.Tensor4D, net: Net, paths: readonly string[]): tf.Tensor3D {
  return phase(paths.join(" + "), () => {
    const of = (name: string): tf.Tensor[] => paths.map((path) => net.param(`${path}/${name}`));
    const y = tf.add(
      layerProduct(flatten(x), tf.concat(of("weight"), 1) as tf.Tensor2D),
      tf.concat(of("bias"), 0),
    );
    return tf.reshape(y, [y.shape[0]!, paths.length, y.shape[1]! / paths.length]);
  });
}

/** x [B, inputs], or images [B, H, W, C] with H · W · C inputs, flattened first, to [B, outputs]. */
export function linear(
  x: tf.Tensor2D | tf.Tensor4D,
  net: Net,
  path: string,
  options: { readonly bias?: boolean } = {},
): tf.Tensor2D {
  return phase(path, () => {
    const y = layerProduct(flatten(x), net.param(`${path}/weight`) as tf.Tensor2D);
    const withBias = options.bias ?? true;
    return withBias ? tf.add(y, net.param(`${path}/bias`)) : y;
  });
}
