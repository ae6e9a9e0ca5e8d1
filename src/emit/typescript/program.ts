/**
 * A checked model as one TypeScript file: a header, then data, backbone, heads, losses, combination, declarations and
 * settings as named sections. ts-morph builds it in one go, prettier formats it; the same plan gives the same bytes.
 */
import { format } from "prettier";
import { type FunctionDeclarationStructure, Node, Project, type SourceFile, StructureKind } from "ts-morph";
import type { Dim } from "../../ir/graph.ts";
import { Graph } from "../../ir/graph.ts";
import type { LossParameter, LossState } from "../../ir/lower/environment.ts";
import { lowerModel, viewsOf } from "../../ir/lower/model.ts";
import { optimise, settingsOf } from "../../ir/passes/optimise.ts";
import { isFitted, measuresGradients, strategiesIn } from "../../plan/combination.ts";
import type { HeadPlan, LossPlan, ModelPlan } from "../../plan/plan.ts";
import { oneLine } from "../../resolve/describe.ts";
import { position, textOf } from "../../source/source.ts";
import { emitCombination } from "./combine.ts";
import type { EmittedCombination } from "./combine.ts";
import { dimText, numberText } from "./expressions.ts";
import { emitBackbone, emitHead, emitStackedHeads } from "./layers.ts";
import type { EmittedLoss } from "./losses.ts";
import { lossStatements } from "./losses.ts";
import { Names, camelCase } from "./names.ts";
import { headsOfOneShape, separatesGradients } from "./stacked_heads.ts";
import { compressText, evaluateText, sourceText, splitText, trainText, transformText } from "./settings.ts";
import { commentText, dataLiteral, objectKey, stringLiteral } from "./text.ts";
import { numberIn } from "./values.ts";

export interface ProgramIdentity {
  /** How the program names its spec; a path relative to the program. */
  readonly specFile: string;
  /** SHA-256 of the spec's texts, in hexadecimal. */
  readonly specHash: string;
  /** `dmlc 0.1.0` */
  readonly compiler: string;
}

export interface EmitOptions {
  /** Whether heads of one shape are computed together; it does not pay on every engine. */
  readonly stacked?: boolean | undefined;
}

/** Everything declared on the way: parameters and state in the order of the program. */
interface Declarations {
  readonly parameters: string[];
  readonly state: string[];
}

/** The text of the program. Throws `LoweringError` for a formula that cannot be built. */
export async function emitProgram(
  plan: ModelPlan,
  identity: ProgramIdentity,
  { stacked = false }: EmitOptions = {},
): Promise<string> {
  const declarations: Declarations = { parameters: [], state: [] };
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
  const optional = combinationFunctions(combination);
  const functions = [...embed, losses, combine, ...optional, ...declarationFunctions(declarations)];
  const sections = functions.map(({ structure }) => structure);
  const program = programText(
    plan,
    identity,
    optional.map(({ structure }) => structure.name!),
  );
  return assemble(plan, identity, sections, program);
}

interface Declared {
  readonly structure: FunctionDeclarationStructure;
}

