/**
 * `Conv2DBackpropFilter` for the wasm backend, which ships without it: the gradient of tf.conv2d by its filter. One row
 * of the product per filter tap and input channel, read straight from a zero-padded copy of one image at a time, so no
 * matrix of patches is built.
 */
import * as tf from "@tensorflow/tfjs-core";
import { type KernelCall, addressOf, floats, integers, loops, withScratch } from "./heap.ts";
import { paddedSizes } from "./padded.ts";
import { accumulateProduct } from "./product.ts";

/** Positions walked with one block of the result in registers; about what keeps both operands in the nearest caches. */
const POSITIONS = 256;

/** Inputs x [N, H, W, C], dy [N, h, w, D]; output [kh, kw, C, D]. NHWC only, as everywhere in tfjs's gradients. */
export function conv2DFilterGradient({
  inputs,
  backend,
  attrs,
}: KernelCall<"x" | "dy", tf.Conv2DBackpropFilterAttrs>): tf.TensorInfo {
  const { x, dy } = inputs;
  const { strides, pad, dataFormat, dimRoundingMode, filterShape } = attrs;
  if (dataFormat !== "NHWC") throw new Error(`the wasm engine has no filter gradient in ${dataFormat} order`);
  const info = tf.backend_util.computeConv2DInfo(
    x.shape as [number, number, number, number],
    filterShape,
    strides,
    1,
    pad,
    dimRoundingMode,
  );
  const { batchSize, inHeight, inWidth, inChannels, outHeight, outWidth, outChannels } = info;
  const { filterHeight, filterWidth, strideHeight, strideWidth } = info;
  const out = backend.makeOutput([filterHeight, filterWidth, inChannels, outChannels], "float32");

  const padded = paddedSizes(info);
  const rows = filterHeight * filterWidth * inChannels;
  const { copyLines } = loops(backend);
  withScratch(backend, [padded.bytes, 4 * rows], (image, offsets) => {
    floats(backend, image, padded.bytes / 4).fill(0);
    const offset = integers(backend, offsets, rows);
    let row = 0;
    for (let i = 0; i < filterHeight; i++) {
      for (let j = 0; j < filterWidth; j++) {
        for (let c = 0; c < inChannels; c++) offset[row++] = i * padded.line + j * padded.pixel + 4 * c;
      }
    }
    const [from, dyAt, to] = [addressOf(backend, x), addressOf(backend, dy), addressOf(backend, out)];
    floats(backend, to, rows * outChannels).fill(0);
    const linesAtOnce = Math.max(1, Math.floor(POSITIONS / outWidth));
    const outPixel = 4 * outChannels;
    for (let n = 0; n < batchSize; n++) {
      const line = inWidth * padded.pixel;
      copyLines(image + padded.inside, padded.line, from + n * inHeight * line, line, line, inHeight);
      for (let y = 0; y < outHeight; y += linesAtOnce) {
        const lines = Math.min(linesAtOnce, outHeight - y);
        accumulateProduct(backend, {
          a: image + y * strideHeight * padded.line,
          offsets,
          rows,
          pointStep: strideWidth * padded.pixel,
          width: outWidth,
          lineStep: strideHeight * padded.line,
          height: lines,
          b: dyAt + (n * outHeight + y) * outWidth * outPixel,
          bStep: outPixel,
          c: to,
          cStep: outPixel,
          columns: outChannels,
        });
      }
    }
  });
  return out;
}
