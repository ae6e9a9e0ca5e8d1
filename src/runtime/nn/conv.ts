/**
 * The convolution layer: what an emitted program calls in `embed`, and the parameters it declares for it. Pure
 * functions over tensors and the `Net`; a padding of `same` everywhere (language.md, "Backbones and data").
 */
import * as tf from "@tensorflow/tfjs-core";
import { kaimingNormal, zeros } from "../init.ts";
import type { Net, ParameterGroup, ParameterSpec } from "../program.ts";
import { phase } from "../trace/phase.ts";

export interface ConvShape {
  /** Channels of the input. */
  readonly inputs: number;
  /** Channels of the output. */
  readonly outputs: number;
  /** Side of the square kernel. */
  readonly kernel: number;
  /** Whether a bias is added; a convolution followed by batch normalisation has none. */
  readonly bias: boolean;
  readonly group: ParameterGroup;
}

/**
 * Parameters of `conv(…, path)`: `path/filter` [kernel, kernel, inputs, outputs], Kaiming normal with fan-in
 * kernel² · inputs (He et al. 2015), and `path/bias` [outputs], zeros, without weight decay.
 */
export function convParameters(path: string, shape: ConvShape): ParameterSpec[] {
  const { inputs, outputs, kernel, bias, group } = shape;
  const filter: ParameterSpec = {
    name: `${path}/filter`,
    shape: [kernel, kernel, inputs, outputs],
    init: kaimingNormal({ fanIn: kernel * kernel * inputs }),
    group,
    decay: true,
    trainable: true,
  };
  if (!bias) return [filter];
  return [
    filter,
    { name: `${path}/bias`, shape: [outputs], init: zeros(), group, decay: false, trainable: true },
  ];
}

/**
 * Convolves images [B, H, W, inputs] with `path/filter`, padding `same`: [B, ceil(H / stride), ceil(W / stride),
 * outputs]. Adds `path/bias` if `bias` is set.
 */
export function conv(
  x: tf.Tensor4D,
  net: Net,
  path: string,
  options: { readonly stride?: number; readonly bias?: boolean } = {},
): tf.Tensor4D {
  return phase(path, () => {
    const filter = net.param(`${path}/filter`) as tf.Tensor4D;
    const convolved = (): tf.Tensor4D => tf.conv2d(x, filter, options.stride ?? 1, "same");
    if (!options.bias) return convolved();
    return tf.tidy(() => tf.add(convolved(), net.param(`${path}/bias`)));
  });
}
