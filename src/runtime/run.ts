/**
 * A run of a program from data to results: load, split, train, keep the weights, judge on the unseen classes, write it
 * all to one folder. Called by `main` of an emitted program and by `dmlc run`.
 *
 * The folder gets `weights.safetensors` (the kept parameters and state, and the compression), `log.jsonl`,
 * `results.json` and, where asked for, `trace.json`. The weights are on disk before anything is judged.
 */
import type { LoadContext } from "./data/types.ts";
import { startEngine } from "./engine/index.ts";
import type { EngineChoice } from "./engine/index.ts";
import { RunError, RunInterrupted } from "./errors.ts";
import { defaultCacheDirectory } from "./places.ts";
import type { Program } from "./program.ts";
import type { Reporter } from "./report/progress.ts";
import type { Results } from "./report/results.ts";
import type { StepTrace } from "./trace/step_trace.ts";
import { traceText } from "./trace/trace_file.ts";
import { traceTable } from "./trace/trace_table.ts";
import { createEmbedder } from "./train/embed.ts";
import { fitted } from "./train/embed.ts";
import type { Network } from "./train/embed.ts";
import { judge } from "./train/judge.ts";
import { load, sizesOf } from "./train/load.ts";
import type { Loaded } from "./train/load.ts";
import type { RunLog } from "./train/log.ts";
import { openOutput } from "./train/output.ts";
import { lasting, readTensors } from "./train/parameters.ts";
import { stepPrecision } from "./train/precision.ts";
import { Holder } from "./train/tensors.ts";
import { initialGeneration, train } from "./train/trainer.ts";
import type { Trained, TrainListener } from "./train/trainer.ts";

export interface RunOptions {
  readonly engine: EngineChoice;
  /** In place of the program's. */
  readonly steps?: number;
  /** In place of the program's. */
  readonly seed?: number;
  /** Folder for everything the run writes; made if it is not there. */
  readonly out: string;
  /** See `LoadContext`. */
  readonly specDirectory: string;
  readonly projectRoot: string;
  readonly allowOutside: boolean;
  /** The per-user cache if absent. */
  readonly cacheDirectory?: string;
  /** Whether to time the operations of a step: says the dearest and writes `trace.json`. Training is as without. */
  readonly trace?: boolean;
  readonly reporter: Reporter;
}

/**
 * Runs a program. SIGINT during training ends it after the step in progress, with the weights saved.
 *
 * @throws RunError (with a remedy) for what the user can mend: a value that is not finite, names its loss;
 *   RunInterrupted after SIGINT; DataError and EngineError from where they arise.
 */
export async function runProgram(program: Program, options: RunOptions): Promise<Results> {
  const began = performance.now();
  const { reporter } = options;
  const seed = wholeNumber("seed", options.seed ?? program.train.seed, 0);
  const steps = wholeNumber("steps", options.steps ?? program.train.steps, 1);
  const output = await openOutput(options.out, program, seed);
  const holder = new Holder();
  let loaded: Loaded | undefined;
  try {
    const engine = await startEngine(options.engine);
    reporter.message(`engine: ${engine.description} (${engine.reason})`);
    const precision = stepPrecision(program, engine);
    if (precision.note !== undefined) {
      reporter.message(precision.note);
      output.log.note(precision.note);
    }

    reporter.phase(`data: ${program.data.description}`);
    loaded = await load(program, loadContext(options), seed);
    sayData(loaded, reporter, output.log);
    const loadedAt = performance.now();

    const sizes = sizesOf(loaded.batches);
    const specs = program.parameters(sizes);
    const start = holder.hold(initialGeneration(program, sizes, specs, seed));
    // Once more: the untrained network is judged at the end.
    holder.hold(start);
    reporter.phase(`training: ${steps} steps, ${specs.length} parameters, seed ${seed}`);
    const { dataset, batches, split } = loaded;
    const { validation } = split;
    const saying = listener(program, steps, reporter, output.log);
    let trace: StepTrace | undefined;
    let captured: boolean | undefined;
    const { recorder } = engine;
    const embedder = createEmbedder(program, sizes, recorder, (note, captured) =>
      saying.onCapture(note, captured),
    );
    const trained = await untilInterrupted((signal) => {
      const training = {
        program,
        sizes,
        specs,
        dataset,
        validation,
        batches,
        steps,
        seed,
        signal,
        listener: {
          ...saying,
          onCapture(note, done) {
            captured = done;
            saying.onCapture(note, done);
          },
          ...(options.trace !== true
            ? {}
            : {
                onTrace(found: StepTrace) {
                  trace = found;
                  reporter.message(traceTable(found));
                },
              }),
        } satisfies TrainListener,
        recorder,
        precision,
        embedder,
      };
      return train(training, start, holder);
    });
    const trainedAt = performance.now();
    if (trace !== undefined) {
      const msPerStep = trained.timing.msPerLateStep;
      const text = traceText(trace, {
        model: program.name,
        spec_hash: program.spec.hash,
        engine: engine.name,
        engine_description: engine.description,
        seed,
        ...(captured === undefined ? {} : { captured }),
        ...(msPerStep === undefined ? {} : { training_ms_per_step: msPerStep }),
      });
      const took = msPerStep === undefined ? "" : `; a step of training took ${msPerStep.toFixed(2)} ms`;
      const how = captured === true && took !== "" ? ", captured" : "";
      reporter.message(`profile of the step: ${await output.saveTrace(text)}${took}${how}`);
    }
    const { parameters, state } = trained.generation;
    const weights = await readTensors({ ...parameters, ...lasting(state, program.state(sizes)) });
    const path = await output.saveWeights(weights, trained.keptStep);
    output.log.note(
      `${trained.ended} after ${trained.steps} steps; weights of step ${trained.keptStep} kept`,
    );
    requireFinished(program, trained, steps, path);
    const best = trained.score === undefined ? "" : ", the best on the validation classes";
    reporter.message(`weights of step ${trained.keptStep}${best}: ${path}`);

    reporter.phase("evaluation on the unseen classes");
    const network = await withFitted({ program, embedder, parameters, state }, loaded, seed);
    const untrained: Network = { program, embedder, parameters: start.parameters, state: start.state };
    const progress = (done: number, total: number): void => reporter.work("embeddings", done, total);
    const judged = await judge(network, untrained, dataset, split, seed, progress);
    if (judged.stored.size > 0) {
      await output.saveWeights(new Map([...weights, ...judged.stored]), trained.keptStep);
    }
    const ended = performance.now();
    const results: Results = {
      model: program.name,
      spec_hash: program.spec.hash,
      engine: engine.name,
      ...(program.train.precision === undefined ? {} : { precision: precision.used }),
      seed,
      steps: trained.steps,
      data: loaded.summary,
      test: judged.test,
      ...(judged.compression === undefined ? {} : { compression: judged.compression }),
      weights: trained.values?.weights ?? {},
      head_weights: judged.headWeights,
      ...(trained.values?.groups === undefined ? {} : { group_weights: trained.values.groups }),
      timing: {
        ms_per_step: trained.timing.msPerStep,
        total_seconds: (ended - began) / 1000,
        load_seconds: (loadedAt - began) / 1000,
        training_seconds: (trainedAt - loadedAt) / 1000,
        batch_seconds: trained.timing.batchSeconds,
        validation_seconds: trained.timing.validationSeconds,
        evaluation_seconds: (ended - trainedAt) / 1000,
      },
    };
    await output.saveResults(results);
    return results;
  } finally {
    await loaded?.dataset.images?.close();
    holder.releaseAll();
    reporter.close();
  }
}

