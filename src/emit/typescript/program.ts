/**
 * A checked model as one TypeScript file: a header, then data, backbone, heads, losses, combination, declarations and
 * settings as named sections. The same plan gives the same bytes.
 */
import { isFitted, measuresGradients, strategiesIn } from "../../plan/combination.ts";
import type { HeadPlan, ModelPlan } from "../../plan/plan.ts";
import { oneLine } from "../../resolve/describe.ts";
import { position, textOf } from "../../source/source.ts";
import { assemble, declared } from "./assemble.ts";
import type { Declared, ProgramIdentity } from "./assemble.ts";
import { emitCombination } from "./combine.ts";
import type { EmittedCombination } from "./combine.ts";
import { emitBackbone, emitHead, emitStackedHeads } from "./layers.ts";
import { lossesFunction, viewsOfModel } from "./losses_function.ts";
import type { Declarations } from "./losses_function.ts";
import { Names } from "./names.ts";
import { headsOfOneShape, separatesGradients } from "./stacked_heads.ts";
import { compressText, evaluateText, sourceText, splitText, trainText, transformText } from "./settings.ts";
import { commentText, dataLiteral, entryText, objectKey, stringLiteral } from "./text.ts";

export type { ProgramIdentity } from "./assemble.ts";

export interface EmitOptions {
  /** Whether heads of one shape are computed together; it does not pay on every engine. */
  readonly stacked?: boolean | undefined;
}

/** The text of the program. Throws `LoweringError` for a formula that cannot be built. */
export async function emitProgram(
  plan: ModelPlan,
  identity: ProgramIdentity,
  { stacked = false }: EmitOptions = {},
): Promise<string> {
  const declarations: Declarations = { parameters: [], state: [], noise: [], labels: [] };
  const together = stacked && !separatesGradients(plan.combine);
  const embed = embedFunctions(plan, declarations, together);
  const losses = lossesFunction(plan, declarations, together);
  const combination = emitCombination(plan);
  declarations.parameters.push(...combination.parameters);
  declarations.state.push(...combination.state);
  const combine = declared("combine", "The losses into the one number that is minimised.", {
    parameters: [
      ["losses", "Record<string, LossValue>"],
      ["context", "CombineContext"],
    ],
    returns: "Combined",
    lines: [`return ${combination.text};`],
  });
  const optional = combinationFunctions({
    ...combination,
    noise: [...declarations.noise, ...combination.noise],
  });
  const functions = [...embed, losses, combine, ...optional, ...declarationFunctions(declarations)];
  const sections = functions.map(({ structure }) => structure);
  const program = programText(
    plan,
    identity,
    optional.map(({ structure }) => structure.name!),
    declarations.labels,
  );
  return assemble(plan, identity, sections, program);
}

const shapeText = (shape: readonly (number | undefined)[]): string => `[${shape.join(", ")}]`;

/** `backbone(images)`, and `embed(images)` over it: each head's embeddings. */
function embedFunctions(plan: ModelPlan, declarations: Declarations, stacked: boolean): Declared[] {
  const backbone = emitBackbone(plan.backbone.layers, "images", new Names());
  declarations.parameters.push(...backbone.parameters);
  declarations.state.push(...backbone.state);
  const isImage = plan.backbone.output.length === 3;
  const lines: string[] = ["const features = backbone(images, net);"];
  const names = new Names(["features", "backbone"]);
  const groups = stacked ? headsOfOneShape(plan.heads) : plan.heads.map((head) => [head]);
  const variables = new Map<HeadPlan, string>();
  for (const heads of groups) {
    const [head] = heads as [HeadPlan];
    const emitted =
      heads.length > 1
        ? emitStackedHeads(heads, "features", names)
        : emitHead(head.name, head.layers, "features", names);
    declarations.parameters.push(...emitted.parameters);
    declarations.state.push(...emitted.state);
    lines.push("");
    for (const each of heads) lines.push(`// ${commentText(each.name)}: ${headText(each)}`);
    lines.push(...emitted.lines);
    heads.forEach((each, k) => variables.set(each, emitted.results[k]!));
  }
  const results = plan.heads.map((head) => entryText(head.name, variables.get(head)!));
  const flat = isImage ? "tf.reshape(features, [features.shape[0], -1])" : "features";
  const trunk = strategiesIn(plan.combine).some(measuresGradients) ? " trunk: features," : "";
  lines.push("", `return { ${entryText("features", flat)},${trunk} heads: { ${results.join(", ")} } };`);
  return [
    declared(
      "backbone",
      `${commentText(plan.backbone.text)}: images ${shapeText(plan.backbone.input)} to features ${shapeText(plan.backbone.output)}.`,
      {
        parameters: [
          ["images", "tf.Tensor4D"],
          ["net", "Net"],
        ],
        returns: isImage ? "tf.Tensor4D" : "tf.Tensor2D",
        lines: [...backbone.lines, `return ${backbone.result};`],
      },
    ),
    declared("embed", "Images [B, H, W, C] to features and the embeddings of each head.", {
      parameters: [
        ["images", "tf.Tensor4D"],
        ["net", "Net"],
      ],
      returns: "Embedded",
      lines,
    }),
  ];
}

