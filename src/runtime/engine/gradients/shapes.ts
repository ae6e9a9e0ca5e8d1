/**
 * Gradients of operations that move, copy or select entries.
 */
import * as tf from "@tensorflow/tfjs-core";
import { byShapes, define, indicator } from "./define.ts";

export const shapeGradients: readonly tf.GradConfig[] = [
  byShapes(define(tf.Reshape, ["x"], (dy, [x]) => ({ x: () => tf.reshape(dy, x!.shape) }))),
  byShapes(
    define(tf.ExpandDims, ["input"], (dy, [input]) => ({ input: () => tf.reshape(dy, input!.shape) })),
  ),
  define<tf.TransposeAttrs>(tf.Transpose, [], (dy, _, { perm }) => ({
    x: () => tf.transpose(dy, tf.backend_util.getUndoAxesPermutation(perm)),
  })),
  byShapes(
    define<tf.BroadCastToAttrs>(tf.BroadcastTo, ["x"], (dy, [x], { shape, inputShape }) => ({
      x: () => {
        const axes = tf.broadcast_util.getReductionAxes(inputShape, shape);
        return tf.reshape(tf.sum(dy, axes), x!.shape);
      },
    })),
  ),
  byShapes(
    define<tf.TileAttrs>(tf.Tile, ["x"], (dy, [x], { reps }) => ({
      // Each axis splits into its copies and its own length; the copies are summed.
      x: () => {
        const split = x!.shape.flatMap((length, axis) => [reps[axis]!, length]);
        const copies = x!.shape.map((_, axis) => 2 * axis);
        return tf.reshape(tf.sum(tf.reshape(dy, split), copies), x!.shape);
      },
    })),
  ),
  byShapes({
    kernelName: tf.Concat,
    saveAllInputs: true,
    gradFunc: (dy, inputs, attrs) => {
      const axis = tf.util.parseAxisParam(attrs["axis"] as number, inputs[0]!.shape)[0]!;
      const lengths = inputs.map((input) => input.shape[axis]!);
      return parts(tf.split(dy as tf.Tensor, lengths, axis));
    },
  }),
  byShapes({
    kernelName: tf.Pack,
    saveAllInputs: true,
    gradFunc: (dy, _, attrs) => parts(tf.unstack(dy as tf.Tensor, attrs["axis"] as number)),
  }),
  byShapes({
    kernelName: tf.AddN,
    saveAllInputs: true,
    gradFunc: (dy, inputs) => parts(inputs.map(() => tf.clone(dy as tf.Tensor))),
  }),
  {
    kernelName: tf.SplitV,
    gradFunc: (dy, _, attrs) => ({ x: () => tf.concat(dy as tf.Tensor[], attrs["axis"] as number) }),
  },
  {
    kernelName: tf.Unpack,
    gradFunc: (dy, _, attrs) => ({ value: () => tf.stack(dy as tf.Tensor[], attrs["axis"] as number) }),
  },
  byShapes(
    define<tf.SliceAttrs>(tf.Slice, ["x"], (dy, [x], { begin, size }) => ({
      x: () => {
        const [from, lengths] = tf.slice_util.parseSliceParams(x!, begin, size);
        return tf.pad(
          dy,
          from.map((start, axis) => [start, x!.shape[axis]! - start - lengths[axis]!] as [number, number]),
        );
      },
    })),
  ),
  byShapes(
    define<tf.PadV2Attrs>(tf.PadV2, ["x"], (dy, [x], { paddings }) => ({
      x: () =>
        tf.slice(
          dy,
          paddings.map(([before]) => before),
          x!.shape,
        ),
    })),
  ),
  define<tf.ReverseAttrs>(tf.Reverse, [], (dy, _, { dims }) => ({
    x: () => tf.reverse(dy, tf.util.parseAxisParam(dims, dy.shape)),
  })),
  define(tf.Select, ["condition"], (dy, [condition]) => ({
    condition: () => tf.zeros(condition!.shape),
    t: () => tf.mul(dy, indicator(condition!)),
    e: () => tf.mul(dy, indicator(tf.logicalNot(condition!))),
  })),
  define<tf.GatherV2Attrs>(tf.GatherV2, ["x", "indices"], (dy, [x, indices], attrs) => ({
    x: () => gatherGradient(dy, x!, indices!, attrs),
    indices: () => tf.zeros(indices!.shape),
  })),
  define(tf.GatherNd, ["params", "indices"], (dy, [params, indices]) => ({
    params: () => tf.scatterND(indices as tf.Tensor, dy, params!.shape),
    indices: () => tf.zeros(indices!.shape),
  })),
  define(tf.ScatterNd, ["indices"], (dy, [indices]) => ({
    updates: () => tf.gatherND(dy, indices!),
    indices: () => tf.zeros(indices!.shape),
  })),
  define(tf.UnsortedSegmentSum, ["segmentIds"], (dy, [segmentIds]) => ({
    // Ids below zero belong to no segment, so what they index has no gradient.
    x: () => {
      const ids = tf.maximum(segmentIds!, tf.scalar(0, "int32")) as tf.Tensor1D;
      const rows = tf.gather(dy, ids);
      const valid = indicator(tf.greaterEqual(segmentIds!, tf.scalar(0, "int32")));
      return tf.mul(rows, tf.reshape(valid, [-1, ...Array<number>(rows.rank - 1).fill(1)]));
    },
  })),
  {
    kernelName: tf.TopK,
    inputsToSave: ["x"],
    outputsToSave: [false, true],
    gradFunc: (dy, [x, indices]) => ({
      x: () => topKGradient((dy as tf.Tensor[])[0]!, x!, indices!),
    }),
  },
];

