/**
 * Batch normalisation in training mode for the wasm backend: its statistics, its value and its gradient, each in as few
 * walks over the data as possible. Composed of tfjs operations it takes about fifteen. Called through `fused.ts`.
 */
import * as tf from "@tensorflow/tfjs-core";
import type { BackendWasm } from "@tensorflow/tfjs-backend-wasm";
import { type KernelCall, addressOf, floats, loops, withScratch } from "./heap.ts";
import { addColumns, eachStrip } from "./sum.ts";

interface Attributes {
  readonly epsilon: number;
}

/** Input x [.., C]; outputs mean [C] and biased variance [C]. */
export function batchStatistics({ inputs, backend }: KernelCall<"x">): tf.TensorInfo[] {
  const { x } = inputs;
  const { rows, columns } = sizes(x);
  const [mean, variance] = [
    backend.makeOutput([columns], "float32"),
    backend.makeOutput([columns], "float32"),
  ];
  const [from, meanAt, varianceAt] = [
    addressOf(backend, x),
    addressOf(backend, mean),
    addressOf(backend, variance),
  ];
  addColumns(backend, from, rows, columns, meanAt);
  divide(floats(backend, meanAt, columns), rows);
  floats(backend, varianceAt, columns).fill(0);
  const { sumCentredSquares } = loops(backend);
  eachStrip(rows, columns, (offset, count) =>
    sumCentredSquares(count, columns, varianceAt, from + offset, meanAt),
  );
  divide(floats(backend, varianceAt, columns), rows);
  return [mean, variance];
}

/** Inputs x [.., C] and mean, variance, gamma, beta [C]; output gamma * (x - mean) / sqrt(variance + epsilon) + beta. */
export function batchNormForward({
  inputs,
  backend,
  attrs,
}: KernelCall<"x" | "mean" | "variance" | "gamma" | "beta", Attributes>): tf.TensorInfo {
  const { x, mean, variance, gamma, beta } = inputs;
  const { rows, columns } = sizes(x);
  const y = backend.makeOutput(x.shape, "float32");
  withScratch(backend, [4 * columns], (scale) => {
    const scales = floats(backend, scale, columns);
    const [g, v] = [vector(backend, gamma), vector(backend, variance)];
    for (let c = 0; c < columns; c++) scales[c] = g[c]! / Math.sqrt(v[c]! + attrs.epsilon);
    const [from, to] = [addressOf(backend, x), addressOf(backend, y)];
    const [meanAt, shift] = [addressOf(backend, mean), addressOf(backend, beta)];
    const { scaleColumns } = loops(backend);
    eachStrip(rows, columns, (offset, count) =>
      scaleColumns(count, columns, to + offset, from + offset, meanAt, scale, shift),
    );
  });
  return y;
}

/**
 * Inputs dy and x [.., C] and mean, variance, gamma [C]; outputs the gradients by x [.., C], gamma and beta [C]. With n
 * rows, s = 1 / sqrt(variance + epsilon) and u = (x - mean) s: dbeta = sum dy, dgamma = sum dy u, and
 * dx = gamma s (dy - dbeta / n - u dgamma / n).
 */
export function batchNormBackward({
  inputs,
  backend,
  attrs,
}: KernelCall<"dy" | "x" | "mean" | "variance" | "gamma", Attributes>): tf.TensorInfo[] {
  const { dy, x, mean, variance, gamma } = inputs;
  const { rows, columns } = sizes(x);
  const dx = backend.makeOutput(x.shape, "float32");
  const [dGamma, dBeta] = [
    backend.makeOutput([columns], "float32"),
    backend.makeOutput([columns], "float32"),
  ];
  withScratch(backend, [4 * columns, 4 * columns, 4 * columns], (p, q, r) => {
    const [dyAt, from, to] = [addressOf(backend, dy), addressOf(backend, x), addressOf(backend, dx)];
    const [meanAt, dGammaAt] = [addressOf(backend, mean), addressOf(backend, dGamma)];
    const { sumCentredProducts, combineColumns } = loops(backend);
    addColumns(backend, dyAt, rows, columns, addressOf(backend, dBeta));
    vector(backend, dGamma).fill(0);
    eachStrip(rows, columns, (offset, count) =>
      sumCentredProducts(count, columns, dGammaAt, dyAt + offset, from + offset, meanAt),
    );
    const [g, v] = [vector(backend, gamma), vector(backend, variance)];
    const [byGamma, byBeta] = [vector(backend, dGamma), vector(backend, dBeta)];
    const [ps, qs, rs] = [p, q, r].map((at) => floats(backend, at, columns)) as [
      Float32Array,
      Float32Array,
      Float32Array,
    ];
    for (let c = 0; c < columns; c++) {
      const s = 1 / Math.sqrt(v[c]! + attrs.epsilon);
      byGamma[c]! *= s;
      ps[c] = g[c]! * s;
      qs[c] = (-ps[c]! * s * byGamma[c]!) / rows;
      rs[c] = (-ps[c]! * byBeta[c]!) / rows;
    }
    eachStrip(rows, columns, (offset, count) =>
      combineColumns(count, columns, to + offset, dyAt + offset, from + offset, meanAt, p, q, r),
    );
  });
  return [dx, dGamma, dBeta];
}

function sizes(x: tf.TensorInfo): { rows: number; columns: number } {
  const columns = x.shape.at(-1)!;
  return { rows: tf.util.sizeFromShape(x.shape.slice(0, -1)), columns };
}

const vector = (backend: BackendWasm, tensor: tf.TensorInfo): Float32Array =>
  floats(backend, addressOf(backend, tensor), tensor.shape[0]!);

function divide(values: Float32Array, by: number): void {
  for (let i = 0; i < values.length; i++) values[i]! /= by;
}
