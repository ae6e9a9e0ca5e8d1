/**
 * The pass `prune`: what contributes nothing is not computed.
 *
 * - A term with the factor 0, as `covariance: 0` leaves one, where its other factor is a number on every batch.
 * - `stop_gradient` below what lets no gradient through anyway: a comparison, a count, another `stop_gradient`. The
 *   values that are compared and those that are learned from are then one node.
 *
 * What no root needs any more is gone by that alone: printing and emission start from the roots.
 */
import type { Builder } from "../build.ts";
import type { Node } from "../graph.ts";
import { constantOf } from "../graph.ts";
import { mayBeInfinite } from "../rules/finite.ts";
import { elementwise, rebuild } from "./rebuild.ts";

export function prune(build: Builder, roots: readonly Node[]): Node[] {
  return rebuild(build, roots, (node, inputs) => {
    const { kind } = node.operation;
    if (kind === "mul" && node.shape.length === 0 && isNothing(inputs)) return build.constant(0);
    if (kind === "add" || kind === "sub") return withoutNothing(build, node, inputs);
    return withoutStops(build, node, inputs);
  });
}

/** Whether a product of these is 0, with zero gradient, whatever the batch holds. */
function isNothing(factors: readonly Node[]): boolean {
  return factors.some((factor) => constantOf(factor) === 0) && !factors.some(mayBeInfinite);
}

/** `x + 0 * y` and `x - 0 * y` where x has all sides of the sum. */
function withoutNothing(build: Builder, node: Node, inputs: readonly Node[]): Node | undefined {
  const [left, right] = inputs as [Node, Node];
  const nothing = (term: Node): boolean => {
    const { operation, inputs: factors } = term.operation.kind === "view" ? term.inputs[0]! : term;
    return operation.kind === "mul" && isNothing(factors);
  };
  const whole = ({ shape }: Node): boolean => shape.join() === node.shape.join();
  if (nothing(right) && whole(left)) return left;
  if (node.operation.kind === "add" && nothing(left) && whole(right)) return right;
  return elementwise(build, node, inputs);
}

/** The node on inputs whose own `stop_gradient` is of no use to it. */
function withoutStops(build: Builder, node: Node, inputs: readonly Node[]): Node | undefined {
  const { operation, shape, type } = node;
  if (type === "real" && operation.kind !== "stop_gradient") return undefined;
  const bare = inputs.map((input) => (input.operation.kind === "stop_gradient" ? input.inputs[0]! : input));
  if (bare.every((input, k) => input === inputs[k])) return undefined;
  return elementwise(build, node, bare) ?? build.graph.node(operation, bare, shape, type);
}
