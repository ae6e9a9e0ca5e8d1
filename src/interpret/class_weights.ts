/**
 * A loss whose samples are weighed by their class: the share ℓ_a of sample a (terms.ts) counts ω times, ω the weight of
 * its class, and the value is (1/B) Σ_a ω ℓ_a plus what is in no share. Written as a formula once more: each outermost
 * reduction over the batch gets the factor ω of its first index inside, which leaves its denominator as it was; a constant
 * gets the mean of ω over the batch. Called by `interpret.ts`. Pure.
 */
import { InterpretError } from "./errors.ts";
import type { ExpandedLoss } from "./expand/loss.ts";
import type { Branch, Input, Node } from "./nodes.ts";
import { dependsOnBatch, isDifferentiable, runsOverBatch } from "./terms.ts";

const UNWEIGHABLE = "the loss is no mean over samples, which could be weighed by their class";

/** The weighed loss and the input that holds the weights, [classes]. Throws `InterpretError` for one without shares. */
export function weighedByClass(
  loss: ExpandedLoss,
  classes: number,
  batch: number,
): { readonly root: Node; readonly weights: Input } {
  const { graph } = loss;
  const weights = graph.input("state", "class_weights", [classes]);
  const of = (index: Node): Node => graph.element(weights, [graph.element(loss.labels.own.input, [index])]);
  const mean = (): Node => {
    const variable = graph.variable("a", { start: 0, size: batch });
    variable.samples = true;
    const body = of(graph.reference(variable));
    return graph.reduce("mean", [{ variables: [variable], guards: [[], []], body }]);
  };
  const weigh = (node: Node): Node => {
    if (!dependsOnBatch(node)) return isDifferentiable(node) ? node : graph.binary("*", node, mean());
    switch (node.kind) {
      case "unary":
        if (node.op === "-" || node.op === "stop_gradient") return graph.unary(node.op, weigh(node.operand));
        break;
      case "binary": {
        const { op, left, right } = node;
        if (op === "+" || op === "-") return graph.binary(op, weigh(left), weigh(right));
        const isFactor = (operand: Node): boolean => !isDifferentiable(operand) || !dependsOnBatch(operand);
        if ((op === "*" || op === "/" || op === "ratio") && isFactor(right))
          return graph.binary(op, weigh(left), right);
        if (op === "*" && isFactor(left)) return graph.binary(op, left, weigh(right));
        break;
      }
      case "reduce": {
        const { op, branches } = node;
        if (op === "sum" || op === "mean" || op === "mean_active" || op === "count")
          return graph.reduce(
            op === "count" ? "sum" : op,
            branches.map((branch) => weighBranch(branch, op === "count")),
          );
        break;
      }
      default:
        break;
    }
    throw new InterpretError(UNWEIGHABLE);
  };
  const weighBranch = (branch: Branch, counted: boolean): Branch => {
    const { variables, guards, body } = branch;
    const [first] = variables;
    const ofBatch = [body, ...guards.flat()].some(dependsOnBatch) || variables.some(({ samples }) => samples);
    if (first === undefined || !ofBatch) return { ...branch, body: weigh(body) };
    if (!runsOverBatch(first, batch)) throw new InterpretError(UNWEIGHABLE);
    const factor = of(graph.reference(first));
    const weighed = counted ? graph.choose(body, factor, graph.number(0)) : graph.binary("*", factor, body);
    return { ...branch, body: weighed };
  };
  return { root: weigh(loss.root), weights };
}
