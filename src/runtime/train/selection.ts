/**
 * Which weights are kept: the last, or the best by one metric of the ensemble's embedding on the validation classes,
 * with patience. Called by the trainer.
 */
import type { Dataset } from "../data/types.ts";
import { ensembleDim, ensembleEmbedding } from "../ensemble/embedding.ts";
import { fitHeadWeights } from "../ensemble/fit.ts";
import { RunError } from "../errors.ts";
import { evaluateEmbeddings } from "../evaluate/evaluate.ts";
import type { EvaluateSettings, MetricName, Program, TrainSettings } from "../program.ts";
import { embedSamples } from "./embed.ts";
import type { Embedder } from "./embed.ts";
import type { Generation, Holder } from "./tensors.ts";

/** Throws `RunError` if the program selects or fits on validation classes and the split has none. */
export function requireValidation(
  select: TrainSettings["select"],
  inference: Program["inference"],
  validation: Int32Array,
): void {
  if (inference !== undefined && validation.length === 0) {
    throw new RunError(
      "inference: fit(validation) needs validation classes, and the split has none",
      "Give the data set's split a share of them (validation: 0.1), or write inference: equal.",
    );
  }
  if (select.kind === "best" && validation.length === 0) {
    throw new RunError(
      `select: best(${select.metric}) needs validation classes, and the split has none`,
      "Give the data set's split a share of them (validation: 0.1), or write select: last.",
    );
  }
}

export interface SelectionContext {
  readonly program: Program;
  readonly embedder: Embedder;
  readonly dataset: Dataset;
  /** Samples of the validation classes. */
  readonly validation: Int32Array;
  readonly seed: number;
}

/** Weights with the number of steps after which they stood. */
export interface Kept {
  readonly generation: Generation;
  readonly done: number;
}

/** The best weights so far. It holds them; `release` lets them go. */
export class Selection {
  readonly #context: SelectionContext;
  readonly #holder: Holder;
  #best: (Kept & { readonly score: number }) | undefined;
  #sinceBest = 0;
  #milliseconds = 0;

  constructor(context: SelectionContext, holder: Holder) {
    this.#context = context;
    this.#holder = holder;
  }

  get best(): (Kept & { readonly score: number }) | undefined {
    return this.#best;
  }

  /** Time spent on judging. */
  get seconds(): number {
    return this.#milliseconds / 1000;
  }

  /** Whether as many weights in a row were judged without improvement as patience allows. */
  get exhausted(): boolean {
    const { select } = this.#context.program.train;
    return select.kind === "best" && this.#sinceBest >= Math.max(select.patience, 1);
  }

  /** Whether the weights after `done` of `steps` steps are to be judged: every so many, and the last. */
  isDue(done: number, steps: number): boolean {
    const { select } = this.#context.program.train;
    return select.kind === "best" && (done % select.every === 0 || done === steps);
  }

  /** Judges the weights after `done` steps, and keeps them if they are the best so far. */
  async judge(generation: Generation, done: number): Promise<{ score: number; best: boolean }> {
    const began = performance.now();
    const score = await this.#score(generation);
    this.#milliseconds += performance.now() - began;
    const best = this.#best === undefined || score > this.#best.score;
    if (best) {
      this.#holder.hold(generation);
      this.release();
      this.#best = { generation, done, score };
    }
    this.#sinceBest = best ? 0 : this.#sinceBest + 1;
    return { score, best };
  }

  release(): void {
    if (this.#best !== undefined) this.#holder.release(this.#best.generation);
    this.#best = undefined;
  }

  /** The metric of the ensemble's embedding on the validation classes. */
  async #score({ parameters, state }: Generation): Promise<number> {
    const { program, embedder, dataset, validation, seed } = this.#context;
    const { select } = program.train;
    if (select.kind !== "best") throw new Error("nothing is selected by a score");
    const { heads, weights } = await embedSamples(
      { program, embedder, parameters, state },
      dataset,
      validation,
    );
    const labels = validation.map((sample) => dataset.labels[sample]!);
    // What is judged is the embedding these parameters would be kept with: weights that are fitted are fitted anew.
    const final =
      program.inference === undefined ? weights : fitHeadWeights(program.heads, heads, labels, seed);
    const metrics = await evaluateEmbeddings(
      ensembleEmbedding(program.heads, heads, validation.length, final),
      ensembleDim(program.heads),
      labels,
      onlyMetric(select.metric, program.evaluate),
      seed,
      "the ensemble on the validation classes",
    );
    return metrics[select.metric]!;
  }
}

/** The settings that compute one metric and nothing else. */
function onlyMetric(metric: MetricName, settings: EvaluateSettings): EvaluateSettings {
  const recall = /^recall_at_(\d+)$/.exec(metric);
  return {
    recallAt: recall === null ? [] : [Number(recall[1])],
    mapAtR: metric === "map_at_r",
    rPrecision: metric === "r_precision",
    nmi: metric === "nmi",
    ...(metric === "knn_accuracy" ? { knnAccuracy: settings.knnAccuracy ?? 1 } : {}),
  };
}
