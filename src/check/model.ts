/**
 * A `model` declaration as a plan: data, backbone, losses, heads, combination, training, evaluation, compression, each
 * by its own law. A model with an error has no plan. Pure.
 */
import { unknownName, wrongArgumentType } from "../diagnostics/codes/resolve.ts";
import { Diagnostics } from "../diagnostics/diagnostic.ts";
import { closest } from "../diagnostics/did_you_mean.ts";
import type { DataPlan, ModelPlan } from "../plan/plan.ts";
import { oneLine } from "../resolve/describe.ts";
import { textOf } from "../source/source.ts";
import type { Block, Expression, ModelDeclaration } from "../syntax/ast.ts";
import { checkCombine } from "./combine.ts";
import type { CheckContext } from "./context.ts";
import { checkDataSet } from "./data_set.ts";
import { checkCompress, checkEvaluate } from "./evaluation.ts";
import { checkHeads } from "./heads.ts";
import { checkLabels } from "./labels.ts";
import { checkLosses } from "./losses.ts";
import { expandPipeline } from "./pipeline.ts";
import { checkAssumptions } from "./rules/assumptions.ts";
import { checkPrefixes } from "./rules/prefixes.ts";
import { checkViews } from "./rules/views.ts";
import { readSettings, type SettingTable } from "./settings.ts";
import { checkTrain } from "./train.ts";

type Setting = "data" | "backbone" | "embedding" | "losses" | "combine" | "train" | "evaluate" | "compress";

const table: SettingTable<Setting> = {
  data: {
    form: "value",
    example: "data: icons",
    required: "It names the data set that the model is trained and judged on.",
  },
  backbone: {
    form: "value",
    example: "backbone: conv4(width: 64)",
    required: "It is the network that all heads share.",
  },
  embedding: { form: "value", example: "embedding: linear(64) |> normalize" },
  losses: {
    form: "block",
    example: "losses { pull: contrastive(margin: 0.5) }",
    required: "They are what the model is trained by.",
  },
  combine: { form: "value", example: "combine: equal(pull, rank)" },
  train: { form: "block", example: "train { batch: 16 classes * 4 samples  steps: 500 }" },
  evaluate: { form: "block", example: "evaluate { recall_at: [1, 2, 4, 8], map_at_r }" },
  compress: { form: "value", example: "compress: distances(to: 64)" },
};

/** The plan of a model, or `undefined` if anything about it is wrong; every problem is reported. */
export function checkModel(declaration: ModelDeclaration, context: CheckContext): ModelPlan | undefined {
  const { diagnostics } = context;
  const errorsBefore = errorCount(diagnostics);
  const name = declaration.name.text;
  const owner = declaration.name.span;
  const settings = readSettings(declaration.settings, table, `The model \`${name}\``, owner, diagnostics);
  const valueOf = (setting: Setting): Expression | undefined => settings.get(setting)?.value;
  const blockOf = (setting: Setting): Block | undefined => settings.get(setting)?.block;

  const data = dataOf(valueOf("data"), context);
  const backbone = valueOf("backbone");
  const expanded =
    backbone === undefined ? undefined : expandPipeline(backbone, data?.image, "backbone", context);

  const losses = checkLosses(blockOf("losses"), settings.get("losses")?.name.span, context);
  const heads = checkHeads(
    losses,
    valueOf("embedding"),
    valueOf("combine"),
    expanded?.output,
    { name, span: owner },
    context,
  );
  for (const { name: loss, instance } of losses) {
    if (instance !== undefined) checkViews(instance, data, context);
    const head = heads.heads.find((each) => each.name === heads.headOf.get(loss));
    if (instance === undefined || head === undefined) continue;
    checkPrefixes(instance, head, context);
    checkAssumptions(instance, head, context);
  }
  for (const loss of losses) checkLabels(loss, data, context);
  const places = losses.map((loss) => ({ name: loss.name, span: loss.entry.span }));
  const combine = losses.length === 0 ? undefined : checkCombine(valueOf("combine"), places, owner, context);
  const train = checkTrain(
    blockOf("train"),
    settings.get("train")?.name.span ?? owner,
    losses,
    data,
    context,
  );
  const evaluate = checkEvaluate(blockOf("evaluate"), context);
  const compress = checkCompress(valueOf("compress"), heads, context);

  if (errorCount(diagnostics) > errorsBefore) return undefined;
  if (data === undefined || backbone === undefined || expanded?.output === undefined) return undefined;
  if (combine === undefined || train === undefined || evaluate === undefined) return undefined;
  return {
    name,
    declaration,
    data,
    backbone: {
      text: oneLine(textOf(backbone.span)),
      layers: expanded.layers,
      input: data.image,
      output: expanded.output,
    },
    heads: heads.heads,
    losses: losses.flatMap(({ name: loss, instance, label, miner, memory, entry, text }) =>
      instance === undefined
        ? []
        : [
            {
              name: loss,
              instance,
              head: heads.headOf.get(loss) ?? loss,
              span: entry.span,
              text,
              ...(label === undefined ? {} : { label }),
              ...(miner === undefined ? {} : { miner }),
              ...(memory === undefined ? {} : { memory }),
            },
          ],
    ),
    combine,
    train,
    evaluate,
    ...(compress === undefined ? {} : { compress }),
  };
}

/** The plan of the data set that a model names. The data set's own problems are reported where it is declared. */
function dataOf(expression: Expression | undefined, context: CheckContext): DataPlan | undefined {
  if (expression === undefined || expression.kind === "Missing") return undefined;
  const { scope, diagnostics } = context;
  if (expression.kind !== "Name") {
    diagnostics.report(wrongArgumentType, expression.span, {
      target: "`data`",
      given: `\`${oneLine(textOf(expression.span))}\``,
      needed: "the name of a data set",
      help: "Declare `dataset images = …` above, and write `data: images`.",
    });
    return undefined;
  }
  const resolved = scope.lookup("dataset", expression.text);
  if (resolved === undefined) {
    const suggestion = closest(expression.text, scope.names("dataset"));
    diagnostics.report(unknownName, expression.span, {
      name: expression.text,
      expected: "data set",
      ...(suggestion === undefined ? {} : { suggestion }),
    });
    return undefined;
  }
  return checkDataSet(resolved.declaration, { scope: resolved.scope, diagnostics: new Diagnostics() });
}

function errorCount(diagnostics: Diagnostics): number {
  return diagnostics.all.filter((diagnostic) => diagnostic.severity === "error").length;
}
