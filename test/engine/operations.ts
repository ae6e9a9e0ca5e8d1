/**
 * Every tfjs operation that emitted programs and the runtime differentiate, as cases for `parity.ts`. Used by the tests
 * of the engines in this folder.
 */
import * as tf from "@tensorflow/tfjs-core";
import { type Case, type Values, randomTensor, spacedTensor } from "./parity.ts";

const matrix = [4, 7];
const anywhere = randomTensor(1, matrix, -2, 2);
const positive = randomTensor(2, matrix, 0.5, 2);
const withinOne = randomTensor(3, matrix, -0.8, 0.8);
const spaced = spacedTensor(4, matrix);
const volume = randomTensor(5, [2, 3, 5, 4]);
const spacedVolume = spacedTensor(6, [2, 3, 5, 4]);

export const unary = (name: string, input: Values, apply: (x: tf.Tensor) => tf.Tensor): Case => ({
  name,
  inputs: [input],
  compute: ([x]) => apply(x!),
});
export const binary = (
  name: string,
  a: Values,
  b: Values,
  apply: (a: tf.Tensor, b: tf.Tensor) => tf.Tensor,
): Case => ({
  name,
  inputs: [a, b],
  compute: ([x, y]) => apply(x!, y!),
});
const indices = (values: number[]): tf.Tensor1D => tf.tensor1d(values, "int32");

const elementwise: readonly Case[] = [
  unary("abs", spaced, tf.abs),
  unary("acos", withinOne, tf.acos),
  unary("acosh", randomTensor(7, matrix, 1.5, 3), tf.acosh),
  unary("asin", withinOne, tf.asin),
  unary("asinh", anywhere, tf.asinh),
  unary("atan", anywhere, tf.atan),
  unary("atanh", withinOne, tf.atanh),
  unary("cast and clone", anywhere, (x) => tf.clone(tf.cast(x, "float32"))),
  unary("clipByValue", spaced, (x) => tf.clipByValue(x, -0.4, 0.3)),
  unary("cos", anywhere, tf.cos),
  unary("cosh", anywhere, tf.cosh),
  unary("elu", spaced, tf.elu),
  unary("erf", anywhere, tf.erf),
  unary("exp", anywhere, tf.exp),
  unary("expm1", anywhere, tf.expm1),
  unary("leakyRelu", spaced, (x) => tf.leakyRelu(x, 0.1)),
  unary("log", positive, tf.log),
  unary("log1p", positive, tf.log1p),
  unary("logSigmoid", anywhere, tf.logSigmoid),
  unary("neg", anywhere, tf.neg),
  unary("reciprocal", positive, tf.reciprocal),
  unary("relu", spaced, tf.relu),
  unary("relu6", spaced, tf.relu6),
  unary("rsqrt", positive, tf.rsqrt),
  unary("sigmoid", anywhere, tf.sigmoid),
  unary("sin", anywhere, tf.sin),
  unary("sinh", anywhere, tf.sinh),
  unary("softplus", anywhere, tf.softplus),
  unary("sqrt", positive, tf.sqrt),
  unary("square", anywhere, tf.square),
  unary("tan", withinOne, tf.tan),
  unary("tanh", anywhere, tf.tanh),
];

const row = randomTensor(8, [7]);
const column = randomTensor(9, [4, 1], 0.5, 1);
const binaries: readonly Case[] = [
  binary("add a row", anywhere, row, tf.add),
  binary("sub from a column", column, anywhere, tf.sub),
  binary("mul by a scalar", anywhere, randomTensor(10, []), tf.mul),
  binary("mul a row by a column", row, column, tf.mul),
  binary("div by a column", anywhere, column, tf.div),
  binary("maximum", spaced, spacedTensor(11, [7]), tf.maximum),
  binary("minimum", spaced, spacedTensor(12, [4, 1]), tf.minimum),
  binary("pow", positive, randomTensor(13, [7], 0.5, 3), tf.pow),
  binary("squaredDifference", anywhere, row, tf.squaredDifference),
  binary("atan2", positive, randomTensor(14, [7], 0.5, 2), tf.atan2),
  {
    name: "addN",
    inputs: [anywhere, positive, spaced],
    compute: (all) => tf.addN([...all]),
  },
];