function declared(
  name: string,
  doc: string,
  parts: {
    readonly parameters: readonly (readonly [name: string, type: string])[];
    readonly returns: string;
    readonly lines: readonly string[];
  },
): Declared {
  const body = parts.lines.join("\n");
  return {
    structure: {
      kind: StructureKind.Function,
      name,
      docs: [doc],
      parameters: parts.parameters.map(([parameter, type]) => ({
        // What a function of the contract does not read it does not name.
        name: new RegExp(`\\b${parameter}\\b`).test(body) ? parameter : `_${parameter}`,
        type,
      })),
      returnType: parts.returns,
      statements: body,
    },
  };
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

/** An entry of an object literal, short where the variable is called like the key. */
const entryText = (name: string, value: string): string =>
  name === value ? name : `${objectKey(name)}: ${value}`;

/** `losses(embeddings, labels)`: every loss's formula, what they share computed once. */
function lossesFunction(plan: ModelPlan, declarations: Declarations, stacked: boolean): Declared {
  const settings = settingsOf(plan, stacked);
  const emitted = optimise(new Graph(), lowerModel(plan), settings).map(({ loss, lowered }): EmittedLoss => {
    declarations.parameters.push(...lowered.parameters.map(lossParameterText));
    declarations.state.push(...lowered.states.map(lossStateText));
    return { name: loss.name, lowered, comment: lossComment(loss) };
  });
  const { lines, results } = lossStatements(emitted);
  const remembers = emitted.some(({ lowered }) => lowered.memory?.reached === true);
  const entries = results.map(({ name, value }) => entryText(name, value));
  return declared("losses", "Each loss on one batch: its value, and whether the batch held a valid tuple.", {
    parameters: [
      ["embeddings", "Record<string, tf.Tensor2D>"],
      ["labels", "tf.Tensor1D"],
      ["net", "Net"],
      ...(viewsOfModel(plan) > 1 || remembers ? [OTHER_VIEWS] : []),
      ...(remembers ? [["ids", "tf.Tensor1D"] as const] : []),
    ],
    returns: "Record<string, LossValue>",
    lines: [...lines, "", `return { ${entries.join(", ")} };`],
  });
}

const OTHER_VIEWS = ["otherViews", "readonly Record<string, tf.Tensor2D>[]"] as const;

/** How many views of a batch the model's losses read. */
const viewsOfModel = ({ losses }: ModelPlan): number => Math.max(...losses.map(viewsOf));

/** The entry of the spec, and the first sentence of the loss's own documentation, citation included. */
function lossComment(loss: LossPlan): string[] {
  const { line } = position(loss.span.file, loss.span.start);
  const lines = [commentText(`${loss.text} (line ${line})`)];
  const doc = loss.instance.declaration.doc?.replace(/\s+/g, " ").trim();
  const sentence = doc === undefined ? undefined : /^.*?\.(?= [A-Z]|$)/.exec(doc)?.[0];
  if (sentence !== undefined) lines.push(commentText(sentence));
  return lines;
}

/** A shape where the sizes of the data are called `sizes`. */
const sidesText = (shape: readonly Dim[]): string =>
  shape.map((side) => (side === "classes" ? "sizes.classes" : dimText(side))).join(", ");

function lossStateText({ name, shape, initial, transient }: LossState): string {
  const rest = transient === true ? ", transient: true" : "";
  return `{ name: ${stringLiteral(name)}, shape: [${sidesText(shape)}], initial: ${numberText(initial)}${rest} }`;
}

function lossParameterText(parameter: LossParameter): string {
  const { name, shape, initializer, lr, train } = parameter;
  const sides = sidesText(shape);
  const entries = [
    `name: ${stringLiteral(name)}`,
    `shape: [${sides}]`,
    `init: ${initializerText(initializer)}`,
    'group: "params"',
    ...(lr === undefined ? [] : [`lr: ${lr}`]),
    "decay: false",
    `trainable: ${train}`,
  ];
  return `{ ${entries.join(", ")} }`;
}

function initializerText({ name, values }: LossParameter["initializer"]): string {
  const all = [...values.keys()].map((key) => String(numberIn(values, key)));
  return `init.${camelCase(name)}(${all.join(", ")})`;
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

/** `headWeights(features)` and `noise(sizes)`, for combinations that have them. */
function combinationFunctions({ headWeights, noise }: EmittedCombination): Declared[] {
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

/** The program's description of itself, the default export; `optional` are the functions it has beside the usual. */
function programText(plan: ModelPlan, identity: ProgramIdentity, optional: readonly string[]): string {
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

/** What the header may import from the runtime. */
const RUNTIME_VALUES = new Set(["data", "init", "main", "nn", "ops", "strategies", "tf"]);
const RUNTIME_TYPES = new Set([
  "CombineContext",
  "Combined",
  "Embedded",
  "HeadWeights",
  "LossValue",
  "Net",
  "NoiseSpec",
  "ParameterSpec",
  "Program",
  "Sizes",
  "StateSpec",
  "tf",
]);

async function assemble(
  plan: ModelPlan,
  identity: ProgramIdentity,
  functions: readonly FunctionDeclarationStructure[],
  program: string,
): Promise<string> {
  const project = new Project({ useInMemoryFileSystem: true });
  const body = project.createSourceFile("body.ts", {
    statements: [
      ...functions,
      (writer) => writer.blankLine().writeLine(`const program: Program = ${program};`),
      (writer) => writer.blankLine().writeLine("export default program;"),
      (writer) => writer.blankLine().writeLine("await main(program, import.meta.url);"),
    ],
  });
  const header =
    `/**\n * ${commentText(plan.name)}: compiled by ${commentText(identity.compiler)} from ` +
    `${commentText(identity.specFile)} (SHA-256 ${identity.specHash.slice(0, 12)}).\n` +
    " * Change the spec and compile it again rather than this file. `node` runs it (`--help` lists its options).\n */\n";
  const imports = `import { ${runtimeNames(body).join(", ")} } from "dmlc/runtime";\n`;
  return format(`${header}${imports}\n${body.getFullText()}`, { parser: "typescript", printWidth: 110 });
}

/** The names that the body takes from the runtime: values first, then types that are nothing else. */
function runtimeNames(body: SourceFile): string[] {
  const values = new Set<string>();
  const types = new Set<string>();
  body.forEachDescendant((node) => {
    if (!Node.isIdentifier(node)) return;
    const name = node.getText();
    const parent = node.getParent();
    if (Node.isPropertyAccessExpression(parent) || Node.isCallExpression(parent)) {
      if (parent.getExpression() === node && RUNTIME_VALUES.has(name)) values.add(name);
    } else if (Node.isQualifiedName(parent) || Node.isTypeReference(parent)) {
      if (parent.getChildAtIndex(0) === node && RUNTIME_TYPES.has(name)) types.add(name);
    }
  });
  const onlyTypes = [...types].filter((name) => !values.has(name));
  return [...[...values].sort(), ...onlyTypes.sort().map((name) => `type ${name}`)];
}
