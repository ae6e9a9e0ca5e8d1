/**
 * Which losses need an operation of a training step. The losses of a model are one function that computes what several of
 * them use once, so this is read off the data: an operation of the forward pass is needed by the losses whose results its
 * own result reaches, one of the backward pass by the losses whose gradient flows through it. An operation that only one
 * loss needs would not run without that loss. Called by `record.ts`, told of the step by `flow.ts`; pure.
 */
import * as tf from "@tensorflow/tfjs-core";
import type { LossValue } from "../program.ts";
import type { FlowListener } from "./flow.ts";

/** The part of the step in which the losses run. */
export const LOSSES = "losses";

type Names = ReadonlySet<string>;
const NONE: Names = new Set();

/** What an operation of the engine is for. */
export interface Use {
  /** The losses that need it, in the program's order; none for what is no loss's work. */
  losses: readonly string[];
  /** Parts that it belongs to within the one in which it ran, outermost first. */
  parts: readonly string[];
}

/** An operation by the numbers of the tensors it reads and makes. */
interface Operation {
  readonly use: Use;
  readonly reads: readonly number[];
  readonly makes: readonly number[];
  /** The part in which it ran, without `forward` around it. */
  readonly place: readonly string[];
  /** For an operation of a backward pass. */
  readonly gradient: Gradient | undefined;
}

/** Of a backward pass: the part in which the operation ran whose gradient is worked out, and the losses it comes from. */
interface Gradient {
  readonly place: readonly string[];
  readonly losses: Names;
}

/** A part of the step, and the tensors made in it: tfjs numbers tensors in the order in which they are made. */
interface Part {
  readonly path: readonly string[];
  readonly first: number;
  last: number;
}

export class LossUse implements FlowListener {
  readonly #operations: Operation[] = [];
  readonly #parts: Part[] = [];
  readonly #open: Part[] = [];
  #names: readonly string[] = [];
  /** Losses that return a tensor. */
  readonly #returning = new Map<number, Names>();
  readonly #states: { readonly before: number; readonly after: number }[] = [];
  /** Losses whose gradient has reached a tensor in this backward pass. */
  readonly #reached = new Map<number, Names>();
  readonly #gradients: Gradient[] = [];

  /** A part of the step begins within those that have. */
  beginPart(name: string): void {
    const path = [...(this.#open.at(-1)?.path ?? []), name];
    const part = { path, first: nextTensor(), last: Infinity };
    this.#open.push(part);
    this.#parts.push(part);
  }

  endPart(): void {
    this.#open.pop()!.last = nextTensor();
  }

  /** An operation has run, and what it returns has not been made tensors yet. What it is for is known after `finish`. */
  operation(inputs: tf.NamedTensorInfoMap, outputs: readonly tf.TensorInfo[]): Use {
    const use: Use = { losses: [], parts: [] };
    const first = nextTensor() + 1;
    this.#operations.push({
      use,
      reads: Object.values(inputs ?? {}).map((input) => (input as tf.Tensor | undefined)?.id ?? -1),
      makes: outputs.map((output, k) => (output as Partial<tf.Tensor>).id ?? first + k),
      place: this.#open.at(-1)?.path.slice(1) ?? [],
      gradient: this.#gradients.at(-1),
    });
    return use;
  }