/**
 * Gradients of a list of inputs, by position. They are computed at once: tfjs runs each input's function in a scope of
 * its own, which would dispose of what another one still needs.
 */
function parts(gradients: readonly tf.Tensor[]): Record<string, () => tf.Tensor> {
  return Object.fromEntries(gradients.map((gradient, position) => [String(position), () => gradient]));
}

/** Adds each gathered slice's gradient to the slice it came from. */
function gatherGradient(dy: tf.Tensor, x: tf.Tensor, indices: tf.Tensor, attrs: tf.GatherV2Attrs): tf.Tensor {
  const axis = tf.util.parseAxisParam(attrs.axis, x.shape)[0]!;
  if (attrs.batchDims !== 0) throw new Error("gather with batchDims has no gradient here: use gatherND");
  const outer = tf.util.sizeFromShape(x.shape.slice(0, axis));
  const inner = tf.util.sizeFromShape(x.shape.slice(axis + 1));
  const ids = tf.reshape(indices, [indices.size]) as tf.Tensor1D;
  const count = x.shape[axis]!;
  if (outer === 1) {
    return tf.reshape(tf.unsortedSegmentSum(tf.reshape(dy, [indices.size, inner]), ids, count), x.shape);
  }
  const first = tf.transpose(tf.reshape(dy, [outer, indices.size, inner]), [1, 0, 2]);
  const summed = tf.unsortedSegmentSum(first, ids, count);
  return tf.reshape(tf.transpose(summed, [1, 0, 2]), x.shape);
}

/** Puts the gradient of each of the largest entries of a row back in its place. */
function topKGradient(dy: tf.Tensor, x: tf.Tensor, indices: tf.Tensor): tf.Tensor {
  const columns = x.shape[x.rank - 1]!;
  const rows = x.size / columns;
  const k = indices.shape[indices.rank - 1]!;
  const rowStart = tf.mul(tf.range(0, rows, 1, "int32"), tf.scalar(columns, "int32"));
  const places = tf.add(tf.reshape(indices, [rows, k]), tf.reshape(rowStart, [rows, 1]));
  const flat = tf.reshape(places, [rows * k]) as tf.Tensor1D;
  return tf.reshape(tf.unsortedSegmentSum(tf.reshape(dy, [rows * k]), flat, x.size), x.shape);
}
