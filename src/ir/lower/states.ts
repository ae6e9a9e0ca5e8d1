/**
 * Lowering of `state`: a tensor that is kept between steps. Reads give its value before the step; what it is after the
 * step takes no part in the loss's value, its validity or its gradient. Called by `loss.ts`.
 */
import type { State } from "../../syntax/ast.ts";
import type { Axis, Lowered } from "../axes.ts";
import { aligned, isSlot, slot } from "../axes.ts";
import { constantOf } from "../graph.ts";
import type { Context, Environment } from "./environment.ts";
import { LoweringError } from "./environment.ts";
import { shapeOf, uniqueName } from "./parameters.ts";

/** Declares a state, binds its name in `environment`, and works out what it is after the step. Throws `LoweringError`. */
export function lowerState(context: Context, state: State, environment: Environment): void {
  const { build } = context;
  const shape = shapeOf(context, state.type, environment);
  if (shape.includes("batch")) throw new LoweringError(state.type.span, "a state of the size of the batch");
  const initial = constantOf(context.lower(context, state.initial, environment).node);
  if (initial === undefined)
    throw new LoweringError(state.initial.span, "a state that does not start from a constant");
  const name = uniqueName(context, `${context.path}/${state.name.text}`);
  const node = build.state(name, shape);
  const axes = shape.map((size, k): Axis => slot(shape.length - 1 - k, size));
  const before: Lowered = { node, axes };
  environment.bind(state.name.text, { kind: "value", value: before });
  // Listed before its next value is known, so that no other gets its name.
  const entry = { name, shape, initial, next: node };
  context.states.push(entry);
  context.depth++;
  const next = context.lower(context, state.next, environment);
  context.depth--;
  const sides = next.axes.filter(isSlot);
  const fits = sides.length === 0 || sides.map(({ size }) => size).join() === shape.join();
  if (!fits || sides.length < next.axes.length)
    throw new LoweringError(state.next.span, "a next value of another shape than the state's");
  // An absent value leaves the state as it was.
  const real = build.asReal(next.node);
  entry.next =
    next.present === undefined ? real : build.select(aligned(build, next.present, next.axes), real, node);
}
