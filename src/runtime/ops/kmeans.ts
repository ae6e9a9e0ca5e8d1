/**
 * Clusters of points: `kmeans` of emitted programs. The laws are those of `src/interpret/kmeans.ts`: centres by farthest
 * first, then ten rounds of Lloyd's algorithm. Without gradient, and of operations whose shapes are fixed, so that a step
 * that clusters can be captured.
 */
import * as tf from "@tensorflow/tfjs-core";
import { untracked } from "./untracked.ts";

/** Rounds of Lloyd's algorithm. */
const ROUNDS = 10;

/** Two points within this share of |u|² + |v|² of each other, squared, are one. */
const NEARLY_EQUAL = 1e-6;

/** Above every squared distance of two points. */
const FAR = 1e30;

export interface Clustering {
  readonly clusters: number;
  /** Bool [s, n]: for each of the clusterings s, the points that take part. All where absent. */
  readonly where?: tf.Tensor;
}

/** The numbers of the clusters of points [n, t], as int32 [n], or [s, n] with a mask; of no meaning where it is false. */
export function kmeans(points: tf.Tensor, { clusters, where }: Clustering): tf.Tensor {
  const [n] = points.shape as [number];
  const shape = where === undefined ? [n] : [...where.shape.slice(0, -1), n];
  if (clusters === 1) return tf.zeros(shape, "int32");
  const count = tf.util.sizeFromShape(shape) / Math.max(n, 1);
  return untracked(() =>
    tf.tidy(() => {
      const present =
        where === undefined
          ? (tf.ones([1, n]) as tf.Tensor2D)
          : (tf.reshape(tf.cast(tf.broadcastTo(where, shape), "float32"), [count, n]) as tf.Tensor2D);
      const centers = farthestFirst(points as tf.Tensor2D, present, clusters);
      return tf.reshape(lloyd(points as tf.Tensor2D, present, centers), shape);
    }),
  );
}

interface Centers {
  /** [s, c, t] */
  readonly at: tf.Tensor3D;
  /** [s, c]: 0 for a centre, FAR for one that was not found. */
  readonly missing: tf.Tensor2D;
}

function farthestFirst(points: tf.Tensor2D, present: tf.Tensor2D, clusters: number): Centers {
  const squares = tf.sum(tf.square(points), 1);
  // Points that do not take part are nearer than all others.
  const absent = tf.sub(present, 1);
  const found: tf.Tensor2D[] = [];
  const missing: tf.Tensor[] = [];
  let nearest: tf.Tensor = present;
  for (let c = 0; c < clusters; c++) {
    const candidates = tf.add(tf.mul(nearest, present), absent);
    const center = tf.gather(points, tf.argMax(candidates, 1) as tf.Tensor1D) as tf.Tensor2D;
    found.push(center);
    missing.push(tf.mul(tf.sub(1, tf.step(tf.max(candidates, 1))), FAR));
    const lengths = tf.add(tf.expandDims(tf.sum(tf.square(center), 1), 1), tf.expandDims(squares, 0));
    const distances = tf.sub(lengths, tf.mul(2, tf.matMul(center, points, false, true)));
    const apart = tf.mul(distances, tf.step(tf.sub(distances, tf.mul(lengths, NEARLY_EQUAL))));
    nearest = c === 0 ? apart : tf.minimum(nearest, apart);
  }
  return { at: tf.stack(found, 1) as tf.Tensor3D, missing: tf.stack(missing, 1) as tf.Tensor2D };
}

function lloyd(points: tf.Tensor2D, present: tf.Tensor2D, { at, missing }: Centers): tf.Tensor2D {
  const [n] = points.shape;
  const [count, clusters, width] = at.shape;
  let centers = at;
  let numbers = nearestOf(points, centers, missing);
  for (let round = 0; round < ROUNDS; round++) {
    // [s, c, n]: which points are in which cluster.
    const members = tf.mul(
      tf.transpose(tf.cast(tf.oneHot(numbers, clusters), "float32"), [0, 2, 1]),
      tf.expandDims(present, 1),
    );
    const sizes = tf.sum(members, 2, true);
    const sums = tf.reshape(tf.matMul(tf.reshape(members, [count * clusters, n]), points), [
      count,
      clusters,
      width,
    ]);
    const some = tf.step(sizes);
    const means = tf.div(sums, tf.maximum(sizes, 1));
    centers = tf.add(means, tf.mul(centers, tf.sub(1, some))) as tf.Tensor3D;
    numbers = nearestOf(points, centers, missing);
  }
  return numbers;
}

/** The number of the nearest centre to each point, [s, n]: |c|² - 2 p·c orders the centres as the distance does. */
function nearestOf(points: tf.Tensor2D, centers: tf.Tensor3D, missing: tf.Tensor2D): tf.Tensor2D {
  const [count, clusters, width] = centers.shape;
  const products = tf.matMul(tf.reshape(centers, [count * clusters, width]), points, false, true);
  const squares = tf.add(tf.sum(tf.square(centers), 2), missing);
  const distances = tf.sub(
    tf.expandDims(squares, 2),
    tf.mul(2, tf.reshape(products, [count, clusters, points.shape[0]])),
  );
  return tf.argMin(distances, 1) as tf.Tensor2D;
}
