/**
 * `dmlc try LOSS|FILE:LOSS|"LOSS on MINER"`: a loss on a batch from files, by the interpreter and, beside it, as
 * compiled; and as a picture, for which no batch is needed. JSON on stdout: `{value, per_sample, active_fraction,
 * gradient?: {x, params}, compiled?: {value, gradient?}, plot?}`; `x` is the gradient of the embeddings, a list of two
 * where the loss takes two views.
 */
import { Command, InvalidArgumentError, Option } from "commander";
import { cannotInterpret, tooLargeToInterpret } from "../../diagnostics/codes/interpret.ts";
import { Diagnostics } from "../../diagnostics/diagnostic.ts";
import { closest } from "../../diagnostics/did_you_mean.ts";
import {
  BudgetError,
  initialParams,
  initialStates,
  InterpretError,
  interpretLoss,
  MinerError,
  paramShapes,
} from "../../interpret/index.ts";
import type { LossBatch, Matrix, ParamSizes, Tensor } from "../../interpret/index.ts";
import type { LossInstance } from "../../resolve/values.ts";
import { readEmbeddings, readFurther, readLabels, readParams } from "../batch_files.ts";
import { CommandError, EXIT } from "../exit.ts";
import { reportTupleMismatch } from "../../verify/rules/tuples.ts";
import { lossArgument, report } from "../loss_argument.ts";
import type { TriedLoss } from "../loss_argument.ts";
import { checkPictureFile, curvesToDraw, writePicture } from "../loss_picture.ts";
import type { Terminal } from "../terminal.ts";

interface Options {
  readonly embeddings: readonly string[];
  readonly labels?: string;
  readonly label: readonly string[];
  readonly set: readonly string[];
  readonly param: readonly string[];
  readonly classes?: number;
  readonly seed: number;
  readonly step: number;
  readonly gradient?: true;
  readonly compiled?: true;
  readonly plot?: string;
}

export function tryCommand(terminal: Terminal): Command {
  const each = (value: string, before: readonly string[]): readonly string[] => [...before, value];
  return new Command("try")
    .description("print the value of a loss on a batch")
    .argument(
      "<LOSS>",
      "a loss of the standard library, or FILE:LOSS; `LOSS by LABEL on MINER` as in a model",
    )
    .addOption(
      new Option("--embeddings <FILE.npy>", "embeddings [samples, dimensions]; once for each view")
        .argParser(each)
        .default([], ""),
    )
    .option("--labels <FILE.npy>", "class indices [samples]")
    .addOption(
      new Option("--label <NAME=FILE.npy>", "class indices [samples] by another label")
        .argParser(each)
        .default([], ""),
    )
    .addOption(
      new Option("--set <name=value>", "set a parameter of the loss, written as in a spec")
        .argParser(each)
        .default([], "its defaults"),
    )
    .addOption(
      new Option("--param <NAME=FILE.npy>", "values of a trainable parameter")
        .argParser(each)
        .default([], "its initialiser"),
    )
    .option("--classes <N>", "number of classes (default: the largest label + 1)", wholeNumber)
    .option("--seed <N>", "seed of parameters that are not given, of states and of draws", wholeNumber, 0)
    .option("--step <N>", "step of a run, counted from 0, whose random numbers draws take", wholeNumber, 0)
    .option("--gradient", "print the gradient as well")
    .option("--compiled", "print what the compiled loss answers as well")
    .option("--plot <FILE.svg>", "draw value and gradient against similarities; needs no batch")
    .action(async (loss: string, options: Options) => {
      const { plot } = options;
      if (plot !== undefined) checkPictureFile(plot);
      const tried = lossArgument(loss, options.set, terminal);
      const onBatch = plot === undefined || options.embeddings.length > 0 || options.labels !== undefined;
      const answer = onBatch ? await answerOn(tried, options, terminal) : {};
      if (plot !== undefined) {
        const curves = orReport(tried, terminal, () => curvesToDraw(tried));
        await writePicture(plot, [loss, ...options.set].join(", "), curves);
        answer["plot"] = plot;
      }
      terminal.out(`${JSON.stringify(answer)}\n`);
    });
}

/** What is printed of a loss on the batch of the command line. */
async function answerOn(
  tried: TriedLoss,
  options: Options,
  terminal: Terminal,
): Promise<Record<string, unknown>> {
  const { loss: instance, ...mined } = tried;
  const batch = batchOf(tried, options, terminal);
  const gradient = options.gradient === true;
  const result = orReport(tried, terminal, () =>
    interpretLoss(instance, batch, { gradient, terms: true, ...mined }),
  );
  const { perSample, activeFraction } = result.terms!;
  return {
    value: result.value,
    per_sample: perSample === undefined ? null : [...perSample],
    active_fraction: activeFraction ?? null,
    ...(result.gradient === undefined ? {} : { gradient: nested(batch, result.gradient) }),
    ...(options.compiled === true ? { compiled: await compiled(tried, batch, gradient) } : {}),
  };
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value))
    throw new InvalidArgumentError("It is not a whole number.");
  return value;
}

