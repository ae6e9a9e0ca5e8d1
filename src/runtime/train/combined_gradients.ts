/**
 * The gradient of a combination: of its value and of what its strategies minimise for themselves, and where it holds
 * nodes of gradient surgery, those nodes' directions in place of the gradients of their values. Called by the training
 * step; pure.
 *
 * Without surgery this is one backward pass. A node over K operands costs K, and where it is not the root one more for
 * the rest. Surgery acts on the parameters that at least two of the operands reach (the backbone, shared heads);
 * every other parameter gets the plain gradient, and so does every parameter from what stands beside the node.
 */
import * as tf from "@tensorflow/tfjs-core";
import { projectConflicts } from "../ensemble/pcgrad.ts";
import { total } from "../ensemble/node.ts";
import type { Combined, Surgery } from "../program.ts";
import { phase } from "../trace/phase.ts";
import { recorded } from "./tape.ts";
import type { GradientsOf } from "./tape.ts";

export interface CombinedGradients {
  readonly combined: Combined;
  /** The combination's value plus its strategies' own objectives. */
  readonly total: tf.Scalar;
  /** By input; undefined where nothing depends on it. */
  readonly gradients: readonly (tf.Tensor | undefined)[];
}

type Gradients = readonly (tf.Tensor | undefined)[];

/** Runs `forward` once and differentiates what it returns by `inputs`. */
export function combinedGradients(forward: () => Combined, inputs: readonly tf.Tensor[]): CombinedGradients {
  const minimised = (): { combined: Combined; total: tf.Scalar } => {
    const combined = phase("forward", forward);
    const { value, own } = combined;
    return { combined, total: own === undefined ? value : tf.add(value, own) };
  };
  return recorded(inputs, minimised, ({ combined, total: sum }, gradientsOf) => ({
    combined,
    total: sum,
    gradients: phase("backward", () => withSurgery(combined, sum, gradientsOf, inputs)),
  }));
}

function withSurgery(
  combined: Combined,
  minimised: tf.Scalar,
  gradientsOf: GradientsOf,
  inputs: readonly tf.Tensor[],
): Gradients {
  const [first] = combined.surgeries ?? [];
  if (first === undefined) return gradientsOf(minimised, "last");
  // The root itself: its operands' gradients add up to that of its value.
  if (first.value === combined.value) {
    const directed = directions(first, gradientsOf, inputs);
    return combined.own === undefined ? directed.put : addAll(directed.put, gradientsOf(combined.own));
  }
  let gradients = gradientsOf(minimised);
  for (const surgery of combined.surgeries!) {
    const { put, plain } = directions(surgery, gradientsOf, inputs);
    const change = put.map((direction, i) =>
      direction === undefined || direction === plain[i]
        ? undefined
        : tf.mul(tf.sub(direction, plain[i]!), surgery.factor),
    );
    gradients = addAll(gradients, change);
  }
  return gradients;
}

interface Directions {
  /** The surgery's gradients. */
  readonly put: Gradients;
  /** Those of the node's value; the very tensors of `put` for parameters without surgery. */
  readonly plain: Gradients;
}

function directions(surgery: Surgery, gradientsOf: GradientsOf, inputs: readonly tf.Tensor[]): Directions {
  const tasks = surgery.tasks.map((task) => gradientsOf(task));
  const plain = inputs.map((_, i) => sumOf(tasks.map((gradients) => gradients[i])));
  const shared = inputs.map((_, i) => tasks.filter((gradients) => gradients[i] !== undefined).length > 1);
  const places = inputs.flatMap((_, i) => (shared[i]! ? [i] : []));
  if (places.length === 0) return { put: plain, plain };
  const flat = tasks.map((gradients) =>
    tf.concat(places.map((i) => tf.reshape(gradients[i] ?? tf.zerosLike(inputs[i]!), [-1]))),
  );
  const direction = projectConflicts(tf.stack(flat) as tf.Tensor2D, surgery.order);
  const pieces = tf.split(
    direction,
    places.map((i) => inputs[i]!.size),
  );
  const put = [...plain];
  places.forEach((i, place) => (put[i] = tf.reshape(pieces[place]!, inputs[i]!.shape)));
  return { put, plain };
}

function sumOf(gradients: Gradients): tf.Tensor | undefined {
  const reached = gradients.filter((gradient) => gradient !== undefined);
  return reached.length === 0 ? undefined : total(reached);
}

const addAll = (a: Gradients, b: Gradients): Gradients => a.map((gradient, i) => sumOf([gradient, b[i]]));
