/**
 * One loss as the compiler emits it, run on a batch: what `dmlc try --compiled` prints beside the interpreter's answer,
 * and what the parity tests hold against it. The text is that of an emitted program; an engine must have been started.
 */
import * as tf from "@tensorflow/tfjs-core";
import { eraseTypes } from "../emit/typescript/erase.ts";
import { lossStatements } from "../emit/typescript/losses.ts";
import { Builder } from "../ir/build.ts";
import type { Dim } from "../ir/graph.ts";
import { Graph } from "../ir/graph.ts";
import { lowerLoss } from "../ir/lower/loss.ts";
import { chunk } from "../ir/passes/chunk.ts";
import type { ChunkSizes } from "../ir/passes/chunk.ts";
import { specialiseBatch } from "../ir/passes/specialise_batch.ts";
import type { LossInstance, MinerInstance } from "../resolve/values.ts";
import * as ops from "../runtime/ops/index.ts";
import type { LossValue } from "../runtime/program.ts";

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
  readonly params: ReadonlyMap<string, { readonly shape: readonly number[]; readonly data: Float64Array }>;
}

export interface CompiledAnswer {
  readonly value: number;
  readonly valid: boolean;
  readonly gradient: { readonly views: Float32Array[]; readonly params: Map<string, Float32Array> };
}

export interface CompiledLoss {
  /** The emitted statements. */
  readonly source: string;
  readonly parameters: readonly CompiledParameter[];
  evaluate(batch: CompiledBatch): CompiledAnswer;
}

export interface CompileOptions {
  /** Samples of each class, for batches sorted by class; any labels where absent. */
  readonly samples?: number;
  /** `LOSS on MINER`. */
  readonly miner?: MinerInstance | undefined;
  /** Sizes to be ready for: reductions that would not fit run in blocks, here of as many bytes. */
  readonly chunk?: ChunkSizes & { readonly blockBytes: number };
}

const PATH = "losses/loss";

/** Throws `LoweringError` for what cannot be built. `dims` are the widths of the views. */
export function compileLoss(
  instance: LossInstance,
  dims: readonly number[],
  options: CompileOptions = {},
): CompiledLoss {
  const views = dims.map((dim, k) => ({ name: `view${k}`, dim }));
  const graph = new Graph();
  const lowered = lowerLoss(graph, instance, { path: PATH, views, miner: options.miner });
  const roots = [lowered.value, lowered.valid];
  const build = new Builder(graph);
  const sorted = options.samples === undefined ? roots : specialiseBatch(build, roots, options.samples);
  const [value, valid] = options.chunk === undefined ? sorted : chunk(build, sorted, options.chunk);
  const { lines, results } = lossStatements([{ name: "loss", value: value!, valid: valid!, comment: [] }]);
  const body = `${lines.join("\n")}\nreturn ${results[0]!.value};`;
  // The statements are the compiler's own: names and numbers of the spec have been through the emitter.
  const run = new Function("tf", "ops", "embeddings", "labels", "net", eraseTypes(body)) as (
    ...args: unknown[]
  ) => LossValue;
  const bound = (...args: unknown[]): LossValue => run(tf, opsWith(options), ...args);
  const parameters = lowered.parameters.map(({ name, shape }) => ({
    name: name.slice(PATH.length + 1),
    shape,
  }));
  return { source: lines.join("\n"), parameters, evaluate: (batch) => evaluate(bound, batch, parameters) };
}

/** The operations, with blocks of the size that was asked for. */
function opsWith({ chunk: blocks }: CompileOptions): typeof ops {
  if (blocks === undefined) return ops;
  return {
    ...ops,
    inBlocks: (rowBytes, sliced, shared, sum) =>
      ops.inBlocks(rowBytes, sliced, shared, sum, blocks.blockBytes),
  };
}

function evaluate(
  run: (...args: unknown[]) => LossValue,
  batch: CompiledBatch,
  parameters: readonly CompiledParameter[],
): CompiledAnswer {
  let answer: CompiledAnswer | undefined;
  tf.tidy(() => {
    const views = batch.views.map((view) =>
      tf.tensor2d(Float32Array.from(view.data), [view.rows, view.columns]),
    );
    const params = parameters.map(({ name }) => {
      const given = batch.params.get(name);
      if (given === undefined) throw new Error(`no value for the parameter ${name}`);
      return tf.tensor(Float32Array.from(given.data), [...given.shape], "float32");
    });
    const labels = tf.tensor1d(batch.labels as number[], "int32");
    let valid = false as boolean;
    const loss = (...inputs: tf.Tensor[]): tf.Tensor => {
      const embeddings = Object.fromEntries(views.map((_, k) => [`view${k}`, inputs[k]!]));
      const byName = new Map(parameters.map(({ name }, k) => [`${PATH}/${name}`, inputs[views.length + k]!]));
      const net = { sizes: { classes: batch.classes }, param: (name: string) => byName.get(name)! };
      const result = run(embeddings, labels, net);
      valid = result.valid.dataSync()[0] === 1;
      // A formula that its inputs do not reach has zero gradients; tfjs would call that an error.
      return inputs.reduce(
        (sum, input) => tf.add(sum, tf.mul(0, tf.sum(tf.zerosLike(input)))),
        result.value as tf.Tensor,
      );
    };
    const inputs = [...views, ...params];
    const { value, grads } = tf.valueAndGrads(loss as never)(inputs as never) as unknown as {
      value: tf.Tensor;
      grads: tf.Tensor[];
    };
    const arrays = grads.map((gradient) => gradient.dataSync() as Float32Array);
    answer = {
      value: value.dataSync()[0]!,
      valid,
      gradient: {
        views: arrays.slice(0, views.length),
        params: new Map(parameters.map(({ name }, k) => [name, arrays[views.length + k]!])),
      },
    };
  });
  return answer!;
}
