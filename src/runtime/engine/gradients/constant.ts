/**
 * Operations whose value does not change under small changes of their inputs: comparisons, logic, rounding, indices; and
 * batch statistics, which by decision have none (`batchNormTraining` accounts for them itself). Their gradient is zero, so a mask may be computed from what is being differentiated.
 */
import * as tf from "@tensorflow/tfjs-core";
import { BATCH_STATISTICS } from "../kernel_names.ts";
import { byShapes, define } from "./define.ts";

const ofTwo = [
  tf.Equal,
  tf.NotEqual,
  tf.Greater,
  tf.GreaterEqual,
  tf.Less,
  tf.LessEqual,
  tf.LogicalAnd,
  tf.LogicalOr,
  tf.FloorDiv,
];
const ofOne = [
  tf.Sign,
  tf.Step,
  tf.Floor,
  tf.Ceil,
  tf.Round,
  tf.LogicalNot,
  tf.IsNan,
  tf.IsInf,
  tf.IsFinite,
  tf.ArgMax,
  tf.ArgMin,
  tf.All,
  tf.Any,
  tf.ZerosLike,
  tf.OnesLike,
  BATCH_STATISTICS,
];

const constants: readonly tf.GradConfig[] = [
  ...ofTwo.map((kernel) =>
    define(kernel, ["a", "b"], (_, [a, b]) => ({
      a: () => tf.zeros(a!.shape),
      b: () => tf.zeros(b!.shape),
    })),
  ),
  ...ofOne.map((kernel) => define(kernel, ["x"], (_, [x]) => ({ x: () => tf.zeros(x!.shape) }))),
  define(tf.OneHot, ["indices"], (_, [indices]) => ({ indices: () => tf.zeros(indices!.shape) })),
];

export const constantGradients: readonly tf.GradConfig[] = constants.map(byShapes);
