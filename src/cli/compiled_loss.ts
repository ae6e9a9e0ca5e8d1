/**
 * One loss as the compiler emits it, run on a batch: what `dmlc try --compiled` prints beside the interpreter's answer,
 * and what the parity tests hold against it. The text is that of an emitted program; an engine must have been started.
 */
import * as tf from "@tensorflow/tfjs-core";
import type { LabelSet, Memory } from "../interpret/index.ts";
import { initialStates } from "../interpret/index.ts";
import { eraseTypes } from "../emit/typescript/erase.ts";
import { lossStatements } from "../emit/typescript/losses.ts";
import { NO_RULES } from "../ir/build.ts";
import type { Dim } from "../ir/graph.ts";
import { Graph, lengthOf } from "../ir/graph.ts";
import type { LossNoise, LossState } from "../ir/lower/environment.ts";
import { lowerLoss } from "../ir/lower/loss.ts";
import type { ChunkSizes } from "../ir/passes/chunk.ts";
import { optimise, type PassName } from "../ir/passes/optimise.ts";
import type { ClassWeights } from "../plan/plan.ts";
import type { LossInstance, MinerInstance } from "../resolve/values.ts";
import * as ops from "../runtime/ops/index.ts";
import type { LossValue } from "../runtime/program.ts";
import { uniformNoise } from "../runtime/random.ts";
import type { CompiledAnswer, Computed, GradientTensors } from "./compiled_answer.ts";
import { readLater, readNow } from "./compiled_answer.ts";
import { memoryOf, statesOf } from "./compiled_memory.ts";

export type { CompiledAnswer } from "./compiled_answer.ts";

export interface CompiledParameter {
  /** As the interpreter names it: `w`. */
  readonly name: string;
  readonly shape: readonly Dim[];
}

export interface CompiledBatch {
  /** Embeddings [B, d], one for each view. */
  readonly views: readonly { readonly rows: number; readonly columns: number; readonly data: Float64Array }[];
  readonly labels: readonly number[];
  readonly classes: number;
  /** What samples are by the further labels of the data set. */
  readonly further?: ReadonlyMap<string, LabelSet>;
  readonly params: ReadonlyMap<string, CompiledTensor>;
  /** For a loss that is weighed by class, what a sample of each counts. */
  readonly classWeights?: readonly number[] | undefined;
  /** States before the step, by the interpreter's names; those not given have their initial values, drawn with seed 0. */
  readonly states?: ReadonlyMap<string, CompiledTensor>;
  /** Random numbers of its draws, and the run and step whose noise it is else, as the interpreter has them. */
  readonly noise?: ReadonlyMap<string, CompiledTensor>;
  readonly randomness?: { readonly seed: number; readonly step: number };
  /** Identities of the samples and what is remembered of earlier steps, for a loss against a memory. */
  readonly ids?: readonly number[];
  readonly memory?: Memory;
}

