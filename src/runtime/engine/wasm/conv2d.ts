/**
 * `Conv2D` for the wasm backend in place of the shipped kernel (XNNPACK's), which is a fifth slower here and wrong for
 * unequal strides: one row of the product per output point, read straight from a zero-padded copy of one image at a
 * time. The input gradient goes through it as well.
 */
import * as tf from "@tensorflow/tfjs-core";
import { type Kernel, addressOf, floats, integers, loops, withScratch } from "./heap.ts";
import { paddedSizes } from "./padded.ts";
import { accumulateProduct } from "./product.ts";

/** Inputs x [N, H, W, C], filter [kh, kw, C, D]; output [N, h, w, D]. */
export function conv2D(shipped: Kernel<"x" | "filter", tf.Conv2DAttrs>): typeof shipped {
  return (call) => {
    const { inputs, backend, attrs } = call;
    const { x, filter } = inputs;
    const { strides, pad, dataFormat, dimRoundingMode, dilations } = attrs;
    if (dataFormat !== "NHWC" || !tf.backend_util.tupleValuesAreOne(dilations)) return shipped(call);
    const info = tf.backend_util.computeConv2DInfo(
      x.shape as [number, number, number, number],
      filter.shape as [number, number, number, number],
      strides,
      1,
      pad,
      dimRoundingMode,
    );
    const { batchSize, inHeight, inWidth, outHeight, outWidth, outChannels, strideHeight, strideWidth } =
      info;
    const out = backend.makeOutput(info.outShape, "float32");
    const padded = paddedSizes(info);
    const pixels = outHeight * outWidth;
    const { copyLines } = loops(backend);
    withScratch(backend, [padded.bytes, 4 * pixels], (image, offsets) => {
      floats(backend, image, padded.bytes / 4).fill(0);
      const offset = integers(backend, offsets, pixels);
      let row = 0;
      for (let y = 0; y < outHeight; y++) {
        const line = y * strideHeight * padded.line;
        for (let j = 0; j < outWidth; j++) offset[row++] = line + j * strideWidth * padded.pixel;
      }
      const [from, weights, to] = [
        addressOf(backend, x),
        addressOf(backend, filter),
        addressOf(backend, out),
      ];
      floats(backend, to, batchSize * pixels * outChannels).fill(0);
      const line = inWidth * padded.pixel;
      for (let n = 0; n < batchSize; n++) {
        copyLines(image + padded.inside, padded.line, from + n * inHeight * line, line, line, inHeight);
        accumulateProduct(backend, {
          a: image,
          offsets,
          rows: pixels,
          pointStep: 4,
          width: info.filterWidth * info.inChannels,
          lineStep: padded.line,
          height: info.filterHeight,
          b: weights,
          bStep: 4 * outChannels,
          c: to + 4 * n * pixels * outChannels,
          cStep: 4 * outChannels,
          columns: outChannels,
        });
      }
    });
    return out;
  };
}
