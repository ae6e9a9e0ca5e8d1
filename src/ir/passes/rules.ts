/**
 * The passes `fold` and `stabilise`: every elementwise operation made again by a builder that asks the rules of
 * `rules/`. What a rule gives is a node that rules have been asked about too, so one run is enough.
 */
import type { Builder } from "../build.ts";
import type { Node } from "../graph.ts";
import { elementwise, rebuild } from "./rebuild.ts";

export function applyRules(build: Builder, roots: readonly Node[]): Node[] {
  return rebuild(build, roots, (node, inputs) => {
    if (node.operation.kind !== "reduce") return elementwise(build, node, inputs);
    return build.reduce(node.operation.op, inputs[0]!, inputs[1], node.operation.axes);
  });
}
