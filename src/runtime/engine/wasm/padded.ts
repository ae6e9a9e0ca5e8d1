/**
 * Images inside their zero border, one at a time: what convolutions and their filter gradients read, so that no tap of
 * a filter has to ask whether it lies inside. Used by the convolution kernels.
 */
import type * as tf from "@tensorflow/tfjs-core";

/** Sizes of one padded image, in bytes where they are lengths in memory. */
export interface Padded {
  readonly bytes: number;
  readonly line: number;
  readonly pixel: number;
  /** Where the image itself begins. */
  readonly inside: number;
}

export function paddedSizes(info: tf.backend_util.Conv2DInfo): Padded {
  const { inHeight, inWidth, inChannels, outHeight, outWidth, strideHeight, strideWidth } = info;
  const { filterHeight, filterWidth, padInfo } = info;
  const pixel = 4 * inChannels;
  const height = Math.max((outHeight - 1) * strideHeight + filterHeight, padInfo.top + inHeight);
  const width = Math.max((outWidth - 1) * strideWidth + filterWidth, padInfo.left + inWidth);
  const line = width * pixel;
  return { bytes: height * line, line, pixel, inside: padInfo.top * line + padInfo.left * pixel };
}
