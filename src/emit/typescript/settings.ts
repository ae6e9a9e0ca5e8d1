/** Data, training and evaluation settings of a program: primitives of the spec as calls and literals of the runtime. */
import { linearPath } from "../../plan/linear_heads.ts";
import type { DataPlan, EvaluatePlan, ModelPlan, PrimitiveUse, TrainPlan } from "../../plan/plan.ts";
import type {
  CompressSettings,
  OptimizerSettings,
  ScheduleSettings,
  TrainSettings,
} from "../../runtime/program.ts";
import { dataLiteral, stringLiteral } from "./text.ts";
import { boolIn, numberIn, textIn } from "./values.ts";

/** `data.iconSets({ size: 32 })` */
export function sourceText(plan: DataPlan): string {
  const { name, values } = plan.source;
  switch (name) {
    case "icon_sets":
      return `data.iconSets({ size: ${numberIn(values, "size")} })`;
    case "folder": {
      const labels = plan.labels.length === 0 ? {} : { labels: plan.labels };
      const settings = { image: plan.image, strict: boolIn(values, "strict"), ...labels };
      return `data.folder(${stringLiteral(textIn(values, "path"))}, ${dataLiteral(settings)})`;
    }
    default:
      throw new Error(`no emission for the data source ${name}`);
  }
}

export function splitText({ name, values }: PrimitiveUse): string {
  if (name !== "zero_shot") throw new Error(`no emission for the split ${name}`);
  const settings = { train: numberIn(values, "train"), validation: numberIn(values, "validation") };
  return `data.zeroShot(${dataLiteral(settings)})`;
}

export function transformText({ name, values }: PrimitiveUse): string {
  switch (name) {
    case "affine": {
      const of = (word: string): number => numberIn(values, word);
      return `data.affine(${dataLiteral({ rotate: of("rotate"), scale: of("scale"), shift: of("shift") })})`;
    }
    case "cutout":
      return `data.cutout(${numberIn(values, "size")})`;
    case "flip":
      return "data.flip()";
    default:
      throw new Error(`no emission for the transform ${name}`);
  }
}

export function trainText(plan: TrainPlan): string {
  const settings: TrainSettings = {
    batch: plan.batch,
    optimizer: optimizerSettings(plan),
    schedule: scheduleSettings(plan.schedule),
    steps: plan.steps,
    select: selectSettings(plan.select),
    precision: precisionSetting(plan.precision),
    seed: plan.seed,
  };
  return dataLiteral(settings);
}

function optimizerSettings({ optimizer, groups }: TrainPlan): OptimizerSettings {
  const { name, values } = optimizer;
  if (name !== "sgd" && name !== "adam" && name !== "adamw")
    throw new Error(`no emission for the optimizer ${name}`);
  const optional = (word: string): number | undefined =>
    values.has(word) ? numberIn(values, word) : undefined;
  const clip = numberIn(values, "clip");
  return {
    kind: name,
    lr: numberIn(values, "lr"),
    momentum: optional("momentum"),
    beta1: optional("beta1"),
    beta2: optional("beta2"),
    epsilon: optional("epsilon"),
    weightDecay: numberIn(values, "weight_decay"),
    clip: clip === 0 ? undefined : clip,
    groups: groups.size === 0 ? undefined : Object.fromEntries(groups),
  };
}

function scheduleSettings({ name, values }: PrimitiveUse): ScheduleSettings {
  const warmup = numberIn(values, "warmup");
  switch (name) {
    case "constant":
      return { kind: name, warmup };
    case "cosine":
      return { kind: name, warmup, floor: numberIn(values, "floor") };
    case "step":
      return { kind: name, warmup, every: numberIn(values, "every"), factor: numberIn(values, "factor") };
    default:
      throw new Error(`no emission for the schedule ${name}`);
  }
}

function selectSettings(use: PrimitiveUse | undefined): TrainSettings["select"] {
  if (use === undefined || use.name === "last") return { kind: "last" };
  const { values } = use;
  return {
    kind: "best",
    metric: textIn(values, "metric") as "map_at_r",
    every: numberIn(values, "every"),
    patience: numberIn(values, "patience"),
  };
}

/** What is usual is left out. */
function precisionSetting({ name }: PrimitiveUse): TrainSettings["precision"] {
  if (name !== "float32" && name !== "bfloat16") throw new Error(`no emission for the precision ${name}`);
  return name === "float32" ? undefined : name;
}

export function evaluateText(plan: EvaluatePlan): string {
  return dataLiteral(plan);
}

/** The settings of the compression, what is usual left out. */
export function compressText(use: PrimitiveUse, heads: ModelPlan["heads"]): string {
  const { name, values } = use;
  if (name === "distilled")
    return dataLiteral({
      kind: name,
      to: numberIn(values, "to"),
      hidden: numberIn(values, "hidden"),
      steps: numberIn(values, "steps"),
    } satisfies CompressSettings);
  if (name !== "distances") throw new Error(`no emission for the compression ${name}`);
  const paths = heads.map(linearPath);
  const linear = paths.every((path) => path !== undefined) ? { linear: paths } : {};
  const blend = numberIn(values, "blend");
  const settings: CompressSettings = {
    kind: name,
    to: numberIn(values, "to"),
    ...(textIn(values, "metric") === "stress" ? { metric: "stress" } : {}),
    ...(boolIn(values, "fold") ? { fold: linear } : {}),
    ...(blend > 0 ? { blend } : {}),
  };
  return dataLiteral(settings);
}
