/**
 * `MaxPoolGrad` and `AvgPoolGrad` for the wasm backend: a SIMD loop for 2x2 windows with stride 2, the case of nearly
 * every net, and the shipped kernel for all others.
 */
import * as tf from "@tensorflow/tfjs-core";
import { type Kernel, addressOf, floats, loops } from "./heap.ts";

type MaxInputs = "dy" | "input" | "output";
type AverageInputs = "dy" | "input";

/** Inputs dy, output [N, h, w, C] and input [N, H, W, C]; output [N, H, W, C]. Replaces `shipped`, which it may call. */
export function maxPoolGradient(shipped: Kernel<MaxInputs, tf.MaxPoolGradAttrs>): typeof shipped {
  return (call) => {
    const { inputs, backend, attrs } = call;
    const { dy, input, output } = inputs;
    const info = poolInfo(input, attrs);
    if (!isQuartering(info)) return shipped(call);
    const dx = backend.makeOutput(input.shape, "float32");
    const [to, from, y, gradient] = [dx, input, output, dy].map((tensor) => addressOf(backend, tensor)) as [
      ...[number, number],
      ...[number, number],
    ];
    if (leavesRest(info)) floats(backend, to, tf.util.sizeFromShape(dx.shape)).fill(0);
    const { maxPoolGradientLine } = loops(backend);
    eachLine(info, (top, bottom, line) =>
      maxPoolGradientLine(
        ...[to + top, to + bottom, from + top, from + bottom, y + line, gradient + line],
        ...[info.outWidth, info.inChannels / 4],
      ),
    );
    return dx;
  };
}

/** Inputs dy [N, h, w, C] and input [N, H, W, C]; output [N, H, W, C]. Replaces `shipped`, which it may call. */
export function averagePoolGradient(shipped: Kernel<AverageInputs, tf.AvgPoolGradAttrs>): typeof shipped {
  return (call) => {
    const { inputs, backend, attrs } = call;
    const { dy, input } = inputs;
    const info = poolInfo(input, attrs);
    if (!isQuartering(info)) return shipped(call);
    const dx = backend.makeOutput(input.shape, "float32");
    const [to, gradient] = [addressOf(backend, dx), addressOf(backend, dy)];
    if (leavesRest(info)) floats(backend, to, tf.util.sizeFromShape(dx.shape)).fill(0);
    const { averagePoolGradientLine } = loops(backend);
    eachLine(info, (top, bottom, line) =>
      averagePoolGradientLine(to + top, to + bottom, gradient + line, info.outWidth, info.inChannels / 4),
    );
    return dx;
  };
}

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