/** The network with the weights of its heads fitted, where the program asks for that. */
async function withFitted(network: Network, { dataset, split }: Loaded, seed: number): Promise<Network> {
  const weights = await fitted(network, dataset, split.validation, seed);
  return weights === undefined ? network : { ...network, fitted: weights };
}

function loadContext(options: RunOptions): LoadContext {
  const { specDirectory, projectRoot, allowOutside, reporter } = options;
  return {
    specDirectory,
    projectRoot,
    allowOutside,
    cacheDirectory: options.cacheDirectory ?? defaultCacheDirectory(),
    progress: (what, done, total) => reporter.work(what, done, total),
  };
}

/** Says how much data there is, and what was left out of it. */
function sayData({ dataset, batches, summary }: Loaded, reporter: Reporter, log: RunLog): void {
  for (const note of [...dataset.notes, ...batches.notes]) {
    reporter.message(note);
    log.note(note);
  }
  reporter.message(
    `${summary.train_classes} training classes (${summary.train_samples} images), ` +
      `${summary.validation_classes} for validation, ` +
      `${summary.test_classes} unseen for the test (${summary.test_samples} images)`,
  );
}

/** Runs `work` with a signal that SIGINT aborts; a second SIGINT ends the process as usual. */
async function untilInterrupted<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const interrupt = (): void => controller.abort();
  process.once("SIGINT", interrupt);
  try {
    return await work(controller.signal);
  } finally {
    process.removeListener("SIGINT", interrupt);
  }
}

/** Passes on what training says: to the display after every step, to the log where values were read. */
function listener(program: Program, steps: number, reporter: Reporter, log: RunLog): TrainListener {
  const { select, optimizer } = program.train;
  let note: string | undefined;
  return {
    onStep(step, { total, losses, weights }, rate, msPerStep) {
      reporter.step({
        step,
        total: steps,
        loss: total,
        losses: Object.fromEntries(
          Object.entries(losses).map(([name, value]) => [name, { value, weight: weights[name] ?? 0 }]),
        ),
        lr: optimizer.lr * rate,
        msPerStep,
        ...(note === undefined ? {} : { note }),
      });
    },
    onValues: (step, values, rate) => log.values(step, values, rate),
    onScore(step, score, best) {
      const metric = select.kind === "best" ? select.metric : "";
      log.score(step, metric, score, best);
      if (best || note === undefined) note = `best ${metric} ${score.toFixed(4)}`;
    },
    onCapture(text, captured) {
      log.note(text);
      if (!captured) reporter.message(text);
    },
  };
}

/** Throws unless training ended as planned; the weights are saved at `path` by now. */
function requireFinished(program: Program, trained: Trained, steps: number, path: string): void {
  const saved = `The weights of step ${trained.keptStep} are saved in ${path}.`;
  if (trained.ended === "interrupted") {
    throw new RunInterrupted(
      `interrupted after ${trained.steps} of ${steps} steps`,
      `${saved} Nothing was evaluated.`,
    );
  }
  if (trained.divergence === undefined) return;
  const { step, what, loss } = trained.divergence;
  const place = loss === undefined ? undefined : program.lossPlaces[loss];
  const where = place === undefined ? "" : `\n  ${place.file}:${place.line}: ${place.text}`;
  throw new RunError(
    `${what} at step ${step}${where}`,
    `Nothing is lost: ${saved} A lower learning rate, a longer warm-up or a lower clip usually helps; ` +
      "so does a look at what the loss divides by or takes the logarithm of.",
  );
}

function wholeNumber(what: string, value: number, least: number): number {
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw new RunError(
    `${what} must be a whole number from ${least}, not ${value}`,
    `Give --${what} another value.`,
  );
}
