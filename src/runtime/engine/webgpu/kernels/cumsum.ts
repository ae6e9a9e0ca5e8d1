/**
 * `Cumsum` for the WebGPU backend, whose own keeps the length of the axis in the program's text but not in its key: a
 * second length gets the first one's program, and wrong sums.
 */
import * as tf from "@tensorflow/tfjs-core";
import { type KernelCall, runProgram } from "./program.ts";

/** Input x; output of the same shape: sums along `axis` up to each entry, with or without it, from either end. */
export function cumsum({ inputs, backend, attrs }: KernelCall<"x", tf.CumsumAttrs>): tf.TensorInfo {
  const { x } = inputs;
  const { exclusive, reverse } = attrs;
  const axis = tf.util.parseAxisParam(attrs.axis, x.shape)[0]!;
  const length = x.shape[axis]!;
  const step = tf.util.sizeFromShape(x.shape.slice(axis + 1));
  return runProgram(
    backend,
    {
      key: "cumsum",
      dtype: x.dtype,
      inputs: ["x"],
      uniforms: ["length", "step", "exclusive", "reverse"],
      entry: `
        let place = (index / uniforms.step) % uniforms.length;
        let first = index - place * uniforms.step;
        var last = place + 1 - uniforms.exclusive;
        if (uniforms.reverse == 1) { last = uniforms.length - place - uniforms.exclusive; }
        for (var k = 0; k < last; k = k + 1) {
          let along = select(k, uniforms.length - 1 - k, uniforms.reverse == 1);
          value = value + f32(x[first + along * uniforms.step]);
        }`,
    },
    [x],
    x.shape,
    [length, step, Number(exclusive), Number(reverse)],
  );
}