const reductions: readonly Case[] = [
  ...[[0], [1], [0, 1], [0, 1, 2], [1, 2], [2, 3], [3], [0, 2], [0, 1, 2, 3]].flatMap((axes) => [
    unary(`sum over ${axes}`, volume, (x) => tf.sum(x, axes)),
    unary(`mean over ${axes}, kept`, volume, (x) => tf.mean(x, axes, true)),
  ]),
  unary("sum over many rows", randomTensor(15, [9, 130, 21]), (x) => tf.sum(x, [0, 1])),
  unary("max over the last axis", spaced, (x) => tf.max(x, 1)),
  unary("max over the first axis, kept", spaced, (x) => tf.max(x, 0, true)),
  unary("max over two axes", spacedVolume, (x) => tf.max(x, [1, 3])),
  unary("min over the last axis", spaced, (x) => tf.min(x, -1)),
  unary("logSumExp", anywhere, (x) => tf.logSumExp(x, 1)),
  unary("softmax", anywhere, (x) => tf.softmax(x)),
  unary("logSoftmax", anywhere, (x) => tf.logSoftmax(x)),
  unary("cumsum", anywhere, (x) => tf.cumsum(x, 1)),
  unary("cumsum, exclusive and reverse", anywhere, (x) => tf.cumsum(x, 0, true, true)),
  unary("norm", positive, (x) => tf.norm(x, "euclidean", 1)),
  unary("moments", volume, (x) => tf.moments(x, [0, 1, 2]).variance),
];

const shapes: readonly Case[] = [
  unary("reshape", anywhere, (x) => tf.reshape(x, [7, 2, 2])),
  unary("expandDims and squeeze", anywhere, (x) => tf.squeeze(tf.expandDims(tf.expandDims(x, 1), 0))),
  unary("transpose", volume, (x) => tf.transpose(x, [3, 0, 2, 1])),
  unary("broadcastTo", row, (x) => tf.broadcastTo(x, [3, 4, 7])),
  unary("tile", anywhere, (x) => tf.tile(x, [2, 3])),
  binary("concat", anywhere, randomTensor(16, [4, 2]), (a, b) => tf.concat([a, b], 1)),
  binary("stack", anywhere, positive, (a, b) => tf.stack([a, b], 1)),
  unary("split", anywhere, (x) => tf.mul(...(tf.split(x, [2, 2], 0) as [tf.Tensor, tf.Tensor]))),
  unary("unstack", anywhere, (x) => tf.mul(tf.unstack(x, 1)[2]!, tf.unstack(x, 1)[5]!)),
  unary("slice", anywhere, (x) => tf.slice(x, [1, 2], [2, -1])),
  unary("pad", anywhere, (x) =>
    tf.pad(x, [
      [1, 0],
      [2, 3],
    ]),
  ),
  unary("reverse", volume, (x) => tf.reverse(x, [1, 3])),
  binary("where", anywhere, positive, (a, b) => tf.where(tf.greater(b, 1), a, b)),
  unary("gather rows", anywhere, (x) => tf.gather(x, indices([3, 0, 3, 1]))),
  unary("gather columns, twice", anywhere, (x) =>
    tf.gather(
      x,
      tf.tensor2d(
        [
          [3, 0],
          [6, 3],
        ],
        [2, 2],
        "int32",
      ),
      1,
    ),
  ),
  unary("gather in the middle", volume, (x) => tf.gather(x, indices([2, 2, 0, 1]), 2)),
  unary("gatherND", anywhere, (x) =>
    tf.gatherND(
      x,
      tf.tensor2d(
        [
          [0, 1],
          [3, 6],
          [0, 1],
        ],
        [3, 2],
        "int32",
      ),
    ),
  ),
  unary("scatterND", row, (x) => tf.scatterND(tf.tensor2d([4, 3, 1, 7, 0, 2, 6], [7, 1], "int32"), x, [9])),
  unary("unsortedSegmentSum", anywhere, (x) => tf.unsortedSegmentSum(x, indices([1, 0, 1, -1]), 3)),
  unary("topk", spaced, (x) => tf.topk(x, 3).values),
  unary("a mask from what is differentiated", anywhere, (x) =>
    tf.mul(x, tf.cast(tf.greater(x, 5), "float32")),
  ),
];

