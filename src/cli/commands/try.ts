/**
 * `dmlc try LOSS|FILE:LOSS|"LOSS on MINER"`: a loss on a batch from files, by the interpreter and, beside it, as compiled. JSON on
 * stdout: `{value, gradient?: {x, params}, compiled?: {value, gradient?}}`; `x` is the gradient of the embeddings, a list
 * of two where the loss takes two views.
 */
import { Command, InvalidArgumentError, Option } from "commander";
import { cannotInterpret, tooLargeToInterpret } from "../../diagnostics/codes/interpret.ts";
import { Diagnostics } from "../../diagnostics/diagnostic.ts";
import { closest } from "../../diagnostics/did_you_mean.ts";
import {
  BudgetError,
  initialParams,
  InterpretError,
  initialStates,
  interpretLoss,
  MinerError,
  paramShapes,
} from "../../interpret/index.ts";
import type { LossBatch, Matrix, Tensor } from "../../interpret/index.ts";
import type { LossInstance } from "../../resolve/values.ts";
import { readEmbeddings, readLabels, readParams } from "../batch_files.ts";
import { CommandError, EXIT } from "../exit.ts";
import { reportTupleMismatch } from "../../verify/rules/tuples.ts";
import { lossArgument, report } from "../loss_argument.ts";
import type { TriedLoss } from "../loss_argument.ts";
import type { Terminal } from "../terminal.ts";

interface Options {
  readonly embeddings: readonly string[];
  readonly labels: string;
  readonly set: readonly string[];
  readonly param: readonly string[];
  readonly classes?: number;
  readonly seed: number;
  readonly gradient?: true;
  readonly compiled?: true;
}

export function tryCommand(terminal: Terminal): Command {
  const each = (value: string, before: readonly string[]): readonly string[] => [...before, value];
  return new Command("try")
    .description("print the value of a loss on a batch")
    .argument("<LOSS>", "a loss of the standard library, or FILE:LOSS; `LOSS on MINER` as in a model")
    .addOption(
      new Option("--embeddings <FILE.npy>", "embeddings [samples, dimensions]; once for each view")
        .argParser(each)
        .default([], "")
        .makeOptionMandatory(),
    )
    .requiredOption("--labels <FILE.npy>", "class indices [samples]")
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
    .option("--seed <N>", "seed of parameters that are not given, and of states", wholeNumber, 0)
    .option("--gradient", "print the gradient as well")
    .option("--compiled", "print what the compiled loss answers as well")
    .action(async (loss: string, options: Options) => {
      const tried = lossArgument(loss, options.set, terminal);
      const { loss: instance, ...mined } = tried;
      const batch = batchOf(tried, options, terminal);
      const gradient = options.gradient === true;
      const result = orReport(tried, terminal, () => interpretLoss(instance, batch, { gradient, ...mined }));
      const answer: Record<string, unknown> = {
        value: result.value,
        ...(result.gradient === undefined ? {} : { gradient: nested(batch, result.gradient) }),
      };
      if (options.compiled === true) answer["compiled"] = await compiled(tried, batch, gradient);
      terminal.out(`${JSON.stringify(answer)}\n`);
    });
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value))
    throw new InvalidArgumentError("It is not a whole number.");
  return value;
}

function batchOf(tried: TriedLoss, options: Options, terminal: Terminal): LossBatch {
  const { loss: instance } = tried;
  if (options.embeddings.length === 0)
    throw new CommandError(EXIT.usage, "required option '--embeddings <FILE.npy>' not specified");
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
  const sizes = { classes: options.classes ?? classes, dim: first.columns };
  const params = orReport(tried, terminal, () => paramsOf(instance, options, sizes));
  const states = initialStates(instance, sizes, options.seed);
  return { views, labels, classes: sizes.classes, params, states };
}

function paramsOf(
  instance: LossInstance,
  options: Options,
  sizes: { readonly classes: number; readonly dim: number },
): Map<string, Tensor> {
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
  { loss: instance, miner }: TriedLoss,
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
    { miner },
  );
  const answer = loss.evaluate({ ...batch, params: batch.params ?? new Map() });
  return { value: answer.value, ...(gradient ? { gradient: nested(batch, answer.gradient) } : {}) };
}
