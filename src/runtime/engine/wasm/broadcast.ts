/**
 * Comparisons, logic, maximum and minimum of two operands for the wasm backend. The shipped kernels look up every
 * element's place as soon as operands broadcast, a hundred times the cost of the comparison; here the broadcast is cut
 * into runs along which each operand either advances or stays.
 */
import * as tf from "@tensorflow/tfjs-core";
import { type Kernel, addressOf, loopNamed } from "./heap.ts";
import type { ElementType } from "./simd/runs.ts";

/** Kernel `name` for the given types of operands; others go to `shipped`. */
export function broadcastKernel(
  name: string,
  types: readonly ElementType[],
  result: "bool" | "same",
): (shipped: Kernel<"a" | "b">) => Kernel<"a" | "b"> {
  return (shipped) => (call) => {
    const { inputs, backend } = call;
    const { a, b } = inputs;
    const type = a.dtype as ElementType;
    if (!types.includes(type) || b.dtype !== a.dtype) return shipped(call);
    const shape = tf.backend_util.assertAndGetBroadcastShape(a.shape, b.shape);
    const out = backend.makeOutput(shape, result === "bool" ? "bool" : type);
    const size = tf.util.bytesPerElement(type);
    const outSize = tf.util.bytesPerElement(out.dtype);
    const run = loopNamed(backend, `${name}_${type}`);
    const [aAt, bAt, to] = [addressOf(backend, a), addressOf(backend, b), addressOf(backend, out)];
    eachRun(shape, a.shape, b.shape, (index, length, aIndex, aMoves, bIndex, bMoves) =>
      run(
        length,
        to + index * outSize,
        outSize,
        aAt + aIndex * size,
        aMoves ? size : 0,
        bAt + bIndex * size,
        bMoves ? size : 0,
      ),
    );
    return out;
  };
}

/** One axis, or several that broadcast alike, with the operands' strides in elements: 0 where an operand repeats. */
interface Axis {
  length: number;
  readonly a: number;
  readonly b: number;
}

/** Visits the runs of a broadcast in the order of the result, with the place of each run in the operands. */
function eachRun(
  shape: readonly number[],
  aShape: readonly number[],
  bShape: readonly number[],
  visit: (index: number, length: number, a: number, aMoves: boolean, b: number, bMoves: boolean) => void,
): void {
  const axes = mergedAxes(shape, aShape, bShape);
  const inner = axes.at(-1) ?? { length: 1, a: 0, b: 0 };
  const outer = axes.slice(0, -1);
  const total = shape.reduce((product, length) => product * length, 1);
  const place = outer.map(() => 0);
  let [a, b] = [0, 0];
  for (let index = 0; index < total; index += inner.length) {
    visit(index, inner.length, a, inner.a !== 0, b, inner.b !== 0);
    for (let axis = outer.length - 1; axis >= 0; axis--) {
      const { length, a: aStride, b: bStride } = outer[axis]!;
      a += aStride;
      b += bStride;
      if (++place[axis]! < length) break;
      place[axis] = 0;
      a -= length * aStride;
      b -= length * bStride;
    }
  }
}

/** Axes of length one left out, and neighbours merged that broadcast in the same way. */
function mergedAxes(shape: readonly number[], aShape: readonly number[], bShape: readonly number[]): Axis[] {
  const axes: Axis[] = [];
  let [aStride, bStride] = [1, 1];
  for (let back = 1; back <= shape.length; back++) {
    const length = shape.at(-back)!;
    const [aLength, bLength] = [aShape.at(-back) ?? 1, bShape.at(-back) ?? 1];
    if (length !== 1) {
      const axis = { length, a: aLength === 1 ? 0 : aStride, b: bLength === 1 ? 0 : bStride };
      const right = axes[0];
      const alike =
        right !== undefined && (right.a === 0) === (axis.a === 0) && (right.b === 0) === (axis.b === 0);
      if (alike) right.length *= length;
      else axes.unshift(axis);
    }
    aStride *= aLength;
    bStride *= bLength;
  }
  return axes;
}