function batchOf(tried: TriedLoss, options: Options, terminal: Terminal): LossBatch {
  const { loss: instance } = tried;
  const missing = options.embeddings.length === 0 ? "--embeddings" : "--labels";
  if (options.embeddings.length === 0 || options.labels === undefined)
    throw new CommandError(
      EXIT.usage,
      `a loss is tried on a batch, and ${missing} is not given`,
      `Give ${missing} FILE.npy, or only --plot FILE.svg for a picture.`,
    );
  const views = options.embeddings.map(readEmbeddings);
  const needed = instance.declaration.views?.length ?? 1;
  if (views.length !== needed)
    throw new CommandError(
      EXIT.usage,
      `${instance.declaration.name.text} takes ${needed === 1 ? "one view" : `${needed} views`} of the batch`,
      `Give --embeddings ${needed === 1 ? "once" : `${needed} times`}.`,
    );
  const first = views[0]!;
  if (views.some((view) => view.rows !== first.rows || view.columns !== first.columns))
    throw new CommandError(EXIT.usage, "the views are not of one shape");
  const labels = readLabels(options.labels, first.rows);
  const classes = Math.max(...labels) + 1;
  if (options.classes !== undefined && options.classes < classes)
    throw new CommandError(
      EXIT.usage,
      `--classes ${options.classes} is too few: the largest label is ${classes - 1}`,
    );
  const further = readFurther(options.label, first.rows);
  const counts = Object.fromEntries([...further].map(([name, set]) => [name, set.classes]));
  const sizes = {
    classes: options.classes ?? classes,
    dim: first.columns,
    labels: counts,
    ...(tried.by === undefined ? {} : { by: tried.by }),
  };
  const params = orReport(tried, terminal, () => paramsOf(instance, options, sizes));
  const states = orReport(tried, terminal, () => initialStates(instance, sizes, options.seed));
  const randomness = { seed: options.seed, step: options.step };
  return { views, labels, classes: sizes.classes, further, params, states, randomness };
}

function paramsOf(instance: LossInstance, options: Options, sizes: ParamSizes): Map<string, Tensor> {
  const params = initialParams(instance, sizes, options.seed);
  const shapes = paramShapes(instance, sizes);
  for (const [name, tensor] of readParams(options.param)) {
    const shape = shapes.get(name);
    const suggestion = closest(name, [...shapes.keys()]);
    if (shape === undefined)
      throw new CommandError(
        EXIT.usage,
        `${instance.declaration.name.text} has no trainable parameter ${name}`,
        suggestion === undefined ? undefined : `Did you mean ${suggestion}?`,
      );
    if (shape.join() !== tensor.shape.join())
      throw new CommandError(
        EXIT.usage,
        `${name} has shape [${shape.join(", ")}] here, and the file holds [${tensor.shape.join(", ")}]`,
      );
    params.set(name, tensor);
  }
  return params;
}

/** Turns the interpreter's refusals into diagnostics at the place they speak of. */
function orReport<T>({ loss: instance, miner }: TriedLoss, terminal: Terminal, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof InterpretError)) throw error;
    const diagnostics = new Diagnostics();
    const definition = error instanceof BudgetError ? tooLargeToInterpret : cannotInterpret;
    const place = error.span ?? instance.declaration.name.span;
    if (error instanceof MinerError && miner !== undefined)
      reportTupleMismatch({ instance, miner }, diagnostics);
    else diagnostics.report(definition, place, { problem: error.message });
    throw report(diagnostics, terminal);
  }
}

interface Gradient {
  readonly views: readonly ArrayLike<number>[];
  readonly params: ReadonlyMap<string, ArrayLike<number>>;
}

/** `{x, params}` as nested lists. */
function nested(batch: LossBatch, gradient: Gradient): Record<string, unknown> {
  const views = gradient.views.map((slopes, v) => rows(Array.from(slopes), shapeOf(batch.views[v]!)));
  const params = [...gradient.params].map(([name, slopes]) => [
    name,
    rows(Array.from(slopes), batch.params?.get(name)?.shape ?? []),
  ]);
  return { x: views.length === 1 ? views[0] : views, params: Object.fromEntries(params) };
}

function shapeOf(view: Matrix): readonly number[] {
  return [view.rows, view.columns];
}

/** A row-major list as lists of lists. */
function rows(values: readonly number[], shape: readonly number[]): unknown {
  if (shape.length === 0) return values[0];
  if (shape.length === 1) return values;
  const length = values.length / shape[0]!;
  return Array.from({ length: shape[0]! }, (_, row) =>
    rows(values.slice(row * length, (row + 1) * length), shape.slice(1)),
  );
}

/** The compiled loss on the wasm engine, which is everywhere and can be read at once; loaded only when asked for. */
async function compiled(
  { loss: instance, by, miner }: TriedLoss,
  batch: LossBatch,
  gradient: boolean,
): Promise<Record<string, unknown>> {
  const [{ compileLoss }, { startEngine }] = await Promise.all([
    import("../compiled_loss.ts"),
    import("../../runtime/engine/index.ts"),
  ]);
  await startEngine("wasm");
  const loss = compileLoss(
    instance,
    batch.views.map((view) => view.columns),
    { by, miner },
  );
  const answer = loss.evaluate({ ...batch, params: batch.params ?? new Map() });
  return { value: answer.value, ...(gradient ? { gradient: nested(batch, answer.gradient) } : {}) };
}
