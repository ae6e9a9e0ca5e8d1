/**
 * A `dataset` declaration as the plan of its data: source, split, augmentation, and the size of one image. Pure.
 */
import {
  budgetExceeded,
  impossibleSplit,
  malformedSetting,
  missingSetting,
} from "../diagnostics/codes/check.ts";
import type { DataPlan, PrimitiveUse } from "../plan/plan.ts";
import type { DatasetDeclaration, Expression } from "../syntax/ast.ts";
import { formatNumber } from "../resolve/describe.ts";
import { imageChannels } from "../types/layer_shapes.ts";
import { sizeOf } from "../types/shapes.ts";
import { built, reportNotBuilt } from "./built.ts";
import { budgets, type CheckContext } from "./context.ts";
import { defaults } from "./defaults.ts";
import { labelsOf } from "./labels.ts";
import { defaultUse, numberOf, primitiveUse } from "./primitive_use.ts";
import { readSettings, type SettingTable } from "./settings.ts";

const table: SettingTable<"image" | "labels" | "split" | "augment"> = {
  image: { form: "value", example: "image: rgb(64x64)" },
  labels: { form: "value", example: "labels: [coarse, fine]" },
  split: { form: "value", example: "split: zero_shot(train: 0.5, validation: 0.1)" },
  augment: { form: "value", example: "augment: affine(rotate: 10deg) |> cutout(8)" },
};

/** The plan of a data set, or `undefined` after reporting what is wrong with it. */
export function checkDataSet(declaration: DatasetDeclaration, context: CheckContext): DataPlan | undefined {
  const { diagnostics } = context;
  const name = declaration.name.text;
  const where = `The data set \`${name}\``;
  const settings = readSettings(declaration.settings, table, where, declaration.name.span, diagnostics);
  const source = primitiveUse(declaration.source, "source", context);
  const imageValue = settings.get("image")?.value;
  const image = imageValue === undefined ? undefined : primitiveUse(imageValue, "image", context);
  const splitValue = settings.get("split")?.value;
  const split =
    splitValue === undefined
      ? defaultUse(defaults.split, "split", declaration.name.span, context)
      : primitiveUse(splitValue, "split", context);
  const augmentValue = settings.get("augment")?.value;
  const augment = augmentValue === undefined ? [] : transforms(augmentValue, context);
  if (split !== undefined) checkSplit(split, context);
  if (source === undefined) return undefined;
  if (!built.source.has(source.name)) {
    reportNotBuilt(`The source \`${source.name}\``, source.span, diagnostics);
    return undefined;
  }
  const labels = labelsOf(settings.get("labels")?.value, source, context);
  if (imageValue !== undefined && image === undefined) return undefined;
  const shape = imageShape(declaration, source, image, context);
  const numbers = sizeOf(shape ?? []) ?? 0;
  if (numbers > budgets.features)
    diagnostics.report(budgetExceeded, (image ?? source).span, {
      what: `One image has ${formatNumber(numbers)} numbers`,
      limit: formatNumber(budgets.features),
      help: "Take smaller images.",
    });
  if (shape === undefined || split === undefined || augment === undefined || labels === undefined)
    return undefined;
  return { name, source, split, augment, image: shape, labels };
}

function transforms(expression: Expression, context: CheckContext): readonly PrimitiveUse[] | undefined {
  const stages = expression.kind === "Pipeline" ? expression.stages : [expression];
  const uses = stages.map((stage) => primitiveUse(stage, "transform", context));
  return uses.every((use) => use !== undefined) ? uses : undefined;
}

function checkSplit(split: PrimitiveUse, context: CheckContext): void {
  if (!built.split.has(split.name)) {
    reportNotBuilt(`The split \`${split.name}\``, split.span, context.diagnostics);
    return;
  }
  const train = numberOf(split, "train") ?? 0;
  const validation = numberOf(split, "validation") ?? 0;
  const help =
    "Write for example `zero_shot(train: 0.4, validation: 0.1)`: the rest are the unseen test classes.";
  const report = (what: string, why: string): void =>
    context.diagnostics.report(impossibleSplit, split.span, { what, why, help });
  if (train <= 0)
    report("This split leaves no classes to train on", "The share of training classes must be above 0.");
  else if (train + validation > 1)
    report(
      `The shares of this split add up to ${Number((train + validation).toPrecision(6))}`,
      "Training, validation and test classes are disjoint parts of all classes, so their shares cannot exceed 1.",
    );
  else if (train + validation === 1)
    report(
      "This split leaves no unseen classes to test on",
      "What neither trains nor selects is what the result is judged by, and nothing is left.",
    );
}

/** Height, width and channels of one image: what `image` says, or what the source draws by itself. */
function imageShape(
  declaration: DatasetDeclaration,
  source: PrimitiveUse,
  image: PrimitiveUse | undefined,
  context: CheckContext,
): DataPlan["image"] | undefined {
  const own = numberOf(source, "size");
  if (image === undefined) {
    // A source with a size draws its images itself, in gray.
    if (own !== undefined) return [own, own, 1];
    const why = `The images of \`${source.name}\` have sizes of their own; the network needs all of one size.`;
    context.diagnostics.report(missingSetting, declaration.name.span, {
      where: `The data set \`${declaration.name.text}\``,
      missing: [{ name: "image", why, example: "image: rgb(64x64)" }],
    });
    return undefined;
  }
  const size = image.values.get("size");
  const channels = imageChannels[image.name];
  if (size?.kind !== "size" || channels === undefined) return undefined;
  if (own !== undefined) {
    context.diagnostics.report(malformedSetting, image.span, {
      what: `A data set of \`${source.name}\``,
      needed: "no `image`, since the source draws its images itself",
      example: `${source.name}(size: ${size.width})`,
    });
    return undefined;
  }
  if (size.width < 1 || size.height < 1) {
    context.diagnostics.report(malformedSetting, image.span, {
      what: "`image`",
      needed: "a width and a height of at least 1",
      example: "image: rgb(64x64)",
    });
    return undefined;
  }
  return [size.height, size.width, channels];
}