  losses(
    returned: Readonly<Record<string, LossValue>>,
    before: Readonly<Record<string, tf.Tensor>>,
    after: Readonly<Record<string, tf.Tensor>>,
  ): void {
    this.#names = Object.keys(returned);
    for (const [name, { value, valid, perSample, constant }] of Object.entries(returned)) {
      for (const tensor of [value, valid, perSample, constant]) {
        if (tensor !== undefined) add(this.#returning, tensor.id, [name]);
      }
    }
    for (const [state, next] of Object.entries(after)) {
      this.#states.push({ before: before[state]!.id, after: next.id });
      const owner = this.#names.find((name) => state.startsWith(`${LOSSES}/${name}/`));
      if (owner !== undefined) add(this.#returning, next.id, [owner]);
    }
  }

  beginPass(): void {
    this.#reached.clear();
  }

  beginGradient(outputs: readonly tf.Tensor[], inputs: readonly tf.Tensor[]): void {
    const place = this.#placeOf(outputs[0]!);
    const losses = isOfLosses(place) ? union(outputs.map((output) => this.#lossesOf(output))) : NONE;
    for (const { id } of inputs) add(this.#reached, id, losses);
    this.#gradients.push({ place, losses });
  }

  beginSum(x: tf.Tensor): void {
    const { place } = this.#gradients.at(-1)!;
    this.#gradients.push({ place, losses: isOfLosses(place) ? this.#lossesOf(x) : NONE });
  }

  end(): void {
    this.#gradients.pop();
  }

  /** Once the step has run: fills in what its operations are for. */
  finish(): void {
    const needed = new Map(this.#returning);
    for (const { gradient, reads } of this.#operations) {
      if (gradient !== undefined) for (const tensor of reads) add(needed, tensor, gradient.losses);
    }
    const ofLosses = this.#operations.filter(
      ({ gradient, place }) => gradient === undefined && isOfLosses(place),
    );
    const needing = (makes: readonly number[]): Names =>
      union(makes.map((tensor) => needed.get(tensor) ?? NONE));
    // Whoever reads a state needs what becomes of it, and so what that is made of, in which another state may be.
    for (let news = true; news;) {
      for (const { reads, makes } of ofLosses.toReversed()) {
        const losses = needing(makes);
        for (const tensor of reads) add(needed, tensor, losses);
      }
      const told = this.#states.map(({ before, after }) => add(needed, after, needed.get(before) ?? NONE));
      news = told.includes(true);
    }
    let previous = NONE;
    for (const { use, makes } of ofLosses) {
      const losses = needing(makes);
      // What nobody reads is a copy that the recording makes for the gradient of the operation before it.
      previous = losses.size > 0 ? losses : previous;
      this.#fill(use, previous);
      use.parts = sharedPart(use);
    }
    for (const { use, gradient } of this.#operations) {
      if (gradient === undefined) continue;
      this.#fill(use, gradient.losses);
      const [outer, ...inner] = gradient.place;
      use.parts = outer === undefined ? [] : [outer, ...sharedPart(use), ...inner];
    }
  }

  #fill(use: Use, losses: Names): void {
    use.losses = this.#names.filter((name) => losses.has(name));
  }

  /** The part in which a tensor was made, without `forward` around it: the innermost began last. */
  #placeOf({ id }: tf.Tensor): readonly string[] {
    const part = this.#parts.findLast(({ first, last }) => first <= id && id < last);
    return part?.path.slice(1) ?? [];
  }

  #lossesOf({ id }: tf.Tensor): Names {
    return union([this.#returning.get(id) ?? NONE, this.#reached.get(id) ?? NONE]);
  }
}

const sharedPart = ({ losses }: Use): string[] => (losses.length === 0 ? [] : [partName(losses)]);

/** What these losses need, as a part of the step: what one needs under its path in the spec. */
const partName = (losses: readonly string[]): string =>
  losses.length === 1 ? `${LOSSES}/${losses[0]}` : `shared by ${losses.join(", ")}`;

const isOfLosses = ([part]: readonly string[]): boolean => part === LOSSES;

const union = (sets: readonly Names[]): Names => new Set(sets.flatMap((names) => [...names]));

/** Adds names to those of a tensor; whether one of them is new. */
function add(to: Map<number, Names>, tensor: number, names: Iterable<string>): boolean {
  const before = to.get(tensor) ?? NONE;
  const after = new Set([...before, ...names]);
  if (after.size > before.size) to.set(tensor, after);
  return after.size > before.size;
}

/** The number of the next tensor. Drawing it leaves a gap, which nothing minds. */
const nextTensor = (): number => (tf.engine() as unknown as { nextTensorId(): number }).nextTensorId();