const products: readonly Case[] = [
  ...[false, true].flatMap((transposeA) =>
    [false, true].map((transposeB) =>
      binary(
        `matMul ${transposeA ? "aᵀ" : "a"} ${transposeB ? "bᵀ" : "b"}`,
        randomTensor(17, transposeA ? [9, 6] : [6, 9]),
        randomTensor(18, transposeB ? [13, 9] : [9, 13]),
        (a, b) => tf.matMul(a, b, transposeA, transposeB),
      ),
    ),
  ),
  binary("matMul of batches", randomTensor(19, [3, 5, 4]), randomTensor(20, [3, 4, 6]), tf.matMul),
  binary("matMul of batches, transposed", randomTensor(21, [3, 5, 4]), randomTensor(22, [3, 6, 4]), (a, b) =>
    tf.matMul(a, b, false, true),
  ),
  binary(
    "matMul of a batch by one matrix",
    randomTensor(23, [3, 5, 4]),
    randomTensor(24, [1, 4, 6]),
    tf.matMul,
  ),
  binary("matMul with a long inner axis", randomTensor(27, [5, 600]), randomTensor(28, [600, 11]), tf.matMul),
  binary("dot", row, randomTensor(29, [7]), tf.dot),
];

const maxPool = (shape: number[], size: number, stride: number, pad: "same" | "valid"): Case =>
  unary(`maxPool ${size}x${size} stride ${stride} ${pad} on ${shape}`, spacedTensor(30, shape), (x) =>
    tf.maxPool(x as tf.Tensor4D, size, stride, pad),
  );
const avgPool = (shape: number[], size: number, stride: number, pad: "same" | "valid"): Case =>
  unary(`avgPool ${size}x${size} stride ${stride} ${pad} on ${shape}`, randomTensor(31, shape), (x) =>
    tf.avgPool(x as tf.Tensor4D, size, stride, pad),
  );

const pools: readonly Case[] = [
  ...[maxPool, avgPool].flatMap((pool) => [
    pool([2, 6, 8, 4], 2, 2, "valid"),
    pool([2, 7, 5, 8], 2, 2, "valid"),
    pool([2, 6, 6, 3], 2, 2, "same"),
    pool([1, 6, 6, 2], 3, 1, "valid"),
    pool([2, 4, 4, 4], 4, 4, "valid"),
  ]),
  maxPool([2, 7, 5, 4], 2, 2, "same"),
  maxPool([2, 7, 7, 4], 3, 2, "same"),
];

/** The `cpu` backend divides by the whole window at the border, and mistakes batches that broadcast both ways. */
export const wrongOnCpu: readonly Case[] = [
  avgPool([2, 7, 5, 4], 2, 2, "same"),
  avgPool([2, 7, 7, 4], 3, 2, "same"),
  binary(
    "matMul with broadcast batches",
    randomTensor(25, [2, 1, 5, 4]),
    randomTensor(26, [3, 4, 6]),
    tf.matMul,
  ),
];

/** The cases by kind, all of which the `cpu` backend computes rightly. */
export const operations = { elementwise, binaries, reductions, shapes, products, pools };
