/**
 * The backward pass over a recording of tfjs's: the gradient of a scalar by some tensors, with nothing held longer than
 * it is needed. tfjs's own pass holds every gradient, and all that a gradient was computed from, until it ends, which
 * doubles the memory of a step. Called by `tape.ts` only.
 */
import * as tf from "@tensorflow/tfjs-core";
import { gradientOf, gradientSum, passBegins } from "../trace/flow.ts";

/** An operation as tfjs records it. */
export interface TapeNode {
  readonly kernelName: string;
  readonly inputs: Readonly<Record<string, tf.Tensor>>;
  readonly outputs: readonly tf.Tensor[];
  /** Copies of tensors that the gradient is computed from; the node's own. */
  readonly saved: readonly tf.Tensor[];
  /** From the gradients of the outputs; absent where the operation has no gradient. */
  readonly gradient?: (
    dys: readonly (tf.Tensor | undefined)[],
  ) => Readonly<Record<string, (() => tf.Tensor) | undefined>>;
}

/**
 * Gradients of y by xs along the tape; undefined for an x that y does not depend on.
 *
 * @param last whether no other pass follows: then what the nodes saved is let go of on the way.
 * @throws when an operation between an x and y has no gradient.
 */
export function backward(
  tape: readonly TapeNode[],
  y: tf.Tensor,
  xs: readonly tf.Tensor[],
  last: boolean,
): (tf.Tensor | undefined)[] {
  const between = nodesBetween(tape, xs, y);
  const asked = new Set(xs.map(({ id }) => id));
  passBegins();
  return tf.tidy(() => {
    const gradients = new Gradients(y);
    for (const node of tape.toReversed()) {
      const names = between.get(node);
      if (names !== undefined) {
        const inputs = names.map((name) => node.inputs[name]!);
        gradientOf(node.outputs, inputs, () => {
          const found = inputGradients(node, names, gradients);
          gradients.addAll(inputs.map((x, k) => [x, found[k]!]));
        });
        for (const { id } of node.outputs) if (!asked.has(id)) gradients.forget(id);
      }
      if (last) tf.dispose(node.saved.filter((tensor) => !gradients.holds(tensor)));
    }
    return xs.map(({ id }) => gradients.of(id)) as tf.Tensor[];
  });
}

/** The nodes on a path from one of `xs` to y, each with the names of its inputs that depend on `xs`. */
function nodesBetween(
  tape: readonly TapeNode[],
  xs: readonly tf.Tensor[],
  y: tf.Tensor,
): Map<TapeNode, string[]> {
  const fromX = new Set(xs.map(({ id }) => id));
  const inputs = new Map<TapeNode, string[]>();
  for (const node of tape) {
    const names = Object.keys(node.inputs).filter((name) => fromX.has(node.inputs[name]!.id));
    if (names.length === 0) continue;
    inputs.set(node, names);
    for (const { id } of node.outputs) fromX.add(id);
  }
  const toY = new Set([y.id]);
  for (const node of tape.toReversed()) {
    if (node.outputs.some(({ id }) => toY.has(id))) {
      for (const { id } of Object.values(node.inputs)) toY.add(id);
    } else {
      inputs.delete(node);
    }
  }
  return inputs;
}

function inputGradients(node: TapeNode, inputs: readonly string[], gradients: Gradients): tf.Tensor[] {
  const { kernelName, gradient } = node;
  if (gradient === undefined) throw new Error(`the operation ${kernelName} has no gradient`);
  return tf.tidy(() => {
    const byInput = gradient(node.outputs.map(({ id }) => gradients.of(id)));
    return inputs.map((name) => {
      const compute = byInput[name];
      if (compute === undefined) throw new Error(`the operation ${kernelName} has no gradient by ${name}`);
      const dx = tf.tidy(compute);
      const { shape } = node.inputs[name]!;
      if (dx.dtype !== "float32" || dx.shape.join() !== shape.join()) {
        throw new Error(
          `the gradient of ${kernelName} by ${name} is ${dx.dtype}[${dx.shape.join()}] instead of float32[${shape.join()}]`,
        );
      }
      return dx;
    });
  });
}

/** Gradients so far, by the numbers of the tensors they are of. One tensor may be the gradient of several. */
class Gradients {
  readonly #of = new Map<number, tf.Tensor>();
  /** How many it is the gradient of. */
  readonly #uses = new Map<tf.Tensor, number>();
  /** Tensors from this number on were made by the pass: others are somebody else's, though they may be gradients. */
  readonly #firstOwn: number;

  constructor(y: tf.Tensor) {
    const one = tf.ones(y.shape);
    this.#firstOwn = one.id;
    this.#set(y.id, one);
  }

  of(id: number): tf.Tensor | undefined {
    return this.#of.get(id);
  }

  holds(tensor: tf.Tensor): boolean {
    return this.#uses.has(tensor);
  }

  /** Adds each `dx` to the gradient of its x; one tensor may be that of several. */
  addAll(found: readonly (readonly [x: tf.Tensor, dx: tf.Tensor])[]): void {
    for (const [, dx] of found) this.#use(dx, 1);
    for (const [x, dx] of found) {
      const { id } = x;
      const before = this.#of.get(id);
      const sum = before === undefined ? dx : gradientSum(x, () => tf.add(before, dx));
      this.forget(id);
      this.#set(id, sum);
    }
    for (const [, dx] of found) this.#use(dx, -1);
  }

  /** The gradient of this tensor is needed no more. */
  forget(id: number): void {
    const tensor = this.#of.get(id);
    if (tensor === undefined) return;
    this.#of.delete(id);
    this.#use(tensor, -1);
  }

  #set(id: number, tensor: tf.Tensor): void {
    this.#of.set(id, tensor);
    this.#use(tensor, 1);
  }

  #use(tensor: tf.Tensor, more: number): void {
    const uses = (this.#uses.get(tensor) ?? 0) + more;
    this.#uses.set(tensor, uses);
    if (uses > 0) return;
    this.#uses.delete(tensor);
    if (tensor.id >= this.#firstOwn && !tensor.kept) tensor.dispose();
  }
}
