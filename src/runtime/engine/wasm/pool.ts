/**
 * `MaxPool`, `MaxPoolGrad` and `AvgPoolGrad` for the wasm backend: a SIMD loop for 2x2 windows with stride 2, the case of nearly
 * every net, and for all others the shipped `MaxPool` and a plain
 * loop for the gradients. The shipped gradient kernels are slow, and wrong where windows overlap the border
 * or, for the maximum, where there is more than one channel.
 */
import * as tf from "@tensorflow/tfjs-core";
import { type Kernel, addressOf, floats, loops } from "./heap.ts";

/** Input x [N, H, W, C]; output [N, h, w, C]. Replaces `shipped`, which it may call. */
export function maxPool(shipped: Kernel<"x", tf.MaxPoolAttrs>): typeof shipped {
  return (call) => {
    const { inputs, backend, attrs } = call;
    const { x } = inputs;
    const info = poolInfo(x, attrs);
    if (!isQuartering(info) || x.dtype !== "float32") return shipped(call);
    const out = backend.makeOutput(info.outShape, "float32");
    const [from, to] = [addressOf(backend, x), addressOf(backend, out)];
    const { maxPoolLine } = loops(backend);
    eachLine(info, (top, bottom, line) =>
      maxPoolLine(from + top, from + bottom, to + line, info.outWidth, info.inChannels / 4),
    );
    return out;
  };
}

/** Inputs dy, output [N, h, w, C] and input [N, H, W, C]; output [N, H, W, C]. The first of equal entries has it all. */
export const maxPoolGradient: Kernel<"dy" | "input" | "output", tf.MaxPoolGradAttrs> = (call) => {
  const { inputs, backend, attrs } = call;
  const { dy, input, output } = inputs;
  const info = poolInfo(input, attrs);
  const dx = backend.makeOutput(input.shape, "float32");
  const [to, from] = [addressOf(backend, dx), addressOf(backend, input)];
  const [y, gradient] = [addressOf(backend, output), addressOf(backend, dy)];
  const size = tf.util.sizeFromShape(input.shape);
  if (!isQuartering(info)) {
    const outSize = tf.util.sizeFromShape(dy.shape);
    const dxValues = floats(backend, to, size).fill(0);
    const values = floats(backend, from, size);
    const dyValues = floats(backend, gradient, outSize);
    eachWindow(info, (entries, at) => {
      let largest = entries[0]!;
      for (const entry of entries) if (values[entry]! > values[largest]!) largest = entry;
      dxValues[largest]! += dyValues[at]!;
    });
    return dx;
  }
  if (leavesRest(info)) floats(backend, to, size).fill(0);
  const { maxPoolGradientLine } = loops(backend);
  eachLine(info, (top, bottom, line) =>
    maxPoolGradientLine(
      to + top,
      to + bottom,
      from + top,
      from + bottom,
      y + line,
      gradient + line,
      info.outWidth,
      info.inChannels / 4,
    ),
  );
  return dx;
};

/** Inputs dy [N, h, w, C] and input [N, H, W, C]; output [N, H, W, C]. Entries outside the image do not count. */
export const averagePoolGradient: Kernel<"dy" | "input", tf.AvgPoolGradAttrs> = (call) => {
  const { inputs, backend, attrs } = call;
  const { dy, input } = inputs;
  const info = poolInfo(input, attrs);
  const dx = backend.makeOutput(input.shape, "float32");
  const [to, gradient] = [addressOf(backend, dx), addressOf(backend, dy)];
  const size = tf.util.sizeFromShape(input.shape);
  if (!isQuartering(info)) {
    const dxValues = floats(backend, to, size).fill(0);
    const dyValues = floats(backend, gradient, tf.util.sizeFromShape(dy.shape));
    eachWindow(info, (entries, at) => {
      const share = dyValues[at]! / entries.length;
      for (const entry of entries) dxValues[entry]! += share;
    });
    return dx;
  }
  if (leavesRest(info)) floats(backend, to, size).fill(0);
  const { averagePoolGradientLine } = loops(backend);
  eachLine(info, (top, bottom, line) =>
    averagePoolGradientLine(to + top, to + bottom, gradient + line, info.outWidth, info.inChannels / 4),
  );
  return dx;
};

function poolInfo(
  input: tf.TensorInfo,
  attrs: tf.AvgPoolGradAttrs & { dimRoundingMode?: tf.MaxPoolGradAttrs["dimRoundingMode"] },
): tf.backend_util.Conv2DInfo {
  const { filterSize, strides, pad, dimRoundingMode } = attrs;
  const shape = input.shape as [number, number, number, number];
  return tf.backend_util.computePool2DInfo(shape, filterSize, strides, 1, pad, dimRoundingMode);
}

/** Whether windows of 2x2 lie side by side, all inside the image, over channels that come in fours. */
function isQuartering(info: tf.backend_util.Conv2DInfo): boolean {
  const { filterHeight, filterWidth, strideHeight, strideWidth, outHeight, outWidth, padInfo } = info;
  const two = [filterHeight, filterWidth, strideHeight, strideWidth].every((n) => n === 2);
  const inside = 2 * outHeight <= info.inHeight && 2 * outWidth <= info.inWidth;
  return two && inside && padInfo.top === 0 && padInfo.left === 0 && info.inChannels % 4 === 0;
}

/** Whether a last line or column belongs to no window. */
const leavesRest = ({ inHeight, inWidth, outHeight, outWidth }: tf.backend_util.Conv2DInfo): boolean =>
  inHeight !== 2 * outHeight || inWidth !== 2 * outWidth;

/** Byte offsets of the two image lines and the output line of each line of windows. */
function eachLine(
  info: tf.backend_util.Conv2DInfo,
  visit: (top: number, bottom: number, line: number) => void,
): void {
  const { batchSize, inHeight, inWidth, outHeight, outWidth, inChannels } = info;
  const [inLine, outLine] = [4 * inWidth * inChannels, 4 * outWidth * inChannels];
  for (let n = 0; n < batchSize; n++) {
    for (let y = 0; y < outHeight; y++) {
      const top = (n * inHeight + 2 * y) * inLine;
      visit(top, top + inLine, (n * outHeight + y) * outLine);
    }
  }
}

/** Visits every window and channel with the positions of its entries inside the image and its place in the output. */
function eachWindow(
  info: tf.backend_util.Conv2DInfo,
  visit: (entries: readonly number[], at: number) => void,
): void {
  const { batchSize, inHeight, inWidth, outHeight, outWidth, inChannels, padInfo } = info;
  const { filterHeight, filterWidth, strideHeight, strideWidth } = info;
  let at = 0;
  for (let n = 0; n < batchSize; n++) {
    for (let y = 0; y < outHeight; y++) {
      const top = y * strideHeight - padInfo.top;
      const lines = range(Math.max(0, top), Math.min(inHeight, top + filterHeight));
      for (let x = 0; x < outWidth; x++) {
        const left = x * strideWidth - padInfo.left;
        const points = range(Math.max(0, left), Math.min(inWidth, left + filterWidth));
        const entries = lines.flatMap((i) =>
          points.map((j) => ((n * inHeight + i) * inWidth + j) * inChannels),
        );
        for (let c = 0; c < inChannels; c++, at++) {
          visit(entries, at);
          for (let k = 0; k < entries.length; k++) entries[k]!++;
        }
      }
    }
  }
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);