/** `linear(64) |> normalize, [B, 64], read by pull` */
function headText({ layers, dim, losses }: HeadPlan): string {
  const stages = layers.map((layer) =>
    layer.kind === "layer" ? commentText(oneLine(textOf(layer.span))) : "residual",
  );
  return `${stages.join(" |> ")}, [B, ${dim}], read by ${losses.map(commentText).join(", ")}`;
}

/** `parameters(sizes)` and `state(sizes)`. */
function declarationFunctions(declarations: Declarations): Declared[] {
  const list = (entries: readonly string[]): string[] => [`return [${entries.join(",\n")}];`];
  return [
    declared("parameters", "Every trainable parameter, with its group and first value.", {
      parameters: [["sizes", "Sizes"]],
      returns: "ParameterSpec[]",
      lines: list(declarations.parameters),
    }),
    declared("state", "What is kept from step to step without being trained.", {
      parameters: [["sizes", "Sizes"]],
      returns: "StateSpec[]",
      lines: list(declarations.state),
    }),
  ];
}

/** `headWeights(features)` and `noise(sizes)`, for models that have them. */
function combinationFunctions({
  headWeights,
  noise,
}: Pick<EmittedCombination, "headWeights" | "noise">): Declared[] {
  const functions: Declared[] = [];
  if (headWeights.length > 0)
    functions.push(
      declared(
        "headWeights",
        "Squared weights of heads in the embedding, where the combination decides on them.",
        {
          parameters: [
            ["features", "tf.Tensor2D"],
            ["net", "Net"],
          ],
          returns: "HeadWeights",
          lines: [`return { ${headWeights.join(", ")} };`],
        },
      ),
    );
  if (noise.length > 0)
    functions.push(
      declared("noise", "What is drawn anew for every step.", {
        parameters: [["sizes", "Sizes"]],
        returns: "NoiseSpec[]",
        lines: [`return [${noise.join(", ")}];`],
      }),
    );
  return functions;
}

/**
 * The program's description of itself, the default export; `optional` are the functions it has beside the usual, `labels`
 * those that its losses read beside the class.
 */
function programText(
  plan: ModelPlan,
  identity: ProgramIdentity,
  optional: readonly string[],
  labels: readonly string[],
): string {
  const places = plan.losses.map((loss) => {
    const { line } = position(loss.span.file, loss.span.start);
    return `${objectKey(loss.name)}: ${dataLiteral({ file: identity.specFile, line, text: loss.text })}`;
  });
  const heads = plan.heads.map(({ name, dim, unit, weight, losses }) =>
    dataLiteral({ name, dim, unit, weight, losses }),
  );
  const compress =
    plan.compress === undefined ? [] : [`compress: ${compressText(plan.compress, plan.heads)}`];
  return `{
  ${[
    `name: ${stringLiteral(plan.name)}`,
    `spec: ${dataLiteral({ file: identity.specFile, hash: identity.specHash })}`,
    `compiler: ${stringLiteral(identity.compiler)}`,
    `data: ${sourceText(plan.data)}`,
    `split: ${splitText(plan.data.split)}`,
    `augment: [${plan.data.augment.map(transformText).join(", ")}]`,
    `image: ${dataLiteral(plan.data.image)}`,
    ...(viewsOfModel(plan) > 1 ? [`views: ${viewsOfModel(plan)}`] : []),
    ...(labels.length > 0 ? [`labels: ${dataLiteral(labels)}`] : []),
    `heads: [${heads.join(", ")}]`,
    `lossPlaces: { ${places.join(", ")} }`,
    "parameters",
    "state",
    "embed",
    "losses",
    "combine",
    ...optional,
    `train: ${trainText(plan.train)}`,
    `evaluate: ${evaluateText(plan.evaluate)}`,
    ...(isFitted(plan.combine) ? ['inference: { kind: "fit" }'] : []),
    ...compress,
  ].join(",\n  ")}
}`;
}
