/**
 * Finds out what went wrong when a value is NaN or infinite. Values are read only every few steps, and one NaN makes
 * everything after it NaN, so the steps since the last good reading are run again, one by one: batches and rates are
 * functions of the step's number.
 */
import * as tf from "@tensorflow/tfjs-core";
import type { ParameterSpec, Program, Sizes } from "../program.ts";
import { disposeFeeds } from "./feeds.ts";
import type { Feeds } from "./feeds.ts";
import { createNet } from "./net.ts";
import type { BatchTensors, Step } from "./step.ts";
import { Holder } from "./tensors.ts";
import type { Generation } from "./tensors.ts";
import { embedViews } from "./views.ts";
import { allFinite, disposeValues, readValues } from "./values.ts";
import type { ReadValues } from "./values.ts";

/** The first value that was not finite. */
export interface Divergence {
  /** Number of the step, 1-based. */
  readonly step: number;
  /** What it was, without its place in the spec: `loss "arc" is NaN`. */
  readonly what: string;
  /** The loss to blame, where one could be found. */
  readonly loss?: string;
}

export interface ReplayContext {
  readonly program: Program;
  readonly sizes: Sizes;
  readonly specs: readonly ParameterSpec[];
  readonly step: Step;
  feeds(step: number): Feeds | Promise<Feeds>;
}

/** Runs steps `from` to `to` (0-based, `to` included) again from `start`, whose tensors stay the caller's. */
export async function findDivergence(
  context: ReplayContext,
  start: Generation,
  from: number,
  to: number,
): Promise<Divergence> {
  const holder = new Holder();
  // Held once more than they are released, so that the caller's tensors survive.
  holder.hold(start);
  let generation = holder.hold(start);
  let found: Divergence | undefined;
  for (let number = from; number <= to && found === undefined; number++) {
    const feeds = await context.feeds(number);
    const result = context.step(generation, feeds.batch, feeds.rates);
    const values = await readValues(result.values);
    disposeValues(result.values);
    if (!allFinite(values)) found = await blame(context, generation, feeds.batch, number + 1, values);
    disposeFeeds(feeds);
    holder.hold(result);
    holder.release(generation);
    generation = result;
  }
  holder.release(generation);
  return found ?? { step: to + 1, what: "a loss is not finite" };
}

async function blame(
  context: ReplayContext,
  generation: Generation,
  batch: BatchTensors,
  step: number,
  values: ReadValues,
): Promise<Divergence> {
  for (const [loss, value] of Object.entries(values.losses)) {
    if (!Number.isFinite(value)) return { step, loss, what: `loss "${loss}" is ${describe(value)}` };
  }
  if (!Number.isFinite(values.total)) {
    return { step, what: `the combination of the losses is ${describe(values.total)}` };
  }
  for (const loss of Object.keys(values.losses)) {
    const norm = await gradientNorm(context, generation, batch, loss);
    if (!Number.isFinite(norm))
      return { step, loss, what: `the gradient of loss "${loss}" is ${describe(norm)}` };
  }
  return { step, what: `the gradient is ${describe(values.gradientNorm)}` };
}

/** Norm of the gradient of one loss alone. */
async function gradientNorm(
  { program, sizes, specs }: ReplayContext,
  { parameters, state }: Generation,
  batch: BatchTensors,
  loss: string,
): Promise<number> {
  const squares = tf.tidy(() => {
    const net = createNet(sizes, true, parameters, state, batch.noise);
    const trained = specs.filter((spec) => spec.trainable).map((spec) => parameters[spec.name]!);
    const { grads } = tf.engine().gradients(
      () => {
        const { heads, others } = embedViews(program, batch.images, net);
        return program.losses(heads, batch.labels, net, others, batch.ids, batch.otherLabels)[loss]!.value;
      },
      trained,
      undefined,
      true,
    );
    tf.dispose({ ...net.updates });
    // A parameter the loss does not reach has no gradient.
    const reached = grads.filter((gradient: tf.Tensor | undefined) => gradient !== undefined);
    return reached
      .map((gradient) => tf.sum(tf.square(gradient)))
      .reduce((a, b) => tf.add(a, b), tf.scalar(0));
  });
  const [sum] = await squares.data();
  squares.dispose();
  return Math.sqrt(sum!);
}

function describe(value: number): string {
  return Number.isNaN(value) ? "NaN" : "infinite";
}
