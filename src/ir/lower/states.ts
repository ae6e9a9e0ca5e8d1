/**
 * Lowering of `state`: a tensor that is kept between steps. Reads give its value before the step; what it is after the
 * step takes no part in the loss's value, its validity or its gradient. Called by `loss.ts`.
 */
import { initializerUse } from "../../resolve/initializers.ts";
import type { LossInstance } from "../../resolve/values.ts";
import type { State } from "../../syntax/ast.ts";
import type { Axis, Lowered } from "../axes.ts";
import { aligned, isSlot, slot } from "../axes.ts";
import type { Dim } from "../graph.ts";
import { constantOf } from "../graph.ts";
import type { Context, LossInitializer } from "./environment.ts";
import { Environment, LoweringError } from "./environment.ts";
import { initializerOf, shapeOf, uniqueName } from "./parameters.ts";
import { statedDomain } from "./ranges.ts";

/** Declares a state, binds its name in `environment`, and works out what it is after the step. Throws `LoweringError`. */
export function lowerState(
  context: Context,
  state: State,
  environment: Environment,
  instance: LossInstance,
): void {
  const { build } = context;
  const ofTable = state.indices.length > 0;
  const shape = ofTable ? sidesOf(context, state, environment) : shapeOf(context, state.type, environment);
  if (shape.includes("batch")) throw new LoweringError(state.type.span, "a state of the size of the batch");
  const initial = initialOf(context, state, environment, instance);
  const name = uniqueName(context, `${context.path}/${state.name.text}`);
  const node = build.state(name, shape);
  const axes = shape.map((size, k): Axis => slot(shape.length - 1 - k, size));
  const before: Lowered = { node, axes };
  environment.bind(state.name.text, { kind: "value", value: before });
  // Listed before its next value is known, so that no other gets its name.
  const entry = { name, shape, initial, next: node };
  context.states.push(entry);
  const inner = new Environment(environment.scope, environment);
  const indices = state.indices.map(({ name: { text } }, k): Axis => {
    const axis = { order: context.nextOrder++, size: shape[k]!, from: 0, name: text };
    inner.bind(text, { kind: "index", axis });
    return axis;
  });
  context.depth++;
  const next = context.lower(context, state.next, inner);
  context.depth--;
  if (!fits(next, shape, ofTable))
    throw new LoweringError(state.next.span, "a next value of another shape than the state's");
  const sides = ofTable ? indices : next.axes;
  const real = build.asReal(aligned(build, next, sides));
  // An absent value leaves the state as it was.
  entry.next =
    next.present === undefined ? real : build.select(aligned(build, next.present, sides), real, node);
}

/** The sides of a table. */
function sidesOf(context: Context, state: State, environment: Environment): Dim[] {
  return state.indices.map((index) => {
    const { domain } = index;
    const found = domain === undefined ? undefined : statedDomain(context, domain, environment);
    if (found?.kind !== "range" || found.from !== 0)
      throw new LoweringError(index.span, "a side that does not run from 0");
    return found.size;
  });
}

function initialOf(
  context: Context,
  { initial }: State,
  environment: Environment,
  instance: LossInstance,
): number | LossInitializer {
  const isBound = (name: string): boolean => environment.lookup(name) !== undefined;
  if (initializerUse(initial, instance.scope, isBound) !== undefined) return initializerOf(initial, instance);
  const value = constantOf(context.lower(context, initial, environment).node);
  if (value === undefined)
    throw new LoweringError(initial.span, "a state that does not start from a constant");
  return value;
}

/** Whether a next value has the shape of the state, or fills it. */
function fits({ axes }: Lowered, shape: readonly Dim[], ofTable: boolean): boolean {
  const sides = axes.filter(isSlot);
  if (ofTable) return sides.length === 0;
  const whole = sides.length === 0 || sides.map(({ size }) => size).join() === shape.join();
  return whole && sides.length === axes.length;
}
