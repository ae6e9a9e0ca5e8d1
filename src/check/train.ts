/**
 * A model's `train { … }`: batch, optimiser with its groups, schedule, length, selection, precision and seed. Pure.
 */
import {
  budgetExceeded,
  malformedSetting,
  selectWithoutValidation,
  unknownSetting,
} from "../diagnostics/codes/check.ts";
import { wrongArgumentType } from "../diagnostics/codes/resolve.ts";
import { closest } from "../diagnostics/did_you_mean.ts";
import type { DataPlan, PrimitiveUse, TrainPlan } from "../plan/plan.ts";
import { describeValue, formatNumber } from "../resolve/describe.ts";
import { evaluateConstant } from "../resolve/evaluate.ts";
import type { Span } from "../source/source.ts";
import type { Block, Entry, Expression } from "../syntax/ast.ts";
import { budgets, type CheckContext } from "./context.ts";
import { checkClassWeights } from "./class_weights.ts";
import { defaults } from "./defaults.ts";
import { checkBatchServes, type CheckedLoss } from "./losses.ts";
import { defaultUse, numberOf, primitiveUse } from "./primitive_use.ts";
import { readSettings, uniqueEntries, type SettingTable } from "./settings.ts";

type Setting =
  "batch" | "optimizer" | "schedule" | "steps" | "select" | "class_weights" | "precision" | "seed";

const table: SettingTable<Setting> = {
  batch: { form: "value", example: "batch: 32 classes * 4 samples" },
  optimizer: { form: "value", example: "optimizer: adamw(lr: 1e-3)" },
  schedule: { form: "value", example: "schedule: cosine(warmup: 100 steps)" },
  steps: { form: "value", example: "steps: 2000" },
  select: { form: "value", example: "select: best(map_at_r, every: 200 steps, patience: 10)" },
  class_weights: { form: "value", example: "class_weights: balanced" },
  precision: { form: "value", example: "precision: bfloat16" },
  seed: { form: "value", example: "seed: 7" },
};

/** Groups of parameters whose learning rate a multiplier may scale (language.md, "Rates"). */
const parameterGroups: readonly string[] = ["backbone", "heads", "params", "weights"];

/** The training plan, or `undefined` after reporting. `owner` is marked where something is missing altogether. */
export function checkTrain(
  block: Block | undefined,
  owner: Span,
  losses: readonly CheckedLoss[],
  data: DataPlan | undefined,
  context: CheckContext,
): TrainPlan | undefined {
  const { diagnostics } = context;
  const settings = readSettings(block, table, "`train`", owner, diagnostics);
  const use = (name: "optimizer" | "schedule" | "precision"): PrimitiveUse | undefined => {
    const value = settings.get(name)?.value;
    if (value === undefined) return defaultUse(defaults.train[name], name, owner, context);
    return primitiveUse(value, name, context, { allowBlock: name === "optimizer" });
  };
  const batchEntry = settings.get("batch");
  const batch = batchEntry === undefined ? defaults.train.batch : checkBatch(batchEntry, context);
  if (batch !== undefined && batch.classes * batch.samples > budgets.batch)
    diagnostics.report(budgetExceeded, batchEntry?.value?.span ?? owner, {
      what: `A batch has ${formatNumber(batch.classes * batch.samples)} samples`,
      limit: formatNumber(budgets.batch),
      help: "Take fewer classes or fewer samples of each.",
    });
  if (batch !== undefined) checkBatchServes(losses, batch, batchEntry?.value?.span ?? owner, context);
  const optimizer = use("optimizer");
  const groups = checkGroups(settings.get("optimizer")?.value, context);
  const schedule = use("schedule");
  const precision = use("precision");
  const classWeights = checkClassWeights(settings.get("class_weights")?.value, losses, context);
  const steps = whole(settings.get("steps"), defaults.train.steps, 1, "step", context);
  const seed = whole(settings.get("seed"), defaults.train.seed, 0, undefined, context);
  const selectValue = settings.get("select")?.value;
  const select = selectValue === undefined ? undefined : primitiveUse(selectValue, "selection", context);
  if (select !== undefined) checkSelection(select, data, context);
  if (
    batch === undefined ||
    optimizer === undefined ||
    groups === undefined ||
    schedule === undefined ||
    precision === undefined ||
    classWeights === undefined ||
    steps === undefined ||
    seed === undefined ||
    (selectValue !== undefined && select === undefined)
  )
    return undefined;
  const kept = select === undefined ? {} : { select };
  return { batch, optimizer, groups, schedule, steps, classWeights, precision, seed, ...kept };
}