interface CompiledTensor {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

export interface CompiledLoss {
  /** The emitted statements. */
  readonly source: string;
  readonly parameters: readonly CompiledParameter[];
  evaluate(batch: CompiledBatch): CompiledAnswer;
  /** The same on an engine that can only be read by waiting for it. */
  evaluateAsync(batch: CompiledBatch): Promise<CompiledAnswer>;
}

export interface CompileOptions {
  /** Samples of each class, for batches sorted by class; any labels where absent. */
  readonly samples?: number;
  /** `LOSS on MINER`. */
  readonly miner?: MinerInstance | undefined;
  /** `LOSS by LABEL`. */
  readonly by?: string | undefined;
  /** `LOSS against memory(size)`. */
  readonly memory?: number | undefined;
  /** How the samples are weighed by their class. */
  readonly classWeights?: ClassWeights | undefined;
  /** Whether the shares of the samples are wanted. */
  readonly shares?: boolean;
  /** Sizes to be ready for: reductions that would not fit run in blocks, here of as many bytes. */
  readonly chunk?: ChunkSizes & { readonly blockBytes: number };
  /** Whether products of several views are made together. */
  readonly stack?: boolean;
  /** The last pass that is run; "none" for the loss as it is written. All where absent. */
  readonly last?: PassName | "none";
}

const PATH = "losses/loss";

/** A name as the interpreter has it, and as the emitted statements have it: those of a memory are no loss's own. */
const bare = (name: string): string => (name.startsWith(`${PATH}/`) ? name.slice(PATH.length + 1) : name);
const whole = (name: string): string => (name.startsWith("memory/") ? name : `${PATH}/${name}`);

/** Throws `LoweringError` for what cannot be built. `dims` are the widths of the views. */
export function compileLoss(
  instance: LossInstance,
  dims: readonly number[],
  options: CompileOptions = {},
): CompiledLoss {
  const views = dims.map((dim, k) => ({ name: `view${k}`, dim }));
  const { miner, memory, by, classWeights, shares, last } = options;
  const inputs = { path: PATH, views, miner, memory, by, classWeights, shares, rules: NO_RULES };
  const written = lowerLoss(new Graph(), instance, inputs);
  const lowered =
    last === "none" ? written : optimise(new Graph(), [{ lowered: written }], options, last)[0]!.lowered;
  const { lines, results } = lossStatements([{ name: "loss", lowered, comment: [] }]);
  const body = `${lines.join("\n")}\nreturn ${results[0]!.value};`;
  // The statements are the compiler's own: names and numbers of the spec have been through the emitter.
  type Run = (...args: unknown[]) => LossValue;
  let run: Run | undefined;
  const bound = (...args: unknown[]): LossValue => {
    run ??= new Function(
      "tf",
      "ops",
      "embeddings",
      "labels",
      "net",
      "ids",
      "otherLabels",
      eraseTypes(body),
    ) as Run;
    return run(tf, opsWith(options), ...args);
  };
  const parameters = lowered.parameters.map(({ name, shape }) => ({ name: bare(name), shape }));
  const states = lowered.states.map((state) => ({ ...state, name: bare(state.name) }));
  const stream = `losses/${instance.declaration.name.text}`;
  const noise = lowered.noise.map((each) => ({ ...each, name: bare(each.name), stream }));
  return {
    source: lines.join("\n"),
    parameters,
    evaluate: (batch) => withMemory(readNow(computed(batch))),
    evaluateAsync: async (batch) => withMemory(await readLater(computed(batch))),
  };
  function computed(batch: CompiledBatch): Computed {
    const before = batch.memory === undefined ? [] : statesOf(batch.memory, "view0");
    const sizes = { classes: batch.classes, dim: dims[0]!, labels: classesByLabel(batch), by };
    const drawn = states.some(({ initial }) => typeof initial !== "number");
    const first = drawn ? initialStates(instance, sizes, 0) : [];
    const given = { ...batch, states: new Map([...first, ...(batch.states ?? []), ...before]) };
    return compute(bound, given, parameters, states, noise);
  }
  function withMemory(answer: CompiledAnswer): CompiledAnswer {
    const after = memory === undefined ? undefined : memoryOf(answer.states, memory, "view0");
    return after === undefined ? answer : { ...answer, memory: after };
  }
}

/** The operations, with blocks of the size that was asked for. */
function opsWith({ chunk: blocks }: CompileOptions): typeof ops {
  if (blocks === undefined) return ops;
  const { blockBytes } = blocks;
  return {
    ...ops,
    inBlocks: (rowBytes, sliced, shared, body) => ops.inBlocks(rowBytes, sliced, shared, body, blockBytes),
    logSumExpInBlocks: (rowBytes, sliced, shared, body) =>
      ops.logSumExpInBlocks(rowBytes, sliced, shared, body, blockBytes),
    crossEntropyInBlocks: (rowBytes, sliced, shared, body) =>
      ops.crossEntropyInBlocks(rowBytes, sliced, shared, body, blockBytes),
  };
}

function compute(
  run: (...args: unknown[]) => LossValue,
  batch: CompiledBatch,
  parameters: readonly CompiledParameter[],
  states: readonly LossState[],
  noise: readonly NoiseOfLoss[],
): Computed {
  const tensors = (): tf.Tensor[] => [
    ...batch.views.map((view) => tf.tensor2d(Float32Array.from(view.data), [view.rows, view.columns])),
    ...parameters.map(({ name }) => {
      const given = batch.params.get(name);
      if (given === undefined) throw new Error(`no value for the parameter ${name}`);
      return tf.tensor(Float32Array.from(given.data), [...given.shape], "float32");
    }),
  ];
  const after = new Map<string, tf.Tensor>();
  const on = (inputs: readonly tf.Tensor[]): LossValue => {
    const at = (k: number): tf.Tensor => inputs[k]!;
    const embeddings = Object.fromEntries(batch.views.map((_, k) => [`view${k}`, at(k)]));
    const byName = new Map(parameters.map(({ name }, k) => [`${PATH}/${name}`, at(batch.views.length + k)]));
    const before = new Map(states.map((state) => [whole(state.name), stateBefore(state, batch)]));
    const net = {
      sizes: { classes: batch.classes, labels: classesByLabel(batch) },
      param: (name: string) => byName.get(name)!,
      state: (name: string) =>
        name.startsWith("class_weights/") ? tf.tensor1d([...batch.classWeights!]) : before.get(name)!,
      noise: (name: string) =>
        noiseNow(
          noise.find((each) => each.name === bare(name))!,
          batch,
        ),
      update: (name: string, next: tf.Tensor) => {
        after.get(bare(name))?.dispose();
        after.set(bare(name), tf.keep(next));
      },
    };
    const ids = batch.ids ?? batch.labels.map((_, row) => row);
    const [labels, samples] = [batch.labels, ids].map((row) => tf.tensor1d([...row], "int32"));
    const otherLabels = Object.fromEntries(
      [...(batch.further ?? [])].map(([name, set]) => [name, tf.tensor1d([...set.labels], "int32")]),
    );
    return run(embeddings, labels, net, samples, otherLabels);
  };
  /** What a loss says and the gradient of a number made of it. */
  const differentiated = (
    of: (result: LossValue) => tf.Tensor,
  ): { said: LossValue; gradient: GradientTensors } => {
    const outcome: { said?: LossValue; gradient?: GradientTensors } = {};
    tf.tidy(() => {
      const loss = (...inputs: tf.Tensor[]): tf.Tensor => {
        outcome.said = on(inputs);
        for (const tensor of Object.values(outcome.said)) if (tensor instanceof tf.Tensor) tf.keep(tensor);
        // A formula that its inputs do not reach has zero gradients; tfjs would call that an error.
        const reached = inputs.map((input) => tf.mul(0, tf.sum(tf.zerosLike(input))));
        return reached.reduce((sum, zero) => tf.add(sum, zero), of(outcome.said));
      };
      const { grads } = tf.valueAndGrads(loss as never)(tensors() as never) as unknown as {
        grads: tf.Tensor[];
      };
      const kept = grads.map((gradient) => tf.keep(gradient));
      const count = batch.views.length;
      outcome.gradient = {
        views: kept.slice(0, count),
        params: new Map(parameters.map(({ name }, k) => [name, kept[count + k]!])),
      };
    });
    return outcome as Required<typeof outcome>;
  };
  const { said, gradient } = differentiated((result) => result.value);
  const { value, valid, perSample, constant } = said;
  const computed = { value, valid, gradient, states: after };
  if (perSample === undefined) return computed;
  const shares = differentiated((result) =>
    result.constant === undefined
      ? tf.mean(result.perSample!)
      : tf.add(tf.mean(result.perSample!), result.constant),
  );
  tf.dispose({ ...shares.said });
  return { ...computed, shares: { perSample, constant, gradient: shares.gradient } };
}

function classesByLabel({ further }: CompiledBatch): Record<string, number> {
  return Object.fromEntries([...(further ?? [])].map(([name, { classes }]) => [name, classes]));
}

/** A draw's numbers, and the path of the loss whose stream they come from. */
interface NoiseOfLoss extends LossNoise {
  readonly stream: string;
}

function noiseNow({ name, shape, stream }: NoiseOfLoss, batch: CompiledBatch): tf.Tensor {
  const sides = shape.map((side) => lengthOf(side, sizesOf(batch)));
  const { seed = 0, step = 0 } = batch.randomness ?? {};
  const length = sides.reduce((product, side) => product * side, 1);
  const data = batch.noise?.get(name)?.data ?? uniformNoise(seed, `${stream}/${name}`, step, length);
  return tf.tensor(Float32Array.from(data), sides, "float32");
}

function sizesOf(batch: CompiledBatch): Parameters<typeof lengthOf>[1] {
  return { batch: batch.labels.length, classes: batch.classes, labels: classesByLabel(batch) };
}

function stateBefore({ name, shape, initial }: LossState, batch: CompiledBatch): tf.Tensor {
  const given = batch.states?.get(name);
  if (given !== undefined) return tf.tensor(Float32Array.from(given.data), [...given.shape], "float32");
  if (typeof initial !== "number") throw new Error(`no value for the state ${name}`);
  return tf.fill(
    shape.map((side) => lengthOf(side, sizesOf(batch))),
    initial,
  );
}
