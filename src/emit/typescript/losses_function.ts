/**
 * The function `losses` of a program: every loss of a model lowered, what they share found by the passes, and their
 * parameters and states declared. Called by `program.ts`.
 */
import type { Dim } from "../../ir/graph.ts";
import { classesOf, Graph, rememberedOn } from "../../ir/graph.ts";
import type { LossNoise, LossParameter, LossState } from "../../ir/lower/environment.ts";
import type { LoweredLoss } from "../../ir/lower/loss.ts";
import { lowerModel, viewsOf } from "../../ir/lower/model.ts";
import { optimise, settingsOf } from "../../ir/passes/optimise.ts";
import type { LossPlan, ModelPlan } from "../../plan/plan.ts";
import { position } from "../../source/source.ts";
import { declared } from "./assemble.ts";
import type { Declared } from "./assemble.ts";
import { dimText, numberText } from "./expressions.ts";
import type { EmittedLoss } from "./losses.ts";
import { lossStatements } from "./losses.ts";
import { camelCase } from "./names.ts";
import { commentText, entryText, stringLiteral } from "./text.ts";
import { numberIn } from "./values.ts";

/** Everything declared on the way: parameters and state in the order of the program. */
export interface Declarations {
  readonly parameters: string[];
  readonly state: string[];
  /** Random numbers of each step. */
  readonly noise: string[];
  /** The labels of the data set that losses read beside the class. */
  readonly labels: string[];
}

/** `losses(embeddings, labels)`: every loss's formula, what they share computed once. */
export function lossesFunction(plan: ModelPlan, declarations: Declarations, stacked: boolean): Declared {
  const settings = settingsOf(plan, stacked);
  const emitted = optimise(new Graph(), lowerModel(plan), settings).map(({ loss, lowered }): EmittedLoss => {
    declarations.parameters.push(...lowered.parameters.map(lossParameterText));
    declarations.state.push(...lowered.states.map(lossStateText));
    declarations.noise.push(...lowered.noise.map((noise) => lossNoiseText(noise, plan)));
    return { name: loss.name, lowered, comment: lossComment(loss) };
  });
  const { lines, results } = lossStatements(emitted);
  declarations.state.push(...classWeightStates(emitted));
  const labels = labelsRead(emitted);
  declarations.labels.push(...labels);
  const remembers = emitted.some(({ lowered }) => lowered.memory?.reached === true);
  const entries = results.map(({ name, value }) => entryText(name, value));
  return declared("losses", "Each loss on one batch: its value, and whether the batch held a valid tuple.", {
    parameters: [
      ["embeddings", "Record<string, tf.Tensor2D>"],
      ["labels", "tf.Tensor1D"],
      ["net", "Net"],
      ...(viewsOfModel(plan) > 1 || remembers || labels.length > 0 ? [OTHER_VIEWS] : []),
      ...(remembers || labels.length > 0 ? [["ids", "tf.Tensor1D"] as const] : []),
      ...(labels.length > 0 ? [OTHER_LABELS] : []),
    ],
    returns: "Record<string, LossValue>",
    lines: [...lines, "", `return { ${entries.join(", ")} };`],
  });
}

const OTHER_VIEWS = ["otherViews", "readonly Record<string, tf.Tensor2D>[]"] as const;

const OTHER_LABELS = ["otherLabels", "Readonly<Record<string, tf.Tensor1D>>"] as const;

/** The labels of the data set that losses read beside the class. */
const labelsRead = (losses: readonly { readonly lowered: LoweredLoss }[]): string[] =>
  [...new Set(losses.flatMap(({ lowered }) => lowered.labels))].sort();

/** The states that hold the weights of classes: losses that weigh one label alike share one. */
function classWeightStates(losses: readonly EmittedLoss[]): string[] {
  const all = losses.flatMap(({ lowered }) => lowered.classWeights ?? []);
  const first = all.filter(({ name }, at) => all.findIndex((each) => each.name === name) === at);
  return first.map(({ name, kind, label }) => {
    const counts = label === undefined ? "sizes.counts!" : `sizes.labelCounts![${stringLiteral(label)}]!`;
    const initial = `init.classWeights(${stringLiteral(kind)}, ${counts})`;
    return `{ name: ${stringLiteral(name)}, shape: [${sidesText([classesOf(label)])}], initial: ${initial}, transient: true }`;
  });
}

/** How many views of a batch the model's losses read. */
export const viewsOfModel = ({ losses }: ModelPlan): number => Math.max(...losses.map(viewsOf));

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
  shape.map((side) => dimText(side).replace(/^net\./, "")).join(", ");

function lossStateText({ name, shape, initial, transient }: LossState): string {
  const rest = transient === true ? ", transient: true" : "";
  const first = typeof initial === "number" ? numberText(initial) : initializerText(initial);
  return `{ name: ${stringLiteral(name)}, shape: [${sidesText(shape)}], initial: ${first}${rest} }`;
}

/** Batches of a training run are of one size. */
function lossNoiseText({ name, shape }: LossNoise, { train: { batch } }: ModelPlan): string {
  const size = batch.classes * batch.samples;
  const known = shape.map((side): Dim => {
    const remembered = side === "batch" ? 0 : rememberedOn(side);
    return remembered === undefined ? side : size + remembered;
  });
  return `{ name: ${stringLiteral(name)}, shape: [${sidesText(known)}] }`;
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