/** `P classes * M samples`, in this order, units and all. */
function checkBatch(entry: Entry, context: CheckContext): TrainPlan["batch"] | undefined {
  const { value } = entry;
  if (value === undefined || value.kind === "Missing") return undefined;
  const classes = value.kind === "Binary" && value.op === "*" ? count(value.left, "class") : undefined;
  const samples = value.kind === "Binary" && value.op === "*" ? count(value.right, "sample") : undefined;
  if (classes !== undefined && samples !== undefined) return { classes, samples };
  if (value.kind === "Binary" && (value.left.kind === "Missing" || value.right.kind === "Missing"))
    return undefined;
  context.diagnostics.report(malformedSetting, value.span, {
    what: "`batch`",
    needed: "a positive whole number of classes times a positive whole number of samples, with their units",
    example: exampleBatch(value),
  });
  return undefined;
}

function count(expression: Expression, unit: "class" | "sample"): number | undefined {
  if (expression.kind !== "Number" || expression.unit !== unit) return undefined;
  return Number.isInteger(expression.value) && expression.value >= 1 ? expression.value : undefined;
}

/** `batch: 32 * 4` is most likely meant as classes times samples. */
function exampleBatch(value: Expression): string {
  if (
    value.kind === "Binary" &&
    value.op === "*" &&
    value.left.kind === "Number" &&
    value.right.kind === "Number"
  ) {
    const swapped = value.left.unit === "sample" || value.right.unit === "class";
    const [classes, samples] = swapped ? [value.right, value.left] : [value.left, value.right];
    const whole = (number: number): number => Math.max(1, Math.round(number));
    return `batch: ${whole(classes.value)} classes * ${whole(samples.value)} samples`;
  }
  return table.batch.example;
}

/** The multipliers in the optimiser's braces: `{ backbone: 1x, heads: 10x }`. */
function checkGroups(
  optimizer: Expression | undefined,
  context: CheckContext,
): ReadonlyMap<string, number> | undefined {
  const groups = new Map<string, number>();
  if (optimizer?.kind !== "Call" || optimizer.block === undefined) return groups;
  const { diagnostics } = context;
  let sound = true;
  for (const entry of uniqueEntries(optimizer.block, "groups", diagnostics)) {
    const name = entry.name.text;
    if (!parameterGroups.includes(name)) {
      sound = false;
      const suggestion = closest(name, parameterGroups);
      diagnostics.report(unknownSetting, entry.name.span, {
        name,
        where: "An optimiser",
        known: parameterGroups,
        ...(suggestion === undefined ? {} : { suggestion }),
      });
      continue;
    }
    const value =
      entry.value === undefined ? undefined : evaluateConstant(entry.value, new Map(), diagnostics);
    if (value?.kind === "number" && value.unit === "x" && value.value >= 0) {
      groups.set(name, value.value);
      continue;
    }
    sound = false;
    if (value === undefined && entry.value !== undefined) continue;
    diagnostics.report(wrongArgumentType, entry.value?.span ?? entry.span, {
      target: `The group \`${name}\``,
      given: value === undefined ? "nothing" : describeValue(value),
      needed: "a multiplier of the learning rate that is not negative",
      help: `Write for example \`${name}: 1x\`.`,
    });
  }
  return sound ? groups : undefined;
}

/** A setting that is a plain whole number, or one of the given unit (`2000 steps`). */
function whole(
  entry: Entry | undefined,
  absent: number,
  least: number,
  unit: "step" | undefined,
  context: CheckContext,
): number | undefined {
  if (entry?.value === undefined) return absent;
  const value = evaluateConstant(entry.value, new Map(), context.diagnostics);
  if (value === undefined) return undefined;
  const fits =
    value.kind === "number" &&
    (value.unit === undefined || value.unit === unit) &&
    Number.isSafeInteger(value.value) &&
    value.value >= least;
  if (fits) return value.value;
  context.diagnostics.report(wrongArgumentType, entry.value.span, {
    target: `\`${entry.name.text}\``,
    given: describeValue(value),
    needed: `a whole number of at least ${least}`,
  });
  return undefined;
}

/** A selection that measures something measures it on validation classes. */
function checkSelection(select: PrimitiveUse, data: DataPlan | undefined, context: CheckContext): void {
  if (!select.values.has("metric") || data === undefined) return;
  if ((numberOf(data.split, "validation") ?? 0) > 0) return;
  context.diagnostics.report(
    selectWithoutValidation,
    select.span,
    { selection: select.name },
    { related: [{ span: data.split.span, label: "the split" }] },
  );
}
