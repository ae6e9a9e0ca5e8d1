/**
 * `Conv2DBackpropInput` for the wasm backend in place of the shipped plain loop: the gradient of tf.conv2d by its input
 * is itself a convolution, of the output's gradient (with strides - 1 zeros between its points) by the filter turned by
 * 180 degrees with its channels swapped. The forward kernel does that an order of magnitude faster.
 */
import * as tf from "@tensorflow/tfjs-core";
import type { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import { type KernelCall, addressOf, floats, loops, runKernel } from "./heap.ts";

/** Inputs dy [N, h, w, D], filter [kh, kw, C, D]; output [N, H, W, C]. */
export function conv2DInputGradient({
  inputs,
  backend,
  attrs,
}: KernelCall<"dy" | "filter", tf.Conv2DBackpropInputAttrs>): tf.TensorInfo {
  const { dy, filter } = inputs;
  const { strides, pad, dataFormat, dimRoundingMode, inputShape } = attrs;
  if (dataFormat !== "NHWC") throw new Error(`the wasm engine has no input gradient in ${dataFormat} order`);
  const info = tf.backend_util.computeConv2DInfo(
    inputShape,
    filter.shape as [number, number, number, number],
    strides,
    1,
    pad,
    dimRoundingMode,
  );
  const turned = turnFilter(backend, filter);
  const { batchSize, inHeight, inWidth, inChannels, filterHeight, filterWidth, padInfo } = info;
  // The gradient of input point i comes from output points i + top - k, so the first one needed lies kh - 1 - top before
  // the first; a border of that width (or a cut, where the forward padding was wider) puts every point in its place.
  const [top, left] = [filterHeight - 1 - padInfo.top, filterWidth - 1 - padInfo.left];
  const [height, width] = [inHeight + filterHeight - 1, inWidth + filterWidth - 1];
  const same = info.strideHeight === 1 && info.strideWidth === 1 && padInfo.type === "SAME";
  const odd = filterHeight % 2 === 1 && filterWidth % 2 === 1;
  let result: tf.TensorInfo;
  if (same && odd) {
    result = convolve(backend, dy, turned, "same");
  } else {
    const placed = placePoints(backend, dy, [batchSize, height, width], [top, left], info);
    result = convolve(backend, placed, turned, "valid");
    backend.disposeData(placed.dataId);
  }
  backend.disposeData(turned.dataId);
  if (result.shape[1] !== inHeight || result.shape[2] !== inWidth || result.shape[3] !== inChannels) {
    throw new Error(`input gradient of shape ${result.shape} where ${inputShape} was expected`);
  }
  return result;
}

function convolve(
  backend: BackendWasm,
  x: tf.TensorInfo,
  filter: tf.TensorInfo,
  pad: "same" | "valid",
): tf.TensorInfo {
  const attrs = { strides: 1, pad, dataFormat: "NHWC", dilations: 1 };
  return runKernel(tf.Conv2D, { x, filter }, backend, attrs);
}

/** [kh, kw, C, D] to [kh, kw, D, C] with both spatial axes reversed. */
function turnFilter(backend: BackendWasm, filter: tf.TensorInfo): tf.TensorInfo {
  const [height, width, inputs, outputs] = filter.shape as [number, number, number, number];
  const turned = backend.makeOutput([height, width, outputs, inputs], "float32");
  const { transpose } = loops(backend);
  const [from, to] = [addressOf(backend, filter), addressOf(backend, turned)];
  const taps = height * width;
  const bytes = 4 * inputs * outputs;
  for (let tap = 0; tap < taps; tap++)
    transpose(to + (taps - 1 - tap) * bytes, from + tap * bytes, inputs, outputs);
  return turned;
}

/** Puts the points of dy, `strides` apart, into a field of zeros; points that fall outside it have no part. */
function placePoints(
  backend: BackendWasm,
  dy: tf.TensorInfo,
  [batch, height, width]: readonly [number, number, number],
  [top, left]: readonly [number, number],
  { outHeight, outWidth, outChannels, strideHeight, strideWidth }: tf.backend_util.Conv2DInfo,
): tf.TensorInfo {
  const placed = backend.makeOutput([batch, height, width, outChannels], "float32");
  const [from, to] = [addressOf(backend, dy), addressOf(backend, placed)];
  floats(backend, to, batch * height * width * outChannels).fill(0);
  const { copyLines } = loops(backend);
  const point = 4 * outChannels;
  const [firstX, countX] = inside(outWidth, strideWidth, left, width);
  const [firstY, countY] = inside(outHeight, strideHeight, top, height);
  for (let n = 0; n < batch; n++) {
    for (let y = firstY; y < firstY + countY; y++) {
      const source = from + ((n * outHeight + y) * outWidth + firstX) * point;
      const line = n * height + top + y * strideHeight;
      const target = to + (line * width + left + firstX * strideWidth) * point;
      if (strideWidth === 1) copyLines(target, 0, source, 0, countX * point, 1);
      else copyLines(target, strideWidth * point, source, point, point, countX);
    }
  }
  return placed;
}

/** First index and number of the `count` points at `start + index * stride` that lie in [0, length). */
function inside(count: number, stride: number, start: number, length: number): [number, number] {
  const first = Math.max(0, Math.ceil(-start / stride));
  const last = Math.min(count - 1, Math.floor((length - 1 - start) / stride));
  return [first, Math.max(0, last - first + 1)];
}
