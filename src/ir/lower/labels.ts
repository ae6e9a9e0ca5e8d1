/**
 * Lowering of the labels of samples: the class, and the further labels that `on: LABEL` and `LOSS by LABEL` name. Called
 * where pairs are compared, labels read and their classes counted.
 */
import type { Call, Expression } from "../../syntax/ast.ts";
import type { Lowered } from "../axes.ts";
import { scalar, slot } from "../axes.ts";
import { classesOf } from "../graph.ts";
import type { Context, Environment } from "./environment.ts";
import { LoweringError } from "./environment.ts";
import { rememberedLabels } from "./memory.ts";

/** A further label of the data set, by name; undefined for the class. */
export type Label = string | undefined;

/** A call's arguments but `on: LABEL`, and the label it is on: that of the loss where it says none. */
export function onLabel(
  context: Context,
  call: Call,
  environment: Environment,
): { readonly rest: Call; readonly label: Label } {
  const on = call.arguments.find(({ name }) => name?.text === "on");
  if (on === undefined) return { rest: call, label: ownLabel(context) };
  const rest = { ...call, arguments: call.arguments.filter((argument) => argument !== on) };
  return { rest, label: labelNamed(context, on.value, environment) };
}

/** The label that stands in the place of the class in this loss. */
export function ownLabel({ labels }: Context): Label {
  return noted(labels.by === labels.main ? undefined : labels.by, labels.used);
}

/** A label's name, or a parameter of the type `label`. */
function labelNamed({ labels }: Context, expression: Expression, environment: Environment): Label {
  if (expression.kind !== "Name") throw new LoweringError(expression.span, "a label that is no name");
  const bound = environment.lookup(expression.text);
  const given = bound?.kind === "constant" && bound.value.kind === "label" ? bound.value.name : undefined;
  const name = given ?? expression.text;
  return noted(name === labels.main ? undefined : name, labels.used);
}

function noted(label: Label, used: Set<string>): Label {
  if (label !== undefined) used.add(label);
  return label;
}

/** The number of each sample's class, over the batch or over batch and memory. */
export function labelsOf(context: Context, label: Label): Lowered {
  const { build, memory } = context;
  if (memory === undefined) return { node: build.labels(label), axes: [slot(0, "batch")] };
  return { node: rememberedLabels(build, memory, label).classes, axes: [slot(0, memory.samples)] };
}

/** How many classes a label has. */
export function classCount({ build }: Context, label: Label): Lowered {
  return scalar(build.size(classesOf(label)));
}
