/**
 * Lowering of `param`: a trainable tensor of a loss, and everything the emitted program needs to declare it. Called by
 * `loss.ts`.
 */
import type { LossInstance, Value } from "../../resolve/values.ts";
import { bindArguments } from "../../resolve/bind.ts";
import { evaluateConstant } from "../../resolve/evaluate.ts";
import { signatureOf } from "../../resolve/use.ts";
import { Diagnostics } from "../../diagnostics/diagnostic.ts";
import type { Block, Expression, Param, TypeExpression } from "../../syntax/ast.ts";
import type { Axis, Lowered } from "../axes.ts";
import { slot } from "../axes.ts";
import type { Dim } from "../graph.ts";
import type { Context, Environment, LossInitializer } from "./environment.ts";
import { LoweringError } from "./environment.ts";

/** Declares a `param` and gives its tensor. Throws `LoweringError`. */
export function lowerParam(
  context: Context,
  param: Param,
  environment: Environment,
  instance: LossInstance,
): Lowered {
  const { build } = context;
  const shape = shapeOf(context, param.type, environment);
  const { init } = param;
  const initializer = initializerOf(init, instance);
  const settings = settingsOf(init.kind === "Call" ? init.block : undefined, instance.parameters);
  const lr = settings.get("lr");
  const train = settings.get("train");
  const name = uniqueName(context, `${context.path}/${param.name.text}`);
  context.parameters.push({
    name,
    shape,
    initializer,
    ...(lr?.kind === "number" ? { lr: lr.value } : {}),
    train: train?.kind === "bool" ? train.value : true,
  });
  const node = build.param(name, shape);
  const axes = shape.map((size, k): Axis => slot(shape.length - 1 - k, size));
  return { node, axes };
}

/** `normal(std: 0.1)`, its arguments bound; settings after it are the caller's. Throws `LoweringError`. */
export function initializerOf(init: Expression, instance: LossInstance): LossInitializer {
  if (init.kind !== "Call" && init.kind !== "Name") throw new LoweringError(init.span, "such an initialiser");
  const name = init.kind === "Call" ? init.callee.text : init.text;
  const resolved = instance.scope.lookup("initializer", name);
  if (resolved === undefined) throw new LoweringError(init.span, `the initialiser \`${name}\``);
  const use = init.kind === "Call" && init.block !== undefined ? { ...init, block: undefined } : init;
  const values = bindArguments(
    signatureOf(resolved),
    use as typeof init,
    instance.scope,
    instance.parameters,
    new Diagnostics(),
  );
  if (values === undefined) throw new LoweringError(init.span, `this use of \`${name}\``);
  return { name, values };
}

/** The sides of a declared tensor. */
export function shapeOf(context: Context, type: TypeExpression, environment: Environment): Dim[] {
  return (type.axes ?? []).map((axis): Dim => {
    const { node } = context.lower(context, axis, environment);
    if (node.operation.kind === "size") return node.operation.dim;
    if (node.operation.kind === "constant") return node.operation.value;
    throw new LoweringError(axis.span, "a side that is not known before training");
  });
}

/** A loss used twice within another has its parameters and states twice. */
export function uniqueName(context: Context, wanted: string): string {
  const taken = new Set([...context.parameters, ...context.states].map(({ name }) => name));
  let name = wanted;
  for (let k = 2; taken.has(name); k++) name = `${wanted}_${k}`;
  return name;
}

/** The settings after an initialiser, `{ lr: 1e-2, train: learn_beta }`. */
function settingsOf(block: Block | undefined, environment: ReadonlyMap<string, Value>): Map<string, Value> {
  const found = new Map<string, Value>();
  for (const entry of block?.entries ?? []) {
    const value: Expression | undefined = entry.value;
    const known = value === undefined ? undefined : evaluateConstant(value, environment, new Diagnostics());
    if (known !== undefined) found.set(entry.name.text, known);
  }
  return found;
}
